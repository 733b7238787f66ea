"""The steps of a job as frozen values; tasks and settings without a meaning here are refused."""

import math
import re
from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass

from bot.adapters.local.interpreter.conditions import Condition, Level, condition
from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.shape import (
    boolean,
    check_keys,
    mapping,
    minutes,
    sequence,
    text,
    texts,
)
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Where, kind
from bot.adapters.local.interpreter.tasks import Action, task_action

_COMMON = frozenset(
    {
        "condition",
        "continueOnError",
        "displayName",
        "enabled",
        "env",
        "name",
        "retryCountOnTaskFailure",
        "target",
        "timeoutInMinutes",
    }
)
_SCRIPT = _COMMON | {"failOnStderr", "workingDirectory"}
# How much is fetched is the agent's business: the local copy is always whole.
_CHECKOUT = _COMMON | {
    "checkout",
    "clean",
    "fetchDepth",
    "fetchTags",
    "lfs",
    "persistCredentials",
    "submodules",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Target:
    """What the step's output may order. `settable` is None when it may set any variable."""

    restricted: bool = False
    settable: frozenset[str] | None = None


@dataclass(frozen=True)
class Step:
    """One step; `does` is bash, python, checkout, publish or download, `inputs` what it needs."""

    does: str
    name: str
    display_name: str
    condition: Condition
    inputs: Dict[str, str]
    env: tuple[tuple[str, str], ...]
    target: Target
    enabled: bool
    continue_on_error: bool
    fail_on_stderr: bool
    timeout_min: float
    retries: int
    where: Where


def steps(entry: Mapping, *, deploys: bool = False) -> tuple[Step, ...]:
    """Read a job's `steps`; a job that does not say `checkout` begins with one, as on Azure.

    A deployment job `deploys`: instead it begins with a download of all that the run published.
    """
    node = entry.get("steps")
    items = sequence(node, "steps").items if node is not None else ()
    if not items:
        raise PipelineError(f"{entry.where}: `steps` must hold at least one entry.")
    found = [_step(mapping(item, "a step")) for item in items]
    names = [step.name.lower() for step in found if step.name]
    for step in found:
        if step.name and names.count(step.name.lower()) > 1:
            raise PipelineError(f"{step.where}: there are two steps named `{step.name}`.")
    kind_of_first = "download" if deploys else "checkout"
    if not any(step.does == kind_of_first for step in found):
        what = "current" if deploys else "self"
        first = ((Scalar(kind_of_first, entry.where), Scalar(what, entry.where)),)
        found.insert(0, _step(Mapping(first, entry.where)))
    return tuple(step for step in found if step.inputs.get(step.does) != "none")


def _step(entry: Mapping) -> Step:
    reader = next((_READERS[key.text] for key in entry.keys if key.text in _READERS), None)
    if reader is None:
        known = ", ".join(sorted(_READERS))
        first = entry.keys[0].text if entry.keys else ""
        raise PipelineError(
            f"{entry.where}: a step with `{first}` is not supported here; known are: {known}."
        )
    action = reader(entry)
    name = text(entry, "name")
    if name and not _NAME.fullmatch(name):
        raise PipelineError(f"{entry.where}: `{name}` cannot name a step.")
    return Step(
        does=action.does,
        name=name,
        display_name=text(entry, "displayName") or action.display_name,
        condition=condition(entry.get("condition"), Level("step", ())),
        inputs=action.inputs,
        env=_env(entry.get("env")),
        target=_target(entry.get("target")),
        enabled=boolean(entry, "enabled", default=True),
        continue_on_error=boolean(entry, "continueOnError", default=False),
        fail_on_stderr=action.fail_on_stderr,
        timeout_min=minutes(entry, "timeoutInMinutes", math.inf),
        retries=_retries(entry),
        where=entry.where,
    )


def _script(entry: Mapping) -> Action:
    key = next(key.text for key in entry.keys if key.text in {"script", "bash"})
    check_keys(entry, _SCRIPT | {key}, f"a step `{key}`")
    inputs = {"script": text(entry, key), "cwd": text(entry, "workingDirectory")}
    fails = boolean(entry, "failOnStderr", default=False)
    shown = {"script": "CmdLine", "bash": "Bash"}[key]
    return Action("bash", shown, inputs, fails)


def _checkout(entry: Mapping) -> Action:
    check_keys(entry, _CHECKOUT, "a step `checkout`")
    what = text(entry, "checkout")
    if what not in {"self", "none"}:
        raise PipelineError(
            f"{entry.where}: `checkout: {what}` is not supported here; use `self` or `none`."
        )
    return Action("checkout", "Checkout", {"checkout": what})


def _publish(entry: Mapping) -> Action:
    check_keys(entry, _COMMON | {"publish", "artifact"}, "a step `publish`")
    inputs = {"path": text(entry, "publish"), "artifact": text(entry, "artifact")}
    if not all(inputs.values()):
        raise PipelineError(f"{entry.where}: `publish` needs a path and an `artifact`.")
    return Action("publish", f"Publish {inputs['artifact']}", inputs)


def _download(entry: Mapping) -> Action:
    check_keys(entry, _COMMON | {"download", "artifact"}, "a step `download`")
    inputs = {"download": text(entry, "download"), "artifact": text(entry, "artifact")}
    if inputs["download"] not in {"current", "none"}:
        raise PipelineError(
            f"{entry.where}: `download: {inputs['download']}` is not supported here; "
            "use `current` or `none`."
        )
    return Action("download", f"Download {inputs['artifact'] or 'artifacts'}", inputs)


def _task(entry: Mapping) -> Action:
    check_keys(entry, _COMMON | {"task", "inputs"}, "a step `task`")
    inputs = mapping(entry.get("inputs") or Mapping((), entry.where), "`inputs`")
    return task_action(text(entry, "task"), inputs)


_READERS: dict[str, Callable[[Mapping], Action]] = {
    "script": _script,
    "bash": _script,
    "checkout": _checkout,
    "publish": _publish,
    "download": _download,
    "task": _task,
}


def _env(node: Node | None) -> tuple[tuple[str, str], ...]:
    if node is None:
        return ()
    entry = mapping(node, "`env`")
    for key, value in entry.entries:
        if not isinstance(value, Scalar):
            raise PipelineError(f"{value.where}: `{key.text}` must be a text, not {kind(value)}.")
    return tuple((key.text, text(entry, key.text)) for key in entry.keys)


def _target(node: Node | None) -> Target:
    """Read `target:`; only what limits a step's orders has a meaning without containers."""
    if node is None:
        return Target()
    entry = mapping(node, "`target`")
    check_keys(entry, frozenset({"commands", "settableVariables"}), "`target`")
    commands = text(entry, "commands", "any")
    if commands not in {"any", "restricted"}:
        raise PipelineError(f"{entry.where}: `commands` is `any` or `restricted`.")
    names = None if entry.get("settableVariables") is None else texts(entry, "settableVariables")
    settable = None if names is None else frozenset(name.lower() for name in names) - {"none"}
    return Target(commands == "restricted", settable)


def _retries(entry: Mapping) -> int:
    value = text(entry, "retryCountOnTaskFailure", "0")
    if not value.isdecimal() or int(value) > 10:  # Azure's limit
        raise PipelineError(f"{entry.where}: `retryCountOnTaskFailure` must be 0 to 10.")
    return int(value)
