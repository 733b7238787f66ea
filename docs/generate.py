"""Write the reference pages from the code: `python docs/generate.py [--check]`."""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.chat.grammar import SYNONYMS
from bot.chat.words import COMMANDS
from bot.settings import Settings
from trainer.contract.recipe import ALIASES, Recipe, recipes
from trainer.contract.spec import RunSpec

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make generate`; do not edit. -->\n"


def main() -> int:
    """Write every page, or with `--check` say which are out of date and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name what is old")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    old = []
    for name, render in PAGES.items():
        text, path = render(), FOLDER / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        old.append(path.relative_to(ROOT).as_posix())
        if not options.check:
            path.write_text(text, encoding="utf-8")
    if options.check and old:
        print(f"Out of date: {', '.join(old)}. Run `make generate`.", file=sys.stderr)
        return 1
    print("\n".join(f"wrote {name}" for name in old) or "The reference pages are up to date.")
    return 0


def run_spec_page() -> str:
    parts = list(_parts(RunSpec, ""))
    chapters = [
        f"## {prefix.rstrip('.') or 'run'}\n\n{_summary(model)}\n\n{_field_table(model, prefix)}"
        for prefix, model in parts
    ]
    return _page(
        "Run spec, version 1",
        "Everything that decides what a run trains, on what, for how long and how; YAML or JSON. "
        "Unknown keys are refused, and all faults are named at once. JSON schema: "
        "[run-spec.schema.json](run-spec.schema.json), also at `/api/v1/run-spec.schema.json`.",
        *chapters,
        "## Short words\n\nIn chat: `train <recipe> <word>=<value> ...`. A dotted path works.\n\n"
        + _table(("word", "means"), ((f"`{word}`", f"`{key}`") for word, key in ALIASES.items())),
    )


def run_spec_schema() -> str:
    return json.dumps(RunSpec.model_json_schema(), indent=2) + "\n"


def recipes_page() -> str:
    return _page(
        "Recipes",
        "Named presets, one file each in `trainer/recipes/`. A recipe expands to a full "
        "[run spec](run-spec.md); what it does not name has that page's default.",
        *(_recipe(recipe) for recipe in recipes().values()),
    )


def settings_page() -> str:
    rows = (
        (f"`KRSP_{name.upper()}`", _type(field), _setting_default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return _page(
        "Settings",
        "Read from the environment when the bot starts. Everything missing or wrong is named at "
        "once. The demo and the tests also know `KRSP_PLAYGROUND_PORT` (56150) and "
        "`KRSP_CHROMIUM`.",
        _table(("setting", "type", "default", "meaning"), rows),
    )


def commands_page() -> str:
    rows = ((f"`{one.usage}`", one.summary, f"`{one.example}`") for one in COMMANDS.values())
    words = sorted({(meant, typed) for typed, meant in SYNONYMS.items()})
    others = (
        (f"`{verb}`", ", ".join(f"`{typed}`" for meant, typed in words if meant == verb))
        for verb in COMMANDS
        if verb in SYNONYMS.values()
    )
    return _page(
        "Chat commands",
        "In a channel mention the bot first; in a personal chat and in the console just type. "
        "`[run]` is a run's id, its name, or `last`: your newest one, also meant when nothing "
        "stands there. A mistyped word is answered with the nearest command that would work.",
        _table(("type", "to", "for example"), rows),
        "## Other words for the same\n\n" + _table(("command", "also"), others),
    )


def cli_page() -> str:
    return _page(
        "Command line",
        "With `.venv/bin/python`; each verb's own `--help`.",
        *_helps("bot"),
        *_helps("trainer"),
    )


def _recipe(recipe: Recipe) -> str:
    written = recipe.spec.model_dump(mode="json", exclude_unset=True, exclude={"version", "recipe"})
    rows = ((f"`{path}`", _value(value)) for path, value in _leaves(written, ""))
    main = ", ".join(f"`{path}`" for path in recipe.main)
    return (
        f"## {recipe.name}\n\n**{recipe.title}.** {recipe.description.strip()}\n\n"
        f"The form offers: {main}.\n\n" + _table(("setting", "value"), rows)
    )


def _leaves(body: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in body.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _parts(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield prefix, model
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        if inner:
            yield from _parts(inner, f"{prefix}{name}.")


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _field_table(model: type[BaseModel], prefix: str) -> str:
    rows = (
        (f"`{prefix}{name}`", _type(field), _default(field), field.description or field.title or "")
        for name, field in model.model_fields.items()
        if _model_of(field.annotation) is None
    )
    return _table(("key", "type", "default", "meaning"), rows)


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(limit, name)}"
        for limit in field.metadata
        for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
        if getattr(limit, name, None) is not None
    ]
    extra = field.json_schema_extra
    names = extra.get("enum") if isinstance(extra, dict) else None
    if isinstance(names, list):
        return " or ".join(f"`{one}`" for one in names)
    return ", ".join([_type_name(field.annotation), *bounds])


def _type_name(annotation: Any) -> str:
    if annotation is type(None):
        return "empty"
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list"
    if get_args(annotation):
        return " or ".join(_type_name(one) for one in get_args(annotation))
    names = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "yes or no",
        "Path": "path",
    }
    name = str(annotation.__name__)
    return names.get(name, name)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return _value(field.get_default(call_default_factory=True))


def _setting_default(field: FieldInfo) -> str:
    """Return the default; a file of the repository is named from its root."""
    value = field.default
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        value = value.relative_to(ROOT).as_posix()
    return _value(value or None)


def _value(value: Any) -> str:
    if value is None or value == ():
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`"


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _page(title: str, summary: str, *chapters: str) -> str:
    return NOTE + f"# {title}\n\n{summary}\n\n" + "\n\n".join(chapters) + "\n"


def _helps(package: str) -> Iterator[str]:
    top = _help(package)
    yield f"## python -m {package}\n\n```text\n{top}\n```"
    for verb in re.findall(r"^ {2,4}([a-z]+) {2,}", top, re.MULTILINE):
        yield f"### python -m {package} {verb}\n\n```text\n{_help(package, verb)}\n```"


def _help(package: str, *verb: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", package, *verb, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
    )
    return result.stdout.strip()


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "run-spec.md": run_spec_page,
    "run-spec.schema.json": run_spec_schema,
    "commands.md": commands_page,
    "recipes.md": recipes_page,
    "cli.md": cli_page,
}

if __name__ == "__main__":
    sys.exit(main())
