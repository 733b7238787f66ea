"""A local endpoint: blue and green below `KRSP_HOME/endpoints/<name>`, each with its keeper."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError
from typing_extensions import override

from trainer.checkpoint import write_whole
from trainer.contract.promotion import (
    COLOURS,
    DeploymentFile,
    EndpointFile,
    PromotionOrder,
    endpoint_folder,
)
from trainer.serving.errors import PromotionError
from trainer.serving.keeper import read_deployment, read_server
from trainer.serving.place import Place
from trainer.serving.processes import is_kept, locked, spawn_keeper, stop_keeper
from trainer.serving.registry import LocalRegistry, Registered
from trainer.serving.smoke import ask
from trainer.serving.switch import Colour, Site

UP_S = 600.0
OTHERS_S = 600.0
TURN_S = 0.1


class LocalPlace(Place):
    """Endpoints and registry of one machine, below `home`."""

    def __init__(self, order: PromotionOrder, home: Path) -> None:
        self._order, self._home = order, home

    @property
    @override
    def site(self) -> Site:
        return LocalSite(self._home, self._order, lambda: self._registry.register(self._order))

    @override
    def alone(self) -> AbstractContextManager[None]:
        return working_on(self._home, self._order.endpoint)

    @override
    def put_into_production(self) -> None:
        self._registry.put_into_production(self._order.model, self._order.run_id)

    @override
    def take_out_of_production(self) -> None:
        self._registry.take_out_of_production(self._order.model, self._order.run_id)

    @cached_property
    def _registry(self) -> LocalRegistry:
        return LocalRegistry(self._home)


class LocalSite(Site):
    """One endpoint of this machine. Only one process may work on it: see `working_on`."""

    def __init__(
        self,
        home: Path,
        order: PromotionOrder,
        register: Callable[[], Registered],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = endpoint_folder(home, order.endpoint)
        self._order, self._register, self._now = order, register, now

    @override
    def look(self) -> Mapping[str, Colour]:
        traffic = read_endpoint(self._folder).traffic
        found = {colour: read_deployment(self._folder / colour) for colour in COLOURS}
        return {
            colour: Colour(deployment.key, 100 if colour == traffic else 0)
            for colour, deployment in found.items()
            if deployment is not None
        }

    @override
    def bring_up(self, colour: str) -> None:
        folder = self._folder / colour
        known = read_deployment(folder)
        if known is None or known.key != self._order.key:
            model = self._register()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            deployment = DeploymentFile(
                colour=colour,
                key=self._order.key,
                run_id=self._order.run_id,
                model=self._order.model,
                version=model.version,
                folder=str(model.folder),
                created_at=self._now(),
            )
            write_whole(folder / "deployment.json", deployment.model_dump_json(indent=1))
        spawn_keeper(folder)
        self._wait(folder)

    def _wait(self, folder: Path) -> None:
        until = time.monotonic() + UP_S
        while time.monotonic() < until:
            said = read_server(folder)
            if said is not None and said.state == "ready":
                return
            if said is not None and said.state == "failed":
                raise PromotionError(
                    f"The model's server does not start. {said.fault}",
                    remedy="The pipeline's log and the server's own have more.",
                )
            if not is_kept(folder):
                spawn_keeper(folder)
            time.sleep(TURN_S)
        raise PromotionError(
            f"The model's server did not come up within {UP_S / 60:.0f} minutes.",
            remedy="The machine may be too small for the model.",
        )

    @override
    def test(self, colour: str) -> str:
        said = read_server(self._folder / colour)
        if said is None:
            raise PromotionError(f"{colour} has no server.", remedy="Promote it again.")
        return ask(f"http://127.0.0.1:{said.port}", self._order.model)

    @override
    def move_traffic(self, colour: str) -> None:
        endpoint = EndpointFile(
            name=self._order.endpoint,
            traffic=colour,
            expires_at=self._now() + self._order.hours * 3600,
        )
        write_whole(self._folder / "endpoint.json", endpoint.model_dump_json(indent=1))

    @override
    def remove(self, colour: str) -> None:
        folder = self._folder / colour
        # Gone first, so that nobody starts the server again.
        (folder / "deployment.json").unlink(missing_ok=True)
        stop_keeper(folder)
        shutil.rmtree(folder, ignore_errors=True)

    @override
    def remove_endpoint(self) -> None:
        (self._folder / "endpoint.json").unlink(missing_ok=True)
        for colour in COLOURS:
            self.remove(colour)


@contextmanager
def working_on(home: Path, endpoint: str) -> Iterator[None]:
    """Work on an endpoint alone; waits for another promotion to end."""
    folder = endpoint_folder(home, endpoint)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock", wait_s=OTHERS_S) as is_mine:
        if not is_mine:
            raise PromotionError(
                f"Another promotion has been working on {endpoint} for "
                f"{OTHERS_S / 60:.0f} minutes.",
                remedy="Wait for it to end, then try again.",
            )
        yield


def read_endpoint(folder: Path) -> EndpointFile:
    """Return which colour has the traffic; none where nothing is said."""
    try:
        return EndpointFile.model_validate_json((folder / "endpoint.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return EndpointFile(name=folder.name)
