"""Managed online endpoints: blue and green in Azure ML, asked with an Entra token.

Everything here may be repeated. The tag `krsp.promotion` says whose a deployment is; an endpoint
without our tag is somebody else's, and is left alone.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.ai.ml import MLClient
from azure.ai.ml.entities import ManagedOnlineEndpoint
from azure.ai.ml.exceptions import MlException
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from typing_extensions import override

from trainer.azureml.endpoint_plan import as_deployment, as_endpoint, as_environment
from trainer.azureml.errors import RefusedError
from trainer.azureml.registering import Registry, told
from trainer.azureml.serving_place import ServingPlace, connected
from trainer.contract.model_tags import APP, KEY, UNTIL
from trainer.contract.promotion import PromotionOrder
from trainer.serving.place import Place
from trainer.serving.smoke import ask
from trainer.serving.switch import Colour, Site

log = logging.getLogger(__name__)

SCOPE = "https://ml.azure.com/.default"  # of the data plane, for `auth_mode: aad_token`
# An endpoint that is being changed refuses the next change; bringing a large model up takes long.
BUSY_S, BUSY_PAUSE_S = 1500.0, 15.0
_BUSY = (409, 412)


class AzurePlace(Place):
    """The workspace's endpoints and registry."""

    def __init__(
        self, order: PromotionOrder, place: ServingPlace, credential: TokenCredential
    ) -> None:
        self._order, self._place, self._credential = order, place, credential
        self._client = place.client(credential)
        self._registry = Registry(self._client)

    @classmethod
    def of(cls, order: PromotionOrder, env: Mapping[str, str]) -> "AzurePlace":
        """Return the one that the environment describes."""
        place, credential, _ = connected(env)
        return cls(order, place, credential)

    @property
    @override
    def site(self) -> Site:
        return AzureSite(self._order, self._place, self._client, self._credential)

    @override
    def alone(self) -> AbstractContextManager[None]:
        return nullcontext()  # the pipeline's environment has the exclusive lock

    @override
    def put_into_production(self) -> None:
        self._registry.put_into_production(self._order)

    @override
    def take_out_of_production(self) -> None:
        self._registry.take_out_of_production(self._order)


class AzureSite(Site):
    """One managed online endpoint."""

    def __init__(
        self,
        order: PromotionOrder,
        place: ServingPlace,
        client: MLClient,
        credential: TokenCredential,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._order, self._place, self._client = order, place, client
        self._credential, self._pause = credential, pause

    @override
    def look(self) -> Mapping[str, Colour]:
        with wrapping("looking at the endpoint"):
            endpoint = self._endpoint()
            if endpoint is None:
                return {}
            traffic = endpoint.traffic or {}
            found = self._client.online_deployments.list(endpoint_name=self._order.endpoint)
            return {
                str(each.name): Colour(
                    str((each.tags or {}).get(KEY, "")), int(traffic.get(each.name, 0))
                )
                for each in found
            }

    @override
    def bring_up(self, colour: str) -> None:
        order, place = self._order, self._place
        with wrapping(f"deploying {order.instances} x {order.machine}"):
            endpoint = self._endpoint()
            if endpoint is None:
                wanted = as_endpoint(order, place)
                self._client.online_endpoints.begin_create_or_update(wanted).result()
            environment = self._client.environments.create_or_update(as_environment(place))
            deployment = as_deployment(order, colour, f"{environment.name}:{environment.version}")
            self._patiently(
                lambda: self._client.online_deployments.begin_create_or_update(deployment)
            )

    @override
    def test(self, colour: str) -> str:
        endpoint = self._endpoint()
        if endpoint is None:
            raise RefusedError("The endpoint is gone.", remedy="Promote the run again.")
        address = urlsplit(str(endpoint.scoring_uri))
        headers = {
            "Authorization": f"Bearer {self._credential.get_token(SCOPE).token}",
            "azureml-model-deployment": colour,
        }
        return ask(f"{address.scheme}://{address.netloc}", self._order.model, headers)

    @override
    def move_traffic(self, colour: str) -> None:
        with wrapping("moving the traffic"):
            endpoint = self._endpoint()
            assert endpoint is not None
            endpoint.traffic = dict.fromkeys(endpoint.traffic or {}, 0) | {colour: 100}
            until = datetime.now(UTC) + timedelta(hours=self._order.hours)
            endpoint.tags = {**(endpoint.tags or {}), UNTIL: until.isoformat(timespec="seconds")}
            self._patiently(lambda: self._client.online_endpoints.begin_create_or_update(endpoint))

    @override
    def remove(self, colour: str) -> None:
        name = self._order.endpoint
        with wrapping(f"removing {colour}"):
            self._patiently(
                lambda: self._client.online_deployments.begin_delete(colour, endpoint_name=name),
                may_be_gone=True,
            )

    @override
    def remove_endpoint(self) -> None:
        with wrapping("removing the endpoint"):
            if self._endpoint() is not None:
                name = self._order.endpoint
                self._patiently(
                    lambda: self._client.online_endpoints.begin_delete(name), may_be_gone=True
                )

    def _endpoint(self) -> ManagedOnlineEndpoint | None:
        """Return the endpoint, which must be ours; None where there is none."""
        try:
            found: Any = self._client.online_endpoints.get(self._order.endpoint)
        except ResourceNotFoundError:
            return None
        if (found.tags or {}).get(APP) != "krsp":
            raise RefusedError(
                f"The workspace has an endpoint {self._order.endpoint} that is not ours.",
                remedy="Choose another name: `promote <run> endpoint=<name>`.",
            )
        endpoint: ManagedOnlineEndpoint = found
        return endpoint

    def _patiently(self, begin: Callable[[], Any], *, may_be_gone: bool = False) -> None:
        """Carry a change out; while another one is under way, wait for that."""
        until = time.monotonic() + BUSY_S
        while True:
            try:
                begin().result()
            except HttpResponseError as error:
                if may_be_gone and isinstance(error, ResourceNotFoundError):
                    return
                if error.status_code not in _BUSY or time.monotonic() > until:
                    raise
                log.warning("the endpoint is being changed; trying again in %.0f s", BUSY_PAUSE_S)
                self._pause(BUSY_PAUSE_S)
            else:
                return


@contextmanager
def wrapping(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into one of our errors; `doing` completes "while ..."."""
    try:
        yield
    except (AzureError, MlException) as error:
        said = " ".join(str(error).split())[:400]
        if "quota" in said.lower():
            raise RefusedError(
                f"The subscription's quota does not suffice for {doing}: {said}",
                remedy="While old and new are both up it needs twice the machines. Choose a "
                "smaller machine, undeploy what is not needed, or ask for more quota.",
            ) from error
        raise told(error, doing) from error
