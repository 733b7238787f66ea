"""The expanded file as frozen values: stages, jobs, their order; all else is refused."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

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
from bot.adapters.local.interpreter.source import Mapping, Node, Where
from bot.adapters.local.interpreter.steps import Step, steps
from bot.adapters.local.interpreter.variables import Declared, declared_variables

DEFAULT_STAGE = "__default"  # Azure's own name for the stage of a file without stages
DEFAULT_JOB = "Job"
JOB_TIMEOUT_MIN = 60.0  # Azure's default
CANCEL_TIMEOUT_MIN = 5.0  # Azure's default

# They say when, where or under which check a pipeline runs, never what it does: nothing is lost
# by leaving them to Azure.
_NOT_HERE = frozenset({"trigger", "pr", "schedules", "pool", "lockBehavior", "resources"})
_PIPELINE = _NOT_HERE | {
    "appendCommitMessageToRunName",
    "jobs",
    "name",
    "stages",
    "steps",
    "variables",
}
_STAGE = frozenset(
    {"stage", "displayName", "dependsOn", "condition", "variables", "jobs", "pool", "lockBehavior"}
)
_JOB = frozenset(
    {
        "job",
        "displayName",
        "dependsOn",
        "condition",
        "continueOnError",
        "timeoutInMinutes",
        "cancelTimeoutInMinutes",
        "variables",
        "steps",
        "pool",
        "workspace",
    }
)
_DEPLOYMENT = _JOB - {"job", "steps"} | {"deployment", "environment", "strategy"}
_LOCKS = frozenset({"", "runLatest", "sequential"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Job:
    """Steps that run one after the other in one workspace."""

    name: str
    display_name: str
    depends_on: tuple[str, ...]
    condition: Condition
    variables: tuple[Declared, ...]
    steps: tuple[Step, ...]
    timeout_min: float
    cancel_timeout_min: float
    continue_on_error: bool
    where: Where
    environment: str = ""  # what a deployment job deploys to


@dataclass(frozen=True)
class Stage:
    """Jobs that run side by side unless they depend on each other."""

    name: str
    display_name: str
    depends_on: tuple[str, ...]
    condition: Condition
    variables: tuple[Declared, ...]
    jobs: tuple[Job, ...]
    where: Where
    lock_behavior: str = ""


@dataclass(frozen=True)
class Plan:
    """What one run does. `number` is the run's name; it may hold `$(variables)`."""

    number: str
    variables: tuple[Declared, ...]
    stages: tuple[Stage, ...]


class _Unit(Protocol):
    """What stages and jobs have in common."""

    @property
    def name(self) -> str: ...
    @property
    def depends_on(self) -> tuple[str, ...]: ...
    @property
    def where(self) -> Where: ...


Unit = TypeVar("Unit", bound=_Unit)


def plan(document: Mapping) -> Plan:
    """Read an expanded pipeline; raises PipelineError for whatever this interpreter cannot do."""
    check_keys(document, _PIPELINE, "a pipeline")
    bodies = [key.text for key in document.keys if key.text in {"stages", "jobs", "steps"}]
    if len(bodies) != 1:
        raise PipelineError(
            f"{document.where}: a pipeline needs exactly one of stages, jobs and steps."
        )
    number = text(document, "name", "$(Build.BuildId)")
    if re.search(r"\$\((Date|Rev)\b", number):
        raise PipelineError(
            f"{document.where}: `name: {number}` counts runs or days, which is not supported here."
        )
    variables = declared_variables(document.get("variables"))
    return Plan(number, variables, _stages(document, bodies[0], _lock(document)))


def _stages(document: Mapping, body: str, lock: str) -> tuple[Stage, ...]:
    if body == "stages":
        found: list[Stage] = []
        for item in _listed(document, "stages"):
            found.append(_stage(item, found[-1].name if found else None, lock))
        return _ordered(found, "stage")
    jobs = _jobs(document) if body == "jobs" else (_only_job(document),)
    always = condition(None, Level("stage", ()))
    return (Stage(DEFAULT_STAGE, "", (), always, (), jobs, document.where, lock),)


def _lock(entry: Mapping) -> str:
    behavior = text(entry, "lockBehavior")
    if behavior not in _LOCKS:
        raise PipelineError(
            f"{entry.where}: `lockBehavior` is `sequential` or `runLatest`, not `{behavior}`."
        )
    return behavior


