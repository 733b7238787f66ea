"""The workspace itself, and its datastores."""

from typing import Any

from aiohttp import web

from tests.azure_twin import world
from tests.azure_twin.arm.errors import not_found
from tests.azure_twin.arm.places import CONTAINERS
from tests.azure_twin.arm.resource import resource, system_data
from tests.azure_twin.context import TwinContext
from tests.azure_twin.routes import Routes

GROUP = f"/subscriptions/{world.SUBSCRIPTION}/resourceGroups/{world.RESOURCE_GROUP}/providers"


class Workspace:
    """`keys`: whether the system datastores work by account key (else by identity)."""

    def __init__(self, twin: TwinContext) -> None:
        self._twin = twin
        self._created = system_data(twin.clock)
        self.keys = False
        twin.commands["datastores.keys"] = self._set_keys
        twin.resets.append(self._reset)

    def add_to(self, routes: Routes) -> None:
        routes.add("GET", "", self._get)
        routes.add("GET", "/datastores", self._datastores)
        routes.add("GET", "/datastores/{name}", self._datastore)
        routes.add("POST", "/datastores/{name}/listSecrets", self._secrets)

    def _reset(self) -> None:
        self.keys = False

    async def _set_keys(self, values: dict[str, Any]) -> None:
        self.keys = bool(values["on"])

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self.body())

    def body(self) -> dict[str, Any]:
        api = f"https://{world.REGION}.api.azureml.ms"
        tracking = f"azureml://{world.REGION}.api.azureml.ms/mlflow/v1.0{world.WORKSPACE_PATH}"
        return {
            "id": world.WORKSPACE_PATH,
            "name": world.WORKSPACE,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "location": world.REGION,
            "kind": "Default",
            "tags": {},
            "sku": {"name": "Basic", "tier": "Basic"},
            "identity": {
                "type": "SystemAssigned",
                "principalId": "a1f3c7d2-5b48-4e96-8c20-7d9e6f1b0a34",
                "tenantId": world.TENANT,
            },
            "systemData": self._created,
            "properties": {
                "friendlyName": world.WORKSPACE,
                "description": "",
                "workspaceId": world.WORKSPACE_ID,
                "provisioningState": "Succeeded",
                "storageAccount": f"{GROUP}/Microsoft.Storage/storageAccounts/{world.STORAGE}",
                "keyVault": f"{GROUP}/Microsoft.KeyVault/vaults/kv-krsp",
                "applicationInsights": f"{GROUP}/Microsoft.Insights/components/appi-krsp",
                "containerRegistry": f"{GROUP}/Microsoft.ContainerRegistry/registries/crkrsplab",
                "hbiWorkspace": False,
                "tenantId": world.TENANT,
                "publicNetworkAccess": "Enabled",
                "v1LegacyMode": False,
                "discoveryUrl": f"{api}/discovery",
                "mlFlowTrackingUri": tracking,
                "systemDatastoresAuthMode": "accesskey" if self.keys else "identity",
                "creationTime": self._created["createdAt"],
            },
        }

    async def _datastores(self, request: web.Request) -> web.Response:
        only_default = request.query.get("isDefault", "").lower() == "true"
        names = [name for name in CONTAINERS if name == "workspaceblobstore" or not only_default]
        return web.json_response({"value": [self._store(name) for name in names]})

    async def _datastore(self, request: web.Request, name: str) -> web.Response:
        return web.json_response(self._store(name))

    def _store(self, name: str) -> dict[str, Any]:
        if name not in CONTAINERS:
            raise not_found(f"The datastore {name!r}")
        kind = "AccountKey" if self.keys else "None"
        properties = {
            "description": None,
            "tags": {},
            "properties": {},
            "isDefault": name == "workspaceblobstore",
            "credentials": {"credentialsType": kind},
            "datastoreType": "AzureBlob",
            "accountName": world.STORAGE,
            "containerName": CONTAINERS[name],
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
            "subscriptionId": world.SUBSCRIPTION,
            "resourceGroup": world.RESOURCE_GROUP,
        }
        return resource(f"datastores/{name}", properties, systemData=self._created)

    async def _secrets(self, request: web.Request, name: str) -> web.Response:
        """Return the key, also where `expirableSecret` asks for a signature.

        The SDK signs with what it gets here (`list_logs_in_datastore`), so it has to be a key.
        """
        self._store(name)
        if not self.keys:
            return web.json_response({"secretsType": "None"})  # [guess]
        return web.json_response({"secretsType": "AccountKey", "key": world.STORAGE_KEY})
