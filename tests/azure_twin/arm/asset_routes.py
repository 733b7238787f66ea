"""HTTP of the versioned assets: codes, data, environments, models."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.azure_twin.arm.assets import KINDS, Assets, new_container_name
from tests.azure_twin.arm.errors import bad_request
from tests.azure_twin.arm.places import long_uri, place_of, short_uri
from tests.azure_twin.arm.resource import resource
from tests.azure_twin.blob.store import ACCOUNT_URL, BlobStore, Place, container_sas
from tests.azure_twin.context import TwinContext
from tests.azure_twin.routes import Routes
from tests.azure_twin.world import REGION, RESOURCE_GROUP, STORAGE, SUBSCRIPTION

ACCOUNT_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    f"/providers/Microsoft.Storage/storageAccounts/{STORAGE}"
)
OF_A_JOB = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/(?P<path>.*))?"
)
ARTIFACT_OF = re.compile(r"azureml://jobs/(?P<job>[^/]+)/artifacts/(?P<path>.*)")


class AssetRoutes:
    """`output_place` tells where a job's named output is."""

    def __init__(
        self,
        twin: TwinContext,
        assets: Assets,
        store: BlobStore,
        output_place: Callable[[str, str], Place],
    ) -> None:
        self._twin = twin
        self._assets = assets
        self._store = store
        self._output_place = output_place

    def add_to(self, routes: Routes) -> None:
        for kind in KINDS:
            for method, tail, handler in (
                ("GET", "", self._names),
                ("GET", "/{name}", self._container),
                ("PUT", "/{name}", self._put_container),
                ("GET", "/{name}/versions", self._versions),
                ("GET", "/{name}/versions/{version}", self._get),
                ("PUT", "/{name}/versions/{version}", self._put),
                ("DELETE", "/{name}/versions/{version}", self._delete),
                ("POST", "/{name}/versions/{version}/startPendingUpload", self._pending),
            ):
                routes.add(method, f"/{kind}{tail}", _bound(handler, kind))

    async def _names(self, request: web.Request, kind: str) -> web.Response:
        names = self._assets.names(kind)
        return web.json_response({"value": [self._assets.container(kind, one) for one in names]})

    async def _container(self, request: web.Request, kind: str, name: str) -> web.Response:
        return web.json_response(self._assets.container(kind, name))

    async def _put_container(self, request: web.Request, kind: str, name: str) -> web.Response:
        body = await request.json()
        return web.json_response(resource(f"{kind}/{name}", body.get("properties") or {}))

    async def _versions(self, request: web.Request, kind: str, name: str) -> web.Response:
        digest = request.query.get("hash")
        if kind == "codes" and digest is not None:
            found = self._assets.with_hash(digest)
        else:
            found = self._assets.versions(kind, name)
        top = int(request.query.get("$top", len(found)))
        return web.json_response({"value": found[:top]})

    async def _get(self, request: web.Request, kind: str, name: str, version: str) -> web.Response:
        return web.json_response(self._assets.get(kind, name, version))

    async def _put(self, request: web.Request, kind: str, name: str, version: str) -> web.Response:
        properties: dict[str, Any] = (await request.json())["properties"]
        if kind == "models":
            properties = self._resolved(properties)
        made, is_new = self._assets.put(
            kind, name, version, properties=properties, claims=request.get("claims")
        )
        if is_new and kind == "models":
            self._registered(name, version, made["properties"])
        return web.json_response(made, status=201 if is_new else 200)

    async def _delete(
        self, request: web.Request, kind: str, name: str, version: str
    ) -> web.Response:
        gone = self._assets.delete(kind, name, version)
        return web.Response(status=200 if gone else 204)

    async def _pending(
        self, request: web.Request, kind: str, name: str, version: str
    ) -> web.Response:
        container = new_container_name()
        await self._store.ensure_container(container)
        uri = f"{ACCOUNT_URL}/{container}"
        credential = {"credentialType": "SAS", "sasUri": f"{uri}?{container_sas(container)}"}
        body = {
            "blobReferenceForConsumption": {
                "blobUri": uri,
                "storageAccountArmId": ACCOUNT_ID,
                "credential": credential,
            },
            "pendingUploadId": str(uuid.uuid4()),
            "pendingUploadType": "TemporaryBlobReference",
        }
        return web.json_response(body)

    def _resolved(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Return a model's properties with the place of the job's output it came from."""
        uri = properties.get("modelUri") or ""
        output, artifact = OF_A_JOB.fullmatch(uri), ARTIFACT_OF.fullmatch(uri)
        if output is None and artifact is None:
            place_of(uri)
            return properties
        found = output or artifact
        assert found is not None
        name = output["output"] if output else "default"
        place = self._output_place(found["job"], name).below((found["path"] or "").strip("/"))
        return {**properties, "jobName": found["job"], "modelUri": long_uri(short_uri(place))}

    def _registered(self, name: str, version: str, properties: dict[str, Any]) -> None:
        data = {
            "ModelName": name,
            "ModelVersion": int(version) if version.isdigit() else version,
            "ModelTags": properties["tags"],
            "ModelProperties": properties["properties"],
        }
        self._twin.publish("Microsoft.MachineLearningServices.ModelRegistered", data)


class ResolvedUris:
    """The data plane's look-up of an asset's address, for downloads."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    async def data(self, request: web.Request) -> web.Response:
        asked = (await request.json())["values"]
        found = {one: self._one(one, "dataUri", "uri") for one in asked}
        kinds = {one: self._assets.by_id(one)["properties"].get("dataType") for one in asked}
        values = {one: {**held, "type": kinds[one]} for one, held in found.items()}
        return web.json_response({"values": values})

    async def models(self, request: web.Request) -> web.Response:
        asked = (await request.json())["values"]
        values = {
            one: {**self._one(one, "modelUri", "path"), "type": "DatastorePath"} for one in asked
        }
        return web.json_response({"values": values})

    def _one(self, asset_id: str, key: str, shown: str) -> dict[str, str]:
        held = self._assets.by_id(asset_id)["properties"].get(key)
        if held is None:
            raise bad_request(f"The asset {asset_id!r} in {REGION} has no address.")
        return {shown: long_uri(held)}


def _bound(handler: Any, kind: str) -> Any:
    async def handle(request: web.Request, **values: str) -> web.StreamResponse:
        return await handler(request, kind=kind, **values)

    return handle
