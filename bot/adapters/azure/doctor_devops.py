"""Probes of Azure DevOps: project, pipelines, service connection, parallelism, licence, hooks."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from azure.devops.v7_1.pipelines.models import (
    RepositoryResourceParameters,
    RunPipelineParameters,
    RunResourcesParameters,
)

from bot.adapters.azure.credential import DEVOPS_SCOPE
from bot.adapters.azure.devops import DevOps
from bot.adapters.azure.faults import DEVOPS
from bot.adapters.azure.findings import Finding, Probe, fault, ok, warning
from bot.adapters.azure.hooks import Hooks, HookSettings, Standing
from bot.adapters.azure.pipelines import Files, PipelineSettings
from bot.adapters.azure.rest import Reader
from bot.errors import InputError, NotFoundError
from bot.ports import PipelineKind

PARALLEL = "Azure DevOps parallel jobs"
LICENCE = "Azure DevOps licence"
CONNECTION = "Service connection"
_SAMPLE: Mapping[PipelineKind, Mapping[str, str]] = {
    PipelineKind.TRAIN: {"runKey": "doctor", "spec": "e30"},
    PipelineKind.PROMOTE: {"runKey": "doctor", "order": "e30"},
}
_ACCESS = {
    "stakeholder": "Stakeholder",
    "express": "Basic",
    "advanced": "Basic + Test Plans",
    "none": "none",
}


class DevOpsSettings(PipelineSettings, HookSettings, Protocol):
    """The settings that the probes of Azure DevOps read."""


class DevOpsDoctor:
    """Looks at one project; starts and changes nothing."""

    def __init__(self, devops: DevOps, settings: DevOpsSettings) -> None:
        self._devops, self._settings = devops, settings
        self._files = Files.of(settings)
        self._connections = {
            PipelineKind.TRAIN: settings.service_connection,
            PipelineKind.PROMOTE: settings.promote_connection,
        }
        self._hooks = Hooks(devops, settings)
        self._reader = Reader(DEVOPS, DEVOPS_SCOPE, devops.tokens)

    def probes(self) -> Sequence[tuple[str, Probe, str]]:
        """Return each probe: what it is about, itself, and how to look by hand instead."""
        url = self._devops.url
        connections = f"Look at {url}/{self._devops.project}/_settings/adminservices > Security."
        jobs = (
            f"Look at {url}/_settings/buildqueue?_a=concurrentJobs: Microsoft-hosted must not be 0 "
            f"(a new organisation has to ask for its free grant, which takes days)."
        )
        users = f"Look at {url}/_settings/users: the bot's identity needs the access level Basic."
        return (
            ("Azure DevOps project", self.project, ""),
            ("Pipeline train", lambda: self.pipeline(PipelineKind.TRAIN), ""),
            ("Pipeline promote", lambda: self.pipeline(PipelineKind.PROMOTE), ""),
            (CONNECTION, lambda: self.connection(PipelineKind.TRAIN), connections),
            (CONNECTION, lambda: self.connection(PipelineKind.PROMOTE), connections),
            (PARALLEL, self.parallelism, jobs),
            (LICENCE, self.licence, users),
            ("Service hooks", self.hooks, ""),
        )

    async def project(self) -> Sequence[Finding]:
        """Look whether the project is there and lets us in."""
        devops, about = self._devops, "Azure DevOps project"
        found = await devops.ask(
            f"find the project {devops.project}", lambda: devops.core.get_project(devops.project)
        )
        return [ok(about, f"{found.name} is there and lets {devops.tokens.identity.words} in.")]

    async def pipeline(self, kind: PipelineKind) -> Sequence[Finding]:
        """Let the service check the file, our parameters and our right to queue; start nothing."""
        devops, about, number = self._devops, f"Pipeline {kind}", self._files.ids[kind]
        setting = f"KRSP_{kind.upper()}_PIPELINE_ID"
        if not number:
            return [warning(about, "None is set, so nothing can be promoted.", f"Set {setting}.")]
        wish = self._wish(kind)
        try:
            found = await devops.ask(
                f"look at pipeline {number}",
                lambda: devops.pipelines.get_pipeline(devops.project, number),
            )
            await devops.ask(
                f"check pipeline {number}",
                lambda: devops.pipelines.preview(wish, devops.project, number),
            )
        except NotFoundError:
            return [fault(about, f"There is no pipeline {number}.", f"Check {setting}.")]
        except InputError as error:
            return [fault(about, str(error), f"Check azure-pipelines/{kind}.yml and {setting}.")]
        return [ok(about, f"{number} is `{found.name}`, and its file takes what the bot gives it.")]

    async def connection(self, kind: PipelineKind) -> Sequence[Finding]:
        """Look whether a pipeline's service connection is there, federated, and open to it."""
        devops, number = self._devops, self._files.ids[kind]
        name = self._connections[kind]
        if not number:
            return []
        found = await devops.ask(
            f"find the service connection {name}",
            lambda: devops.endpoints.get_service_endpoints_by_names(devops.project, [name]),
        )
        if not found:
            remedy = "Create it with workload identity federation (docs/how-to/deploy-to-azure.md)."
            return [fault(CONNECTION, f"There is no {name}, or the bot may not see it.", remedy)]
        said = await devops.ask(
            f"look who may use {name}",
            lambda: devops.permissions.get_pipeline_permissions_for_resource(
                devops.project, "endpoint", found[0].id
            ),
        )
        return [connection_finding(name, found[0]), permission_finding(name, said, number)]

    async def parallelism(self) -> Sequence[Finding]:
        """Look how many Microsoft-hosted jobs may run at once."""
        said = await self._reader.read(
            "look for parallel jobs",
            f"{self._devops.url}/_apis/distributedtask/resourceusage"
            "?parallelismTag=Private&poolIsHosted=true&api-version=7.1-preview.2",
        )
        return [parallelism_finding(said, self._devops.url)]

    async def licence(self) -> Sequence[Finding]:
        """Look which access level the bot's identity has."""
        url = self._devops.url
        us = await self._reader.read(
            "ask who the bot is", f"{url}/_apis/connectionData?api-version=7.1-preview.1"
        )
        number = (us.get("authenticatedUser") or {}).get("id", "")
        host = url.replace("https://dev.azure.com/", "https://vsaex.dev.azure.com/")
        said = await self._reader.read(
            "look at the bot's licence",
            f"{host}/_apis/serviceprincipalentitlements/{number}?api-version=7.1-preview.1",
        )
        return [licence_finding(said)]

    async def hooks(self) -> Sequence[Finding]:
        """Look whether Azure DevOps tells the bot what happens."""
        found = hook_findings(await self._hooks.show())
        if self._settings.hooks_password.get_secret_value():
            return found
        lack = warning("Service hooks", "KRSP_HOOKS_PASSWORD is not set: no event is let in.")
        return [lack, *found]

    def close(self) -> None:
        """Let go of the threads."""
        self._reader.close()

    def _wish(self, kind: PipelineKind) -> Any:
        source = RepositoryResourceParameters(ref_name=self._files.branch)
        return RunPipelineParameters(
            preview_run=True,
            template_parameters={**self._files.extra.get(kind, {}), **_SAMPLE[kind]},
            resources=RunResourcesParameters(repositories={"self": source}),
        )


