"""What came of stages, jobs and steps, and the functions by which conditions ask for it.

Source: learn.microsoft.com/azure/devops/pipelines/process/expressions#job-status-functions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.adapters.local.interpreter.errors import ExpressionError
from bot.adapters.local.interpreter.evaluate import Status
from bot.adapters.local.interpreter.expressions import Value
from bot.adapters.local.interpreter.values import mapping_of, to_text


class Result(StrEnum):
    """Azure's words, which conditions compare with."""

    SUCCEEDED = "Succeeded"
    ISSUES = "SucceededWithIssues"
    FAILED = "Failed"
    CANCELED = "Canceled"
    SKIPPED = "Skipped"


GOOD = frozenset({Result.SUCCEEDED, Result.ISSUES})


@dataclass(frozen=True)
class Outcome:
    """What a stage or job leaves to those that depend on it; `jobs` is filled for a stage."""

    result: Result
    outputs: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, "Outcome"] = field(default_factory=dict)

    def value(self) -> Value:
        """Return it as an expression sees it."""
        return mapping_of({"result": str(self.result), "outputs": mapping_of(dict(self.outputs))})


def outcomes_value(outcomes: Mapping[str, Outcome]) -> Value:
    """Return the context `dependencies`."""
    return mapping_of({name: outcome.value() for name, outcome in outcomes.items()})


def stage_outcomes_value(stages: Mapping[str, Outcome]) -> Value:
    """Return the context `stageDependencies`."""
    return mapping_of({name: outcomes_value(stage.jobs) for name, stage in stages.items()})


def overall(results: Iterable[Result]) -> Result:
    """Return what the parts come to: the worst of them; all skipped is skipped."""
    known = set(results)
    for result in (Result.FAILED, Result.CANCELED, Result.ISSUES, Result.SUCCEEDED):
        if result in known:
            return result
    return Result.SKIPPED


def graph_statuses(
    ancestors: Mapping[str, Result], *, cancelled: bool, spared: bool
) -> dict[str, Status]:
    """Return the status functions of a stage or job; `ancestors` holds the indirect ones too.

    `spared` is true within a stage that began after the cancel: its jobs need not ask for it again.
    """
    by_name = {name.lower(): result for name, result in ancestors.items()}

    def asked(names: tuple[Value, ...]) -> list[Result]:
        if not names:
            return list(by_name.values())
        unknown = [to_text(name) for name in names if to_text(name).lower() not in by_name]
        if unknown:
            raise ExpressionError(f"`{unknown[0]}` is not in `dependsOn`")
        return [by_name[to_text(name).lower()] for name in names]

    def succeeded(*names: Value) -> bool:
        return (spared or not cancelled) and all(result in GOOD for result in asked(names))

    def failed(*names: Value) -> bool:
        return any(result is Result.FAILED for result in asked(names))

    def succeeded_or_failed(*names: Value) -> bool:
        return not cancelled and all(r in {*GOOD, Result.FAILED} for r in asked(names) if names)

    return {
        "always": lambda: True,
        "canceled": lambda: cancelled,
        "failed": failed,
        "succeeded": succeeded,
        "succeededorfailed": succeeded_or_failed,
    }


def step_statuses(job: Result) -> dict[str, Status]:
    """Return the status functions of a step: they read only how its job stands."""
    return {
        "always": lambda: True,
        "canceled": lambda: job is Result.CANCELED,
        "failed": lambda: job is Result.FAILED,
        "succeeded": lambda: job in GOOD,
        "succeededorfailed": lambda: job in {*GOOD, Result.FAILED},
    }
