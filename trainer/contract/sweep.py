"""A sweep: one recipe tried with several values of some settings, under one budget."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from trainer.contract.faults import Fault, SpecError, faults_of
from trainer.contract.part import Part
from trainer.contract.recipe import ALIASES, expand, find_recipe
from trainer.contract.spec import RunSpec

# Settings that every trial shares: what a sweep's own limits are about, and what names a trial.
SHARED = ("name", "budget.cost", "goal.at_least", "goal.below", "goal.metric")
MOST_TRIALS = 200
MOST_VARIED = 8

Value: TypeAlias = float | int | str | bool
Point: TypeAlias = dict[str, Any]  # setting as it was written -> value; one trial's


class Range(Part):
    """Numbers from `low` to `high`; `log` draws orders of magnitude, `step` leaves gaps."""

    low: float
    high: float
    log: bool = False
    step: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _bounds_agree(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} must be less than high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0 (got {self.low:g})")
        if self.log and self.step is not None:
            raise ValueError("give log or step: equal steps are no steps of a logarithm")
        return self

    @property
    def values(self) -> tuple[float, ...] | None:
        """Return every value if they can be counted."""
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + 1e-9)
        return tuple(round(self.low + number * self.step, 12) for number in range(count + 1))


def _kind(values: object) -> str:
    """Return which of the two ways to say values is meant, so that only its faults are told."""
    return "range" if isinstance(values, Mapping | Range) else "list"


Values: TypeAlias = Annotated[
    Annotated[tuple[Value, ...], Tag("list")] | Annotated[Range, Tag("range")],
    Discriminator(_kind),
]


class SweepBudget(Part):
    """What all trials together may take; the sweep ends there with what it has."""

    cost: float | None = Field(default=None, gt=0, le=1e7, title="Cost limit of all trials")
    hours: float | None = Field(default=None, gt=0, le=24 * 90, title="Time limit of the sweep")


class SweepGoal(Part):
    """Which figure of a result makes a trial the best."""

    metric: Literal["eval_loss", "eval_perplexity", "loss"] = "eval_loss"
    direction: Literal["minimize", "maximize"] = "minimize"


class SweepSpec(Part):
    """Version 1 of a sweep. `vary` has a list or a range for each setting (alias or dotted path).

    `how` is where a trial's values come from; a way that learns from results (Bayesian, ASHA)
    would be another word here, and would be asked again after each trial.
    """

    version: Literal[1] = 1
    recipe: str
    changes: dict[str, Any] = Field(default_factory=dict)
    vary: dict[str, Values] = Field(min_length=1, max_length=MOST_VARIED)
    how: Literal["grid", "random"] = "grid"
    trials: int | None = Field(
        default=None, ge=1, le=MOST_TRIALS, description="Empty: all of the grid."
    )
    parallel: int = Field(default=1, ge=1, le=32)
    goal: SweepGoal = SweepGoal()
    budget: SweepBudget = SweepBudget()
    seed: int = Field(default=0, ge=0, lt=2**31)
    patience: int | None = Field(
        default=None,
        ge=1,
        le=MOST_TRIALS,
        description="End after so many trials in a row that brought nothing better.",
    )


def read_sweep(body: Mapping[str, Any]) -> SweepSpec:
    """Return the sweep of a mapping. Raises `SpecError` with everything wrong at once."""
    try:
        sweep = SweepSpec.model_validate(body)
    except ValidationError as error:
        raise SpecError(_under_its_setting(fault) for fault in faults_of(error)) from error
    check(sweep)
    return sweep


def _under_its_setting(fault: Fault) -> Fault:
    """Return a fault of a varied setting under that setting's own name."""
    if fault.loc == "vary":
        return Fault("", f"1 to {MOST_VARIED} settings must vary: give one a list or a range")
    if not fault.loc.startswith("vary."):
        return fault
    found = re.fullmatch(r"vary\.(.+?)\.(list|range)(?:\.(.+))?", fault.loc)
    if found is None:
        return Fault(fault.loc.removeprefix("vary."), fault.msg)
    key, kind, part = found.groups()
    if kind == "list":
        return Fault(key, "must be a list of numbers, words, true or false, or a range")
    return Fault(key, f"{part} {fault.msg}" if part else fault.msg)


def check(sweep: SweepSpec) -> None:
    """Raise `SpecError` naming every contradiction, each value that its setting refuses too."""
    faults = [*_contradictions(sweep), *_bad_values(sweep)]
    if faults:
        raise SpecError(dict.fromkeys(faults))


def axes(sweep: SweepSpec) -> dict[str, tuple[Value, ...]]:
    """Return the values of each setting of a grid; a range without `step` has none to count."""
    counted = {}
    for key, values in sweep.vary.items():
        found = values.values if isinstance(values, Range) else values
        if found is not None:
            counted[key] = tuple(found)
    return counted


def trial_count(sweep: SweepSpec) -> int:
    """Return how many trials there are; the sweep was checked."""
    if sweep.how == "random":
        assert sweep.trials is not None
        return sweep.trials
    return math.prod(len(values) for values in axes(sweep).values())