def connection_finding(name: str, found: Any) -> Finding:
    """Say whether a service connection is usable and holds no secret."""
    if found.is_ready is False:
        return fault(CONNECTION, f"{name} is not ready.", "Open it in the portal and repair it.")
    scheme = str(getattr(found.authorization, "scheme", "") or "unknown")
    if scheme.lower() != "workloadidentityfederation":
        return warning(
            CONNECTION,
            f"{name} signs in by {scheme}, which is a secret that can leak and expires.",
            "Convert it to workload identity federation.",
        )
    return ok(CONNECTION, f"{name} is there and holds no secret.")


def permission_finding(name: str, said: Any, pipeline: int) -> Finding:
    """Say whether the pipeline, and nobody else, may use the service connection."""
    if said.all_pipelines is not None and said.all_pipelines.authorized:
        return warning(
            CONNECTION,
            f"{name} is open to every pipeline of the project, so any of them can spend.",
            "Restrict it to ours under Security.",
        )
    allowed = {each.id for each in said.pipelines or () if each.authorized}
    if pipeline not in allowed:
        return fault(
            CONNECTION,
            f"{name} is not open to pipeline {pipeline}: its runs would wait for permission.",
            "Add it under Security > Pipeline permissions.",
        )
    others = ", ".join(str(number) for number in sorted(allowed - {pipeline}))
    also = f" Pipelines {others} may use it too." if others else ""
    return ok(CONNECTION, f"{name} is open to pipeline {pipeline}.{also}")


def parallelism_finding(said: Mapping[str, Any], url: str) -> Finding:
    """Say how many hosted jobs may run at once. The interface is not documented: [guess]."""
    total = (said.get("resourceLimit") or {}).get("totalCount")
    if total is None:
        return warning(PARALLEL, "Azure DevOps does not say how many there are.", f"Look at {url}.")
    if int(total) == 0:
        return fault(
            PARALLEL,
            "No Microsoft-hosted job may run: pipelines would wait or fail at once.",
            "Ask for the free grant at https://aka.ms/azpipelines-parallelism-request, or buy one.",
        )
    return ok(PARALLEL, f"{total} Microsoft-hosted job(s) may run at once.")


def licence_finding(said: Mapping[str, Any]) -> Finding:
    """Say whether the identity's access level is enough."""
    access = said.get("accessLevel") or {}
    kind, status = str(access.get("accountLicenseType", "none")), str(access.get("status", ""))
    name = _ACCESS.get(kind, kind)
    if kind in ("none", "stakeholder") or status not in ("active", ""):
        return fault(
            LICENCE,
            f"The bot's identity has the access level {name} ({status or 'unknown'}).",
            "Give it Basic under Organization settings > Users.",
        )
    return ok(LICENCE, f"The bot's identity has the access level {name}.")


def hook_findings(found: Standing) -> list[Finding]:
    """Say which service hooks there are."""
    about, remedy = "Service hooks", "Run `python -m bot hooks ensure`."
    if found.is_good:
        return [ok(about, f"All {len(found.good)} are there and enabled.")]
    counts = {"missing": found.missing, "disabled": found.disabled, "too many": found.extra}
    odd = ", ".join(f"{len(each)} {word}" for word, each in counts.items() if each)
    return [warning(about, f"{odd} (`hooks show` lists them): news come late.", remedy)]
