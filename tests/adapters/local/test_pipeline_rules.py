"""The rules of a run that need no process: results, status functions, variables, commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.local.interpreter.commands import Command, command
from bot.adapters.local.interpreter.errors import ExpressionError, PipelineError
from bot.adapters.local.interpreter.secrets import Secrets
from bot.adapters.local.interpreter.status import (
    Result,
    graph_statuses,
    overall,
    step_statuses,
)
from bot.adapters.local.interpreter.variables import Variable, Variables

GOOD, ISSUES, BAD, STOPPED, SKIPPED = (
    Result.SUCCEEDED,
    Result.ISSUES,
    Result.FAILED,
    Result.CANCELED,
    Result.SKIPPED,
)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([GOOD, GOOD], GOOD),
        ([GOOD, SKIPPED], GOOD),
        ([GOOD, ISSUES], ISSUES),
        ([ISSUES, STOPPED], STOPPED),
        ([STOPPED, BAD], BAD),
        ([SKIPPED, SKIPPED], SKIPPED),
        ([], SKIPPED),
    ],
)
def test_a_whole_is_as_its_worst_part(parts: list[Result], whole: Result) -> None:
    assert overall(parts) is whole


@pytest.mark.parametrize(
    ("job", "true"),
    [
        (GOOD, {"always", "succeeded", "succeededorfailed"}),
        (ISSUES, {"always", "succeeded", "succeededorfailed"}),
        (BAD, {"always", "failed", "succeededorfailed"}),
        (STOPPED, {"always", "canceled"}),
    ],
)
def test_a_step_asks_how_its_job_stands(job: Result, true: set[str]) -> None:
    assert {name for name, holds in step_statuses(job).items() if holds()} == true


@pytest.mark.parametrize(
    ("ancestors", "cancelled", "spared", "true"),
    [
        ([], False, False, {"always", "succeeded", "succeededorfailed"}),
        ([GOOD, ISSUES], False, False, {"always", "succeeded", "succeededorfailed"}),
        ([GOOD, BAD], False, False, {"always", "failed", "succeededorfailed"}),
        ([GOOD, SKIPPED], False, False, {"always", "succeededorfailed"}),
        ([GOOD], True, False, {"always", "canceled"}),
        ([BAD], True, False, {"always", "canceled", "failed"}),
        ([], True, True, {"always", "canceled", "succeeded"}),
        ([STOPPED], True, True, {"always", "canceled"}),
    ],
)
def test_a_stage_asks_all_that_it_depends_on(
    ancestors: list[Result], cancelled: bool, spared: bool, true: set[str]
) -> None:
    results = {f"s{number}": result for number, result in enumerate(ancestors)}
    statuses = graph_statuses(results, cancelled=cancelled, spared=spared)
    assert {name for name, holds in statuses.items() if holds()} == true


def test_a_status_can_be_asked_of_some_by_name() -> None:
    statuses = graph_statuses({"A": GOOD, "B": BAD, "C": SKIPPED}, cancelled=False, spared=False)
    assert statuses["succeeded"]("a")
    assert not statuses["succeeded"]("a", "b")
    assert statuses["failed"]("b")
    assert statuses["succeededorfailed"]("a", "B")
    assert not statuses["succeededorfailed"]("c")
    with pytest.raises(ExpressionError, match=r"^`d` is not in `dependsOn`$"):
        statuses["failed"]("d")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("plain text", None),
        ("##vso[task.complete", None),
        ("##vso[nothing]x", None),
        ("##[error]x", None),
        ("##vso[task.complete]", Command("task.complete", {}, "")),
        (
            "##vso[Task.Complete Result=Failed;]why",
            Command("task.complete", {"result": "Failed"}, "why"),
        ),
        (
            "before ##vso[task.setvariable variable=a b;isOutput=true]v]alue",
            Command("task.setvariable", {"variable": "a b", "isoutput": "true"}, "v]alue"),
        ),
        (
            "##vso[task.logissue sourcepath=a%3Bb%5Dc%AZP253B;type=error]one%0Atwo%0D",
            Command("task.logissue", {"sourcepath": "a;b]c%3B", "type": "error"}, "one\ntwo\r"),
        ),
    ],
)
def test_commands_are_found_and_unescaped(line: str, found: Command | None) -> None:
    assert command(line) == found


@given(st.text())
def test_no_line_whatever_breaks_the_reader_of_commands(line: str) -> None:
    found = command(f"##vso[{line}")
    assert found is None or "." in found.name


def test_known_macros_are_filled_once_and_unknown_ones_stay() -> None:
    variables = Variables([Variable("A.b", "1"), Variable("c", "$(A.b)"), Variable("d", "$(d)")])
    assert variables.fill("$(a.B) $( A.b ) $(c) $(none) $((1+1)) $()") == (
        "1 1 $(A.b) $(none) $((1+1)) $()"
    )
    variables.resolve()
    assert variables.fill("$(c) $(d)") == "1 $(d)"


def test_variables_that_name_each_other_are_refused() -> None:
    variables = Variables(
        [Variable("a", "x$(b)"), Variable("B", "$(c)"), Variable("c", "$(a)"), Variable("d", "")]
    )
    with pytest.raises(PipelineError, match=r"^These variables name each other: a, B, c\.$"):
        variables.resolve()


def test_variables_that_double_each_other_are_refused() -> None:
    doubling = [Variable(f"v{n}", f"$(v{n + 1})$(v{n + 1})") for n in range(40)]
    with pytest.raises(PipelineError, match="grows beyond 131072 characters"):
        Variables([*doubling, Variable("v40", "x")]).resolve()


def test_a_secret_stays_one_when_it_is_set_again() -> None:
    variables = Variables([Variable("token", "1", secret=True)])
    assert variables.set(Variable("TOKEN", "2"))
    assert variables.fill("$(token)") == "2"
    assert variables.environment() == {}


def test_copies_go_their_own_way() -> None:
    one = Variables([Variable("a", "1")])
    two = one.copy()
    two.set(Variable("a", "2"))
    assert (one.fill("$(a)"), two.fill("$(a)")) == ("1", "2")


def test_the_longest_secret_is_masked_first() -> None:
    secrets = Secrets()
    for value in ("abc", "abcdef", "  ", ""):
        secrets.add(value)
    assert secrets.mask("abcdef abc x  y") == "*** *** x  y"


@given(st.text(min_size=1), st.text(), st.text())
def test_a_secret_is_nowhere_in_what_is_masked(secret: str, before: str, after: str) -> None:
    secrets = Secrets()
    secrets.add(secret)
    shown = secrets.mask(f"{before}{secret}{after}")
    assert not secret.strip() or secret not in shown or secret in "***"