def _stage(node: Node, previous: str | None, lock: str) -> Stage:
    entry = mapping(node, "a stage")
    check_keys(entry, _STAGE, "a stage")
    name = _name(entry, "stage")
    depends_on = _depends_on(entry, (previous,) if previous else ())
    return Stage(
        name,
        text(entry, "displayName", name),
        depends_on,
        condition(entry.get("condition"), Level("stage", depends_on)),
        declared_variables(entry.get("variables")),
        _jobs(entry),
        entry.where,
        _lock(entry) or lock,
    )


def _jobs(parent: Mapping) -> tuple[Job, ...]:
    found = [
        _job(mapping(item, "a job"), f"{DEFAULT_JOB}{number}")
        for number, item in enumerate(_listed(parent, "jobs"), start=1)
    ]
    return _ordered(found, "job")


def _job(entry: Mapping, default_name: str) -> Job:
    deploys = entry.get("deployment") is not None
    key = "deployment" if deploys else "job"
    check_keys(entry, _DEPLOYMENT if deploys else _JOB, "a deployment job" if deploys else "a job")
    name = _name(entry, key) if text(entry, key) else default_name
    depends_on = _depends_on(entry, ())
    return Job(
        name,
        text(entry, "displayName", name),
        depends_on,
        condition(entry.get("condition"), Level("job", depends_on)),
        declared_variables(entry.get("variables")),
        steps(_deploy(entry), deploys=True) if deploys else steps(entry),
        minutes(entry, "timeoutInMinutes", JOB_TIMEOUT_MIN),
        minutes(entry, "cancelTimeoutInMinutes", CANCEL_TIMEOUT_MIN),
        boolean(entry, "continueOnError", default=False),
        entry.where,
        _environment(entry) if deploys else "",
    )


def _environment(entry: Mapping) -> str:
    """Return the name of a deployment's environment; its resources mean nothing here."""
    node = entry.get("environment")
    if isinstance(node, Mapping):
        check_keys(node, frozenset({"name"}), "`environment`")
    name = text(node, "name") if isinstance(node, Mapping) else text(entry, "environment")
    if not name:
        raise PipelineError(f"{entry.where}: a deployment job needs an `environment`.")
    return name


def _deploy(entry: Mapping) -> Mapping:
    """Return what holds the steps: `strategy: {runOnce: {deploy: ...}}` and no other hook."""
    for key in ("strategy", "runOnce", "deploy"):
        inner = entry.get(key)
        if inner is None:
            raise PipelineError(f"{entry.where}: a deployment job needs `{key}` here.")
        entry = mapping(inner, f"`{key}`")
        known = {"strategy": "runOnce", "runOnce": "deploy", "deploy": "steps"}[key]
        check_keys(entry, frozenset({known, "pool"}), f"`{key}`")
    return entry


def _only_job(document: Mapping) -> Job:
    only = tuple(entry for entry in document.entries if entry[0].text == "steps")
    return _job(Mapping(only, document.where), DEFAULT_JOB)


def _listed(parent: Mapping, key: str) -> tuple[Node, ...]:
    node = parent.get(key)
    items = sequence(node, key).items if node is not None else ()
    if not items:
        raise PipelineError(f"{parent.where}: `{key}` must hold at least one entry.")
    return items


def _name(entry: Mapping, key: str) -> str:
    name = text(entry, key)
    if not _NAME.fullmatch(name):
        raise PipelineError(
            f"{entry.where}: `{name}` cannot name a {key}: use letters, digits and `_`."
        )
    return name


def _depends_on(entry: Mapping, default: tuple[str, ...]) -> tuple[str, ...]:
    return default if entry.get("dependsOn") is None else texts(entry, "dependsOn")


def _ordered(units: Sequence[Unit], what: str) -> tuple[Unit, ...]:
    """Return `units` as given, after a look at their names and dependencies."""
    known: set[str] = set()
    for unit in units:
        if unit.name.lower() in known:
            raise PipelineError(f"{unit.where}: there are two {what}s named `{unit.name}`.")
        known.add(unit.name.lower())
    for unit in units:
        for parent in unit.depends_on:
            if parent.lower() not in known:
                raise PipelineError(
                    f"{unit.where}: the {what} `{unit.name}` depends on `{parent}`, "
                    "which does not exist."
                )
    _refuse_cycles(units, what)
    return tuple(units)


def _refuse_cycles(units: Iterable[Unit], what: str) -> None:
    open_units = list(units)
    done: set[str] = set()
    while open_units:
        ready = [u for u in open_units if all(parent.lower() in done for parent in u.depends_on)]
        if not ready:
            names = ", ".join(unit.name for unit in open_units)
            raise PipelineError(
                f"{open_units[0].where}: these {what}s wait for each other: {names}."
            )
        done |= {unit.name.lower() for unit in ready}
        open_units = [unit for unit in open_units if unit not in ready]
