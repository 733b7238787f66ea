"""The form that asks for a run: what stands in it, what was typed, what was wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from bot.domain.drafting import SHORT, in_a_sentence
from bot.domain.posts import FormField
from bot.errors import FieldFault
from trainer.contract.recipe import ALIASES, Recipe, flatten, recipes
from trainer.contract.spec import RunSpec

# What each form shows first; the recipe's main numbers follow.
FIRST = ("name", "data", "budget")
LABEL_OF = {"name": "Name", "data": "Data", "budget": "Cost limit"}
HELP_OF = {
    "data": "builtin:<name>, or the path of a JSONL, Parquet or text file",
    "budget": "the run is stopped when it has cost this much; empty: no limit",
}


def form_fields(
    recipe: Recipe, typed: Mapping[str, Any], faults: Sequence[FieldFault]
) -> tuple[FormField, ...]:
    """Return the form: recipe, name, data, cost limit, then the recipe's main numbers.

    What was typed stays; a fault stands at its field, whichever of its names it came under.
    """
    flat = flatten(recipe.spec)
    said = {ALIASES.get(key, key): str(value) for key, value in typed.items()}
    wrong = {ALIASES.get(fault.loc, fault.loc): fault.msg for fault in faults}
    choices = tuple((name, found.title) for name, found in recipes().items())
    first = FormField("recipe", "Recipe", recipe.name, "choice", recipe.description, choices)
    ids = [*FIRST, *(SHORT.get(place, place) for place in recipe.main)]
    extra = [SHORT.get(place, place) for place in said if place in flat or place in wrong]
    shown = dict.fromkeys([*ids, *extra])
    return (first, *(_field(key, flat, said, wrong) for key in shown))


def _field(
    key: str, flat: Mapping[str, Any], said: Mapping[str, str], wrong: Mapping[str, str]
) -> FormField:
    place = ALIASES.get(key, key)
    info, default = field_info(place), flat.get(place)
    value = said.get(place, "" if default is None else _shown(default))
    unit = _extra(info).get("unit") if info else None
    label = LABEL_OF.get(key) or (info.title if info and info.title else key)
    return FormField(
        id=key,
        label=f"{label} ({unit})" if unit and key not in LABEL_OF else label,
        value=value,
        input="number" if isinstance(default, int | float) else "text",
        help=HELP_OF.get(key, (info.description or "") if info else ""),
        fault=wrong.get(place),
        required=key in ("name", "data"),
    )


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _extra(info: FieldInfo) -> Mapping[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def field_info(place: str) -> FieldInfo | None:
    """Return pydantic's description of the setting at a dotted path of the spec."""
    model: Any = RunSpec
    info: FieldInfo | None = None
    for part in place.split("."):
        fields = getattr(model, "model_fields", {})
        if part not in fields:
            return None
        info = fields[part]
        kinds = (info.annotation, *getattr(info.annotation, "__args__", ()))
        model = next((k for k in kinds if hasattr(k, "model_fields")), None)
    return info


def free_faults(faults: Sequence[FieldFault], fields: Sequence[FormField]) -> str | None:
    """Return in one text the faults that belong to no field of the form."""
    shown = {ALIASES.get(field.id, field.id) for field in fields}
    loose = [f for f in faults if ALIASES.get(f.loc, f.loc) not in shown]
    return " ".join(in_a_sentence(fault) for fault in loose) or None
