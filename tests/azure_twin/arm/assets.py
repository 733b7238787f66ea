"""Code, data, environments and models: versions that never change."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.azure_twin.arm.errors import ArmError, not_found
from tests.azure_twin.arm.resource import resource, system_data
from tests.azure_twin.clock import Clock
from tests.azure_twin.entra.tokens import Claims

KINDS = ("codes", "data", "environments", "models", "components")
# What a second PUT may change; all else is the version itself.
MUTABLE = {"description", "tags", "properties", "isArchived", "stage"}
# What the service fills in, so that it cannot differ.
FILLED = {"provisioningState", "isAnonymous", "flavors", "jobName", "environmentType", "osType"}

Properties = dict[str, Any]


@dataclass
class Assets:
    """Every version by kind, name and version, in the order of creation."""

    clock: Clock
    _held: dict[str, dict[str, dict[str, dict[str, Any]]]] = field(default_factory=dict)

    def names(self, kind: str) -> list[str]:
        return list(self._held.get(kind, {}))

    def versions(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return the versions of one name, newest first."""
        return list(reversed(self._held.get(kind, {}).get(name, {}).values()))

    def everything(self, kind: str) -> Iterable[dict[str, Any]]:
        for name in self.names(kind):
            yield from self.versions(kind, name)

    def get(self, kind: str, name: str, version: str) -> dict[str, Any]:
        found = self._held.get(kind, {}).get(name, {}).get(version)
        if found is None:
            raise not_found(f"{kind} {name}:{version}")
        return found

    def by_id(self, asset_id: str) -> dict[str, Any]:
        """Return the version that an ARM id, or an azureml: id, ends in."""
        kind, name, _, version = asset_id.rsplit("/", 3)
        return self.get(kind.rsplit("/", 1)[-1], name, version)

    def put(
        self, kind: str, name: str, version: str, *, properties: Properties, claims: Claims | None
    ) -> tuple[dict[str, Any], bool]:
        """Return the version and whether it is new; a changed one raises 409."""
        held = self._held.setdefault(kind, {}).setdefault(name, {})
        if version in held:
            return self._again(held[version], kind, properties), False
        made = resource(
            f"{kind}/{name}/versions/{version}",
            _filled(kind, properties),
            systemData=system_data(self.clock, claims),
        )
        held[version] = made
        return made, True

    def delete(self, kind: str, name: str, version: str) -> bool:
        return self._held.get(kind, {}).get(name, {}).pop(version, None) is not None

    def _again(self, held: dict[str, Any], kind: str, properties: Properties) -> dict[str, Any]:
        kept = held["properties"]
        changed = [
            key
            for key, value in properties.items()
            if key not in MUTABLE | FILLED and value is not None and value != kept.get(key)
        ]
        if changed:
            # [guess] The status; the sentence is close to the real one of data.
            raise ArmError(
                409,
                "UserError",
                f"A version of {kind} with this name and version already exists. If you are trying "
                "to create a new version, use a different name or version. The existing asset's "
                f"{', '.join(changed)} cannot be changed. Only tags, description, properties and "
                "isArchived can be updated.",
                inner=("Immutable",),
            )
        kept.update({key: properties[key] for key in MUTABLE if properties.get(key) is not None})
        held["systemData"]["lastModifiedAt"] = self.clock.stamp()
        return held

    def container(self, kind: str, name: str) -> dict[str, Any]:
        versions = self.versions(kind, name)
        if not versions:
            raise not_found(f"{kind} {name}")
        numbers = [int(one["name"]) for one in versions if one["name"].isdigit()]
        properties = {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            "latestVersion": versions[0]["name"],
            "nextVersion": str(max(numbers, default=0) + 1),
        }
        if kind == "data":
            properties["dataType"] = versions[0]["properties"].get("dataType")
        return resource(f"{kind}/{name}", properties, systemData=versions[-1]["systemData"])

    def with_hash(self, digest: str) -> list[dict[str, Any]]:
        """Return the code of this hash, whatever its name: the service looks at all code."""
        return [
            one
            for one in self.everything("codes")
            if (one["properties"].get("properties") or {}).get("hash_sha256") == digest
        ]

    def register_output(self, kind: str, name: str, properties: Mapping[str, Any]) -> None:
        """Register what a job has written, as the service does at its end."""
        anonymous = {**properties, "isAnonymous": True}
        self._held.setdefault(kind, {}).setdefault(name, {}).pop("1", None)
        self.put(kind, name, "1", properties=anonymous, claims=None)


def _filled(kind: str, properties: Properties) -> Properties:
    """Return the properties with what the service adds."""
    filled: Properties = {
        "isArchived": False,
        "isAnonymous": False,
        **properties,
        "tags": properties.get("tags") or {},
        # The SDK sends a number among them (`hash_version`); the service keeps text only.
        "properties": {key: str(one) for key, one in (properties.get("properties") or {}).items()},
        "provisioningState": "Succeeded",
    }
    if kind == "models":
        # The SDK fails on a model without flavors.
        filled["flavors"] = filled.get("flavors") or {}
        filled["modelType"] = filled.get("modelType") or "custom_model"
        for name in ("jobName", "stage", "description"):
            filled.setdefault(name, None)
    if kind == "environments":
        filled.setdefault("environmentType", "UserCreated")
        filled.setdefault("osType", "Linux")
    return filled


def new_container_name() -> str:
    """Return the name of a container for one pending upload: each gets its own."""
    return f"{uuid.uuid4().hex[:8]}-{uuid.uuid4()}"