def trial_specs(sweep: SweepSpec, points: Sequence[Point]) -> tuple[RunSpec, ...]:
    """Return the spec of each point, named `<name>-01`, `-02` ...

    Raises `SpecError` for points that do not go together (a combination that a spec refuses), each
    named by its trial.
    """
    recipe = find_recipe(sweep.recipe)
    base = str(sweep.changes.get("name", recipe.spec.name))
    faults, specs = [], []
    for number, point in enumerate(points, start=1):
        name = trial_name(base, number, of=len(points))
        try:
            specs.append(expand(recipe, {**sweep.changes, **point, "name": name}))
        except SpecError as error:
            words = in_words(point)
            faults += [Fault(fault.loc, f"{fault.msg} (trial {words})") for fault in error.faults]
    if faults:
        raise SpecError(faults)
    return tuple(specs)


def trial_name(base: str, number: int, *, of: int) -> str:
    """Return the run's name of a trial; names of one sweep sort by number."""
    ending = f"-{number:0{max(2, len(str(of)))}}"
    return base[: 48 - len(ending)] + ending


def in_words(point: Point) -> str:
    """Return `lr=0.001 seed=1`."""
    return " ".join(f"{key}={_shown(value)}" for key, value in point.items())


def best_of(goal: SweepGoal, figures: Mapping[str, float]) -> str | None:
    """Return the key with the best figure, the earlier one of equals; None of none."""
    finite = {key: value for key, value in figures.items() if math.isfinite(value)}
    if not finite:
        return None
    choose = min if goal.direction == "minimize" else max
    return choose(finite, key=lambda key: finite[key])


def out_of_patience(sweep: SweepSpec, figures: Sequence[float]) -> bool:
    """Return whether the last `patience` figures, in the order of their ends, brought nothing."""
    if sweep.patience is None or len(figures) <= sweep.patience:
        return False
    sign = 1 if sweep.goal.direction == "minimize" else -1
    scores = [sign * figure for figure in figures]
    return min(scores[-sweep.patience :]) >= min(scores[: -sweep.patience])


def _contradictions(sweep: SweepSpec) -> Iterable[Fault]:
    places: dict[str, str] = {}
    for key, values in sweep.vary.items():
        place = ALIASES.get(key, key)
        if place in SHARED:
            yield Fault(key, "is the same for all trials; it cannot be varied")
        if place in places:
            yield Fault(key, f"is varied twice: `{places[place]}` is the same setting")
        places[place] = key
        if not isinstance(values, Range):
            yield from _bad_list(key, values)
        elif sweep.how == "grid" and values.step is None:
            yield Fault(key, "a range has no end of values for a grid: add step, or how=random")
    yield from _bad_changes(sweep, frozenset(places))
    yield from _bad_count(sweep)


def _bad_changes(sweep: SweepSpec, varied: frozenset[str]) -> Iterable[Fault]:
    for key in sweep.changes:
        place = ALIASES.get(key, key)
        if place in varied:
            yield Fault(key, "is changed and varied; leave one out")
        if place == "budget.cost":
            yield Fault(key, "of a sweep is that of all trials: give it as budget.cost")


def _bad_list(key: str, values: Sequence[Value]) -> Iterable[Fault]:
    if not values:
        yield Fault(key, "has an empty list of values")
    doubles = sorted({_shown(value) for value in values if values.count(value) > 1})
    if doubles:
        yield Fault(key, f"names {', '.join(doubles)} more than once")


def _bad_count(sweep: SweepSpec) -> Iterable[Fault]:
    if sweep.how == "random":
        if sweep.trials is None:
            yield Fault("trials", "how=random needs a number of trials")
        return
    size = math.prod(max(1, len(values)) for values in axes(sweep).values())
    most = sweep.trials or MOST_TRIALS
    if size > most:
        yield Fault(
            "trials",
            f"the grid has {size} combinations, more than {most}: vary less, raise trials (at most "
            f"{MOST_TRIALS}), or draw some of them with how=random",
        )


def _bad_values(sweep: SweepSpec) -> Iterable[Fault]:
    """Try each value by itself in the recipe: its setting may be unknown, or refuse it."""
    recipe = find_recipe(sweep.recipe)
    plain = {key: value for key, value in sweep.changes.items() if key != "budget"}
    for key, values in sweep.vary.items():
        ends = (values.low, values.high) if isinstance(values, Range) else values
        for value in ends or ("",):
            own = {ALIASES.get(key, key), key}
            try:
                expand(recipe, {**plain, key: whole(value)})
            except SpecError as error:
                yield from (fault for fault in error.faults if ends or fault.loc == key)
                if any(fault.loc not in own for fault in error.faults):
                    break  # it is no single value's fault


def is_whole(sweep: SweepSpec, key: str) -> bool:
    """Return whether the setting takes whole numbers alone: it refuses one that is not."""
    recipe, values = find_recipe(sweep.recipe), sweep.vary[key]
    assert isinstance(values, Range)
    between = values.low + (values.high - values.low) * math.pi / 10
    try:
        expand(recipe, {key: between})
    except SpecError as error:
        return any("fractional part" in fault.msg for fault in error.faults)
    return False


def whole(value: Value) -> Value:
    """Return a float that is a whole number as an integer: ranges count in floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
