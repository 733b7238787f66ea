"""The service hooks by which Azure DevOps wakes the bot: what there must be, and putting it right.

Events only make the next look come sooner (docs/decisions/0021), so nothing breaks without them.
Azure DevOps disables a subscription whose deliveries keep failing; that is told and put right here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from azure.devops.v7_1.service_hooks.models import Subscription
from pydantic import SecretStr

from bot.adapters.azure.devops import DevOps
from bot.errors import SetupError

PATH = "/hooks/azure-devops"
EVENTS = {
    "ms.vss-pipelines.run-state-changed-event": "a run changes",
    "ms.vss-pipelines.stage-state-changed-event": "a stage changes",
    "ms.vss-pipelines.job-state-changed-event": "a job changes",
    "ms.vss-pipelinechecks-events.approval-pending": "an approval is asked for",
    "ms.vss-pipelinechecks-events.approval-completed": "an approval is given or refused",
}
_PUBLISHER, _CONSUMER, _ACTION = "pipelines", "webHooks", "httpRequest"
_VERSION = "5.1-preview.1"
# Nobody reads more than the event's id, so nothing more is sent.
_LITTLE = {
    "resourceDetailsToSend": "minimal",
    "messagesToSend": "none",
    "detailedMessagesToSend": "none",
}
_DISABLED = {
    "disabledBySystem": "because deliveries failed",
    "disabledByUser": "by a person",
    "disabledByInactiveIdentity": "because who made it is inactive or lacks a right",
}

Found = Any  # the SDK's Subscription


class HookSettings(Protocol):
    """The settings of the hooks; `bot.settings.Settings` has them."""

    @property
    def public_url(self) -> str: ...
    @property
    def hooks_user(self) -> str: ...
    @property
    def hooks_password(self) -> SecretStr: ...
    @property
    def train_pipeline_id(self) -> int: ...
    @property
    def promote_pipeline_id(self) -> int: ...


@dataclass(frozen=True, order=True)
class Hook:
    """One subscription that there must be: an event of one pipeline."""

    pipeline_id: int
    event: str

    @property
    def words(self) -> str:
        """Return what it tells of."""
        return f"pipeline {self.pipeline_id}, when {EVENTS[self.event]}"


@dataclass(frozen=True)
class Standing:
    """What there is, compared with what there must be."""

    good: tuple[Hook, ...]
    disabled: tuple[tuple[Hook, str], ...]
    missing: tuple[Hook, ...]
    kept: tuple[tuple[Hook, Found], ...]
    extra: tuple[Found, ...]  # to our address, but twice or of a pipeline that is not ours

    @property
    def is_good(self) -> bool:
        """Return whether nothing has to be put right."""
        return not (self.disabled or self.missing or self.extra)

    def sentences(self) -> list[str]:
        """Return a line for each subscription."""
        return [
            *(f"ok       {hook.words}" for hook in self.good),
            *(f"disabled {hook.words}: {why}" for hook, why in self.disabled),
            *(f"missing  {hook.words}" for hook in self.missing),
            *(f"extra    {each.event_type} ({each.id})" for each in self.extra),
        ]


def wanted(pipeline_ids: Iterable[int]) -> tuple[Hook, ...]:
    """Return the subscriptions for these pipelines; a pipeline that is not set has none."""
    return tuple(Hook(number, event) for number in pipeline_ids if number for event in EVENTS)


def standing(found: Sequence[Found], hooks: Sequence[Hook], url: str, project: str) -> Standing:
    """Compare: a subscription is ours by its address, publisher, project, pipeline and event."""
    kept: dict[Hook, Found] = {}
    extra: list[Found] = []
    for each in found:
        if each.consumer_id != _CONSUMER or (each.consumer_inputs or {}).get("url") != url:
            continue
        hook = _hook(each, project)
        if hook is None or hook not in hooks or hook in kept:
            extra.append(each)
        else:
            kept[hook] = each
    whys = {hook: disabled_why(each) for hook, each in kept.items()}
    return Standing(
        good=tuple(hook for hook in hooks if hook in kept and whys[hook] is None),
        disabled=tuple((hook, why) for hook, why in whys.items() if why is not None),
        missing=tuple(hook for hook in hooks if hook not in kept),
        kept=tuple(kept.items()),
        extra=tuple(extra),
    )


def disabled_why(found: Found) -> str | None:
    """Return why a subscription tells nothing; None for one that does, or is on probation."""
    status = str(found.status or "enabled")
    return f"disabled {_DISABLED.get(status, status)}" if status.startswith("disabled") else None


class Hooks:
    """Shows and repairs the subscriptions of one installation."""

    def __init__(self, devops: DevOps, settings: HookSettings) -> None:
        self._devops = devops
        self._url = settings.public_url.rstrip("/") + PATH
        self._user = settings.hooks_user
        self._password = settings.hooks_password
        self._hooks = wanted([settings.train_pipeline_id, settings.promote_pipeline_id])
        self._project_id: str | None = None

    async def show(self) -> Standing:
        """Return what there is."""
        devops = self._devops
        project = await self._project()
        found = await devops.ask("list the service hooks", devops.hooks.list_subscriptions)
        return standing(found or (), self._hooks, self._url, project)

    async def ensure(self) -> Standing:
        """Create what is missing, write the rest anew (the password can't be read), drop extras.

        May be repeated. Returns what there is then.
        """
        if not self._password.get_secret_value():
            raise SetupError(
                "KRSP_HOOKS_PASSWORD is not set: the bot would refuse every event. Set a long "
                "random one (it is used for nothing else) and run `python -m bot hooks ensure`."
            )
        project, now = await self._project(), await self.show()
        for hook in now.missing:
            await self._create(hook, project)
        for hook, found in now.kept:
            await self._replace(hook, found, project)
        for found in now.extra:
            await self._delete(found)
        return await self.show()

    async def disabled(self) -> list[str]:
        """Return a sentence for each subscription that Azure DevOps no longer serves."""
        return [
            f"Azure DevOps no longer tells of {hook.words} ({why}). Runs are still watched, only "
            f"news come later; put it right with `python -m bot hooks ensure`."
            for hook, why in (await self.show()).disabled
        ]

    async def _project(self) -> str:
        if self._project_id is None:
            devops = self._devops
            found = await devops.ask(
                f"find the project {devops.project}",
                lambda: devops.core.get_project(devops.project),
            )
            self._project_id = str(found.id)
        return self._project_id

    async def _create(self, hook: Hook, project: str) -> None:
        devops, wish = self._devops, self._subscription(hook, project)
        await devops.ask(
            f"create the service hook for {hook.words}",
            lambda: devops.hooks.create_subscription(wish),
        )

    async def _replace(self, hook: Hook, found: Found, project: str) -> None:
        devops, wish = self._devops, self._subscription(hook, project)
        wish.id = found.id
        wish.publisher_inputs = {**(found.publisher_inputs or {}), **wish.publisher_inputs}
        await devops.ask(
            f"repair the service hook for {hook.words}",
            lambda: devops.hooks.replace_subscription(wish, found.id),
        )

    async def _delete(self, found: Found) -> None:
        devops = self._devops
        await devops.ask(
            f"remove the service hook {found.id}",
            lambda: devops.hooks.delete_subscription(found.id),
        )

    def _subscription(self, hook: Hook, project: str) -> Found:
        return Subscription(
            publisher_id=_PUBLISHER,
            event_type=hook.event,
            resource_version=_VERSION,
            consumer_id=_CONSUMER,
            consumer_action_id=_ACTION,
            publisher_inputs={"projectId": project, "pipelineId": str(hook.pipeline_id)},
            consumer_inputs={
                **_LITTLE,
                "url": self._url,
                "basicAuthUsername": self._user,
                "basicAuthPassword": self._password.get_secret_value(),
            },
            status="enabled",
        )


def _hook(found: Found, project: str) -> Hook | None:
    inputs = {key.lower(): value for key, value in (found.publisher_inputs or {}).items()}
    pipeline = str(inputs.get("pipelineid", ""))
    is_ours = found.publisher_id == _PUBLISHER and found.event_type in EVENTS
    if not is_ours or not pipeline.isdecimal() or inputs.get("projectid") != project:
        return None
    return Hook(int(pipeline), found.event_type)
