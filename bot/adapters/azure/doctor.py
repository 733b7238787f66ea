"""The preflight of an installation in Azure: looks at everything it needs and changes nothing."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from bot.adapters.azure.clusters import Clusters, shown
from bot.adapters.azure.credential import (
    ARM_SCOPE,
    DEVOPS_SCOPE,
    GRAPH_SCOPE,
    POSTGRES_SCOPE,
    STORAGE_SCOPE,
    Tokens,
)
from bot.adapters.azure.devops import DevOps
from bot.adapters.azure.doctor_devops import DevOpsDoctor, DevOpsSettings
from bot.adapters.azure.faults import ENTRA, wrapped
from bot.adapters.azure.findings import Finding, Probe, examined, fault, ok, warning
from bot.adapters.azure.rest import ARM, GRAPH, Reader
from bot.adapters.azure.workspace import Workspace, WorkspaceSettings
from bot.ports import ClusterSeen
from trainer.contract.clusters import ClusterEntry

BOT_SCOPE = "https://api.botframework.com/.default"
STORAGE = "Storage"
TEAMS = "Teams app"
_STORAGE_VERSION = "2023-05-01"


class DoctorSettings(DevOpsSettings, WorkspaceSettings, Protocol):
    """The settings that the preflight reads; `bot.settings.Settings` has them."""

    @property
    def grant_key(self) -> SecretStr: ...
    @property
    def session_key(self) -> SecretStr: ...
    @property
    def database_url(self) -> str: ...


class Doctor:
    """All probes; each is tried, whatever another one finds."""

    def __init__(self, settings: DoctorSettings, entries: Sequence[ClusterEntry]) -> None:
        self._settings, self._entries = settings, entries
        self._devops = DevOps.of(settings)
        self._tokens = self._devops.tokens
        self._workspace = Workspace.of(settings)
        self._of_devops = DevOpsDoctor(self._devops, settings)
        self._arm = Reader("Azure Resource Manager", ARM_SCOPE, self._tokens)
        self._graph = Reader("Microsoft Graph", GRAPH_SCOPE, self._tokens)

    async def examine(self) -> Sequence[Finding]:
        """Return all findings, in the order in which one would put them right."""
        groups = [key_findings(self._settings), await self._token_findings()]
        groups += await asyncio.gather(*(examined(*probe) for probe in self._probes()))
        return [finding for group in groups for finding in group]

    def close(self) -> None:
        """Let go of the threads."""
        for each in (self._devops, self._workspace, self._of_devops, self._arm, self._graph):
            each.close()

    def _probes(self) -> Sequence[tuple[str, Probe, str]]:
        portal = "https://portal.azure.com"
        storage = (
            f"Look at the workspace's storage account > Configuration in {portal}: `Allow storage "
            f"account key access` should be disabled."
        )
        consent = (
            f"Look at {portal} > Microsoft Entra ID > Enterprise applications > "
            f"{self._settings.bot_app_id} > Permissions: an administrator must have consented."
        )
        teams = (
            "Look at https://admin.teams.microsoft.com > Teams apps > Manage apps: the app must be "
            "uploaded and allowed, and custom apps be allowed for who uses it."
        )
        return (
            ("Workspace", self._workspace_findings, ""),
            ("Clusters", self._cluster_findings, ""),
            (STORAGE, self._storage_findings, storage),
            *self._of_devops.probes(),
            ("Consent", self._consent_findings, consent),
            (TEAMS, self._teams_findings, teams),
        )

    async def _token_findings(self) -> Sequence[Finding]:
        wanted = {"Azure Resource Manager": ARM_SCOPE, "Azure DevOps": DEVOPS_SCOPE}
        wanted |= {"Azure Storage": STORAGE_SCOPE}
        if self._settings.database_url.startswith("postgresql"):
            wanted |= {"PostgreSQL": POSTGRES_SCOPE}
        probes = [
            examined(f"Token for {name}", _token_probe(self._tokens, name, scope))
            for name, scope in wanted.items()
        ]
        probes.append(examined("Token for Teams", self._teams_token))
        return [finding for found in await asyncio.gather(*probes) for finding in found]

    async def _teams_token(self) -> Sequence[Finding]:
        """Look whether the identity may speak for the registration that Teams knows."""
        identity, application = self._tokens.identity, self._settings.bot_app_id
        try:
            await identity.of_app(application).get_token(BOT_SCOPE)
        except Exception as error:  # whatever a credential raises is told in a sentence
            who = f"{identity.words} for the application {application}"
            raise wrapped(error, "speak as the bot", ENTRA, who) from error
        return [ok("Token for Teams", f"Entra ID gives one for the application {application}.")]

    async def _workspace_findings(self) -> Sequence[Finding]:
        found = await self._workspace.ask("look at the workspace", lambda it: it.facts())
        name = self._workspace.name
        return [
            ok("Workspace", f"{name} in {found.region} answers, and so does its storage's name.")
        ]

    async def _cluster_findings(self) -> Sequence[Finding]:
        clusters = Clusters(self._workspace)
        machines = await self._workspace.ask("look at the clusters", lambda _: clusters.look())
        return cluster_findings(shown(self._entries, machines, ()))

    async def _storage_findings(self) -> Sequence[Finding]:
        account = await self._workspace.ask(
            "look for the storage account", lambda it: it.ml.workspaces.get(it.name).storage_account
        )
        said = await self._arm.read(
            "look at the storage account", f"{ARM}{account}?api-version={_STORAGE_VERSION}"
        )
        return [storage_finding(said)]

    async def _consent_findings(self) -> Sequence[Finding]:
        application = self._settings.bot_app_id
        said = await self._graph.read(
            "look for the application in the directory",
            f"{GRAPH}/servicePrincipals(appId='{application}')?$select=displayName,accountEnabled",
        )
        if said.get("accountEnabled") is False:
            return [fault("Consent", f"The application {application} is disabled.", "Enable it.")]
        return [ok("Consent", f"The directory knows {said.get('displayName', application)}.")]

    async def _teams_findings(self) -> Sequence[Finding]:
        application = self._settings.bot_app_id
        said = await self._graph.read(
            "look for the Teams app",
            f"{GRAPH}/appCatalogs/teamsApps?$filter=externalId eq '{application}'",
        )
        if not said.get("value"):
            return [
                warning(
                    TEAMS,
                    "The organisation's catalogue does not have it.",
                    "Upload manifests/teams at https://admin.teams.microsoft.com > Manage apps.",
                )
            ]
        return [ok(TEAMS, "It is in the organisation's catalogue.")]


def key_findings(settings: DoctorSettings) -> list[Finding]:
    """Say whether the keys in the settings can be used."""
    found = [grant_key_finding(settings.grant_key.get_secret_value())]
    if not settings.session_key.get_secret_value():
        found.append(
            warning(
                "Session key",
                "KRSP_SESSION_KEY is not set: people are signed out with each restart, and "
                "replicas do not know each other's cookies.",
                "Set one key for all: `openssl rand -base64 32`.",
            )
        )
    return found


def grant_key_finding(pem: str) -> Finding:
    """Say whether the grants' key is one that can sign."""
    about, remedy = "Grant key", "Make one with `python -m bot grant-key`."
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        return fault(about, "KRSP_GRANT_KEY is no private key in PEM.", remedy)
    if not isinstance(key, Ed25519PrivateKey):
        return fault(about, "KRSP_GRANT_KEY is a key of another kind than Ed25519.", remedy)
    return ok(about, "KRSP_GRANT_KEY can sign grants.")


