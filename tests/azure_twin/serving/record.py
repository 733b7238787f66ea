"""Online endpoints and deployments as the service keeps them."""

import math
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.azure_twin.arm.errors import ArmError
from tests.azure_twin.arm.resource import resource
from tests.azure_twin.arm.skus import Sku, sku
from tests.azure_twin.children import Child
from tests.azure_twin.world import REGION, TENANT

# Azure ML keeps a fifth of a deployment's machines free for upgrades [doc].
RESERVED = 1.2


@dataclass
class Deployment:
    """One deployment; `child` answers on `port` once it is ready."""

    endpoint: str
    name: str
    body: dict[str, Any]  # of the PUT
    system_data: dict[str, Any]
    state: str = "Creating"
    error: ArmError | None = None
    child: Child | None = None
    port: int = 0
    folder: Path = Path()

    @property
    def asked(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.body["properties"]
        return properties

    @property
    def instances(self) -> int:
        return int((self.body.get("sku") or {}).get("capacity") or 1)

    @property
    def sku(self) -> Sku:
        return sku(str(self.asked.get("instanceType") or ""))

    @property
    def cores(self) -> int:
        """Return the cores that count against the quota."""
        return math.ceil(self.instances * RESERVED) * self.sku.cores

    @property
    def log(self) -> Path:
        return self.folder / "inference-server.log"

    @property
    def is_settled(self) -> bool:
        return self.state in {"Succeeded", "Failed"}

    def shown(self) -> dict[str, Any]:
        usual = {
            "endpointComputeType": "Managed",
            # The SDK sends none by default, and cannot read an answer without.
            "scaleSettings": {"scaleType": "Default"},
            "requestSettings": {
                "maxConcurrentRequestsPerInstance": 1,
                "requestTimeout": "PT5S",
                "maxQueueWait": "PT0.5S",
            },
            "egressPublicNetworkAccess": "Enabled",
            "environmentVariables": {},
        }
        given = {key: value for key, value in self.asked.items() if value is not None}
        return resource(
            f"onlineEndpoints/{self.endpoint}/deployments/{self.name}",
            {**usual, **given, "provisioningState": self.state},
            location=REGION,
            tags=self.body.get("tags") or {},
            sku={"name": "Default", "tier": "Standard", "capacity": self.instances},
            systemData=self.system_data,
        )


@dataclass
class Endpoint:
    name: str
    body: dict[str, Any]
    system_data: dict[str, Any]
    state: str = "Creating"
    traffic: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=lambda: [secrets.token_urlsafe(24) for _ in range(2)])
    principal: str = field(default_factory=lambda: str(uuid.uuid4()))
    deployments: dict[str, Deployment] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.body["properties"]
        return properties

    @property
    def auth_mode(self) -> str:
        return str(self.asked.get("authMode") or "Key")

    @property
    def host(self) -> str:
        return f"{self.name}.{REGION}.inference.ml.azure.com"

    def shown(self) -> dict[str, Any]:
        is_new = self.state == "Creating"
        properties = {
            "authMode": self.auth_mode,
            "description": self.asked.get("description"),
            "properties": self.asked.get("properties") or {},
            "publicNetworkAccess": self.asked.get("publicNetworkAccess") or "Enabled",
            "provisioningState": self.state,
            "scoringUri": None if is_new else f"https://{self.host}/score",
            "swaggerUri": None if is_new else f"https://{self.host}/swagger.json",
            "traffic": self.traffic,
            "mirrorTraffic": {},
        }
        identity = {
            "type": "SystemAssigned",
            "principalId": self.principal,
            "tenantId": TENANT,
        }
        return resource(
            f"onlineEndpoints/{self.name}",
            properties,
            location=REGION,
            kind="Managed",
            identity=identity,
            tags=self.body.get("tags") or {},
            systemData=self.system_data,
        )


def check_traffic(endpoint: Endpoint, traffic: dict[str, int]) -> None:
    """Raise ArmError for traffic that the service refuses."""
    unknown = sorted(
        name for name, share in traffic.items() if share and name not in endpoint.deployments
    )
    if unknown:
        raise ArmError(
            400,
            "BadRequest",
            f"The traffic names deployments that the endpoint {endpoint.name!r} does not have: "
            f"{', '.join(unknown)}.",
            inner=("BadArgument", "InvalidTraffic"),
        )
    broken = [
        name
        for name, share in traffic.items()
        if share and endpoint.deployments[name].state == "Failed"
    ]
    if broken:
        raise ArmError(
            400,
            "BadRequest",
            f"Traffic cannot go to deployments that failed: {', '.join(broken)}.",
            inner=("BadArgument", "InvalidTraffic"),
        )
    if sum(traffic.values()) not in {0, 100}:
        raise ArmError(
            400,
            "BadRequest",
            f"The traffic adds up to {sum(traffic.values())}; it has to be 0 or 100.",
            inner=("BadArgument", "InvalidTraffic"),
        )
