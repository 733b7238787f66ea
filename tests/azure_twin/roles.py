"""What each identity may do in the resource group, and what it did."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.azure_twin.actions import PROVIDER, covers
from tests.azure_twin.entra.directory import object_id
from tests.azure_twin.entra.tokens import Claims
from tests.azure_twin.world import BOT_IDENTITY, COMPUTE_IDENTITY, PIPELINE_IDENTITY

_WORKSPACE = f"{PROVIDER}/workspaces"

# The data actions of Storage Blob Data Reader and Contributor, at the workspace's account.
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_READER = (f"{_BLOBS}/read", f"{_BLOBS}/blobs/read")
_CONTRIBUTOR = (*_READER, f"{_BLOBS}/write", f"{_BLOBS}/blobs/write", f"{_BLOBS}/blobs/delete")

# As the twin starts. A test that judges the role definitions of manifests/ sets those instead
# (`roles.set`), and compares them with what was used (`roles.used`).
GRANTED: dict[str, tuple[str, ...]] = {
    BOT_IDENTITY: (
        f"{_WORKSPACE}/read",
        f"{_WORKSPACE}/*/read",
        f"{_WORKSPACE}/jobs/cancel/action",
        f"{_WORKSPACE}/datastores/listSecrets/action",
        f"{_WORKSPACE}/onlineEndpoints/deployments/getLogs/action",
        f"{_WORKSPACE}/onlineEndpoints/score/action",
        f"{PROVIDER}/locations/*/read",
        *_READER,
    ),
    PIPELINE_IDENTITY: (
        f"{_WORKSPACE}/read",
        f"{_WORKSPACE}/*/read",
        f"{_WORKSPACE}/*/write",
        f"{_WORKSPACE}/*/action",
        f"{_WORKSPACE}/onlineEndpoints/delete",
        f"{_WORKSPACE}/onlineEndpoints/deployments/delete",
        f"{PROVIDER}/locations/*/read",
        *_CONTRIBUTOR,
    ),
    COMPUTE_IDENTITY: (
        f"{_WORKSPACE}/read",
        f"{_WORKSPACE}/*/read",
        f"{_WORKSPACE}/experiments/*",
        f"{_WORKSPACE}/datastores/listSecrets/action",
        *_CONTRIBUTOR,
    ),
}


@dataclass(frozen=True)
class Use:
    """One permission that an identity used, or was denied."""

    client_id: str
    method: str
    path: str
    action: str
    allowed: bool


@dataclass
class Roles:
    granted: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(GRANTED))
    uses: dict[Use, int] = field(default_factory=dict)

    def reset(self) -> None:
        self.granted = dict(GRANTED)

    def grant(self, client_id: str, actions: Iterable[str]) -> None:
        """Let an identity do this and no more; what it did under its old roles is forgotten."""
        client_id = client_id.lower()
        self.granted[client_id] = tuple(actions)
        self.uses = {use: times for use, times in self.uses.items() if use.client_id != client_id}

    def allows(self, claims: Claims, *, method: str, path: str, action: str) -> bool:
        """Return whether the bearer may do `action`, and remember that it asked."""
        client_id = claims.client_id.lower()
        entries = self.granted.get(client_id, ())
        allowed = any(covers(entry, action) for entry in entries)
        use = Use(client_id, method, path, action, allowed)
        self.uses[use] = self.uses.get(use, 0) + 1
        return allowed


def denial(claims: Claims, action: str, scope: str) -> str:
    """Return ARM's sentence for a missing permission."""
    client_id = claims.client_id
    return (
        f"The client '{client_id}' with object id '{claims.oid or object_id(client_id)}' does not "
        f"have authorization to perform action '{action}' over scope '{scope}' or the scope is "
        "invalid. If access was recently granted, please refresh your credentials."
    )