def cluster_findings(seen: Iterable[ClusterSeen]) -> list[Finding]:
    """Say whether each cluster of the file is there, right, and within the quota."""
    return [_cluster_finding(each) for each in seen]


def _cluster_finding(seen: ClusterSeen) -> Finding:
    about = f"Cluster {seen.name}"
    if seen.most == 0:
        note = seen.note or "It has no nodes at most."
        return fault(about, note, "See manifests/azure/main.bicep and KRSP_CLUSTERS_FILE.")
    if seen.note:
        return warning(about, seen.note, "Compare it with KRSP_CLUSTERS_FILE and the quota.")
    if seen.quota is None:
        return warning(
            about,
            f"{seen.sku}, at most {seen.most} nodes; the quota could not be read.",
            "Look at https://ml.azure.com/quota.",
        )
    missing = seen.most - seen.busy - seen.idle - seen.quota
    if missing > 0:
        return warning(
            about,
            f"The quota for {seen.sku} gives {missing} of its {seen.most} nodes no room.",
            "Ask for more at https://ml.azure.com/quota; it may take days.",
        )
    return ok(
        about, f"{seen.sku} at {seen.priority} priority, at most {seen.most} nodes, in quota."
    )


def storage_finding(said: Mapping[str, Any]) -> Finding:
    """Say whether the workspace's storage can be opened with a key; absent means that it can."""
    name, properties = said.get("name", "the account"), said.get("properties") or {}
    if properties.get("allowSharedKeyAccess") is False:
        return ok(STORAGE, f"{name} takes no shared keys.")
    return warning(
        STORAGE,
        f"{name} takes shared keys: whoever has one reads and changes every run's files.",
        "Disable `Allow storage account key access`; nothing of ours uses keys.",
    )


def _token_probe(tokens: Tokens, name: str, scope: str) -> Probe:
    async def probe() -> Sequence[Finding]:
        await asyncio.to_thread(tokens.token, scope)
        return [ok(f"Token for {name}", f"Entra ID gives one to {tokens.identity.words}.")]

    return probe
