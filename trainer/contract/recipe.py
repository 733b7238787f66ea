"""Recipes: named presets in YAML that expand, with a person's changes, to a full `RunSpec`."""

import difflib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.contract.faults import Fault, SpecError, faults_of
from trainer.contract.spec import RunSpec

# The short words that people type in chat, and the place in the spec that each one means.
ALIASES = {
    "name": "name",
    "data": "data.train.uri",
    "eval_data": "data.eval.uri",
    "base": "model.source",
    "revision": "model.revision",
    "steps": "budget.steps",
    "tokens": "budget.tokens",
    "epochs": "budget.epochs",
    "hours": "budget.hours",
    "budget": "budget.cost",
    "lr": "optim.lr",
    "seed": "optim.seed",
    "batch": "batch.tokens_per_step",
    "max_length": "data.max_length",
    "r": "tuning.r",
    "sku": "compute.sku",
    "priority": "compute.priority",
    "goal": "goal.below",
    "patience": "early_stop.patience",
}
# What a form shows before anybody chose: the one that shows the whole way in a minute.
DEFAULT_RECIPE = "tiny-sft"
BOUNDS = ("goal.below", "goal.at_least")
ENDS = ("budget.steps", "budget.tokens", "budget.epochs")


class Recipe(BaseModel):
    """A preset: what it is for, which numbers people change most, and its whole spec."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    description: str
    main: tuple[str, ...]  # dotted paths of the numbers that the form offers, in this order
    spec: RunSpec


@cache
def recipes() -> Mapping[str, Recipe]:
    """Return the shipped recipes by name: the default first, then by name."""
    folder = resources.files("trainer") / "recipes"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    found = [Recipe.model_validate(yaml.safe_load(f.read_text("utf-8"))) for f in files]
    found.sort(key=lambda recipe: recipe.name != DEFAULT_RECIPE)
    return {recipe.name: recipe for recipe in found}


def find_recipe(name: str) -> Recipe:
    """Return the recipe called `name`, or refuse with the nearest names."""
    if name in recipes():
        return recipes()[name]
    near = difflib.get_close_matches(name, recipes(), n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(recipes())}."
    raise SpecError([Fault("recipe", f"There is no recipe `{name}`; {hint}")])


def expand(recipe: Recipe, changes: Mapping[str, Any]) -> RunSpec:
    """Return the recipe's spec with `changes` (alias or dotted path -> value) put in.

    Values may be text as typed (`"2e-4"`): pydantic reads them. A new end of training (steps,
    tokens or epochs) replaces the recipe's, and so does a new bound of the goal. Raises
    `SpecError` with every fault at once.
    """
    body = recipe.spec.model_dump(mode="json")
    faults = []
    places = {}
    for key, value in changes.items():
        place = ALIASES.get(key, key)
        if not _exists(place):
            faults.append(Fault(key, _unknown(key)))
            continue
        places[place] = value
    _clear(body, places)
    for place, value in places.items():
        _put(body, place, value)
    try:
        spec = RunSpec.model_validate(body)
    except ValidationError as error:
        raise SpecError([*faults, *faults_of(error)]) from error
    if faults:
        raise SpecError(faults)
    return spec


def _clear(body: dict[str, Any], places: Mapping[str, Any]) -> None:
    """Take out of the recipe's spec what does not stand beside the changes at `places`."""
    if any(end in places for end in ENDS):
        body["budget"].update(steps=None, tokens=None, epochs=None)
    if body["goal"] and any(bound in places for bound in BOUNDS):
        body["goal"].update(below=None, at_least=None)
    if "model.source" in places:
        body["model"]["revision"] = None  # that of another model


def differences(base: RunSpec, spec: RunSpec) -> dict[str, tuple[Any, Any]]:
    """Return the dotted paths at which `spec` differs from `base`, with (theirs, ours)."""
    old, new = flatten(base), flatten(spec)
    return {
        place: (old.get(place), new.get(place))
        for place in {**old, **new}
        if old.get(place) != new.get(place)
    }


def flatten(spec: RunSpec) -> dict[str, Any]:
    """Return the spec as dotted path -> value; lists stay whole, and mixed sources are words."""
    flat: dict[str, Any] = {}

    def walk(body: Mapping[str, Any], prefix: str) -> None:
        for key, value in body.items():
            if isinstance(value, Mapping):
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = value

    walk(spec.model_dump(mode="json"), "")
    flat["data.mix"] = [source.in_words for source in spec.data.mix]
    return flat


@cache
def _places() -> frozenset[str]:
    """Return every dotted path that a spec can have, read from the pydantic models."""

    def walk(model: type[BaseModel], prefix: str) -> set[str]:
        found = set()
        for key, field in model.model_fields.items():
            inner = _model_in(field.annotation)
            found |= walk(inner, f"{prefix}{key}.") if inner else {f"{prefix}{key}"}
        return found

    return frozenset(walk(RunSpec, "")) - {"version", "recipe"}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _exists(place: str) -> bool:
    return place in _places()


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, [*ALIASES, *sorted(_places())], n=1, cutoff=0.6)
    hint = f"did you mean `{near[0]}`?" if near else f"common ones: {', '.join(ALIASES)}."
    return f"A run has no setting `{key}`; {hint}"


def _put(body: dict[str, Any], place: str, value: Any) -> None:
    *parents, leaf = place.split(".")
    for parent in parents:
        if body.get(parent) is None:
            body[parent] = {}
        body = body[parent]
    body[leaf] = value
