"""Read the SPEC argument that every verb takes: a file, standard input, or the environment."""

import base64
import binascii
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from typing_extensions import override

from trainer.contract.faults import Fault, SpecError, faults_of
from trainer.contract.spec import RunSpec
from trainer.json_text import JsonError, parse_json


def read_spec(argument: str, env: Mapping[str, str]) -> RunSpec:
    """Return the spec that `argument` names: a path, `-`, or `env:NAME` (base64url of its JSON).

    Raises `SpecError` with everything wrong at once.
    """
    body = _parse(_read_text(argument, env), argument)
    if not isinstance(body, dict):
        raise SpecError([Fault("", f"{argument} holds {_kind(body)} where a spec is a mapping.")])
    try:
        return RunSpec.model_validate(body)
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error


def _read_text(argument: str, env: Mapping[str, str]) -> str:
    try:
        if argument == "-":
            return sys.stdin.read()
        if argument.startswith("env:"):
            return _from_base64(argument.removeprefix("env:"), env)
        return Path(argument).read_text("utf-8")
    except UnicodeDecodeError as error:
        message = f"The spec {argument} is not UTF-8 text (byte {error.start})."
        raise SpecError([Fault("", message)]) from error
    except OSError as error:
        message = f"The spec {argument} cannot be read: {error.strerror}."
        raise SpecError([Fault("", message)]) from error


def _from_base64(name: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        raise SpecError([Fault("", f"The environment variable {name} is empty or not set.")])
    value = env[name].strip()
    try:
        padded = value + "=" * (-len(value) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        message = f"The environment variable {name} is not the base64url of a JSON text."
        raise SpecError([Fault("", message)]) from error


def _parse(text: str, argument: str) -> Any:
    """Return the text's value; YAML covers JSON, but JSON's own messages are better for JSON."""
    try:
        is_json = text.lstrip().startswith("{") and not argument.endswith((".yaml", ".yml"))
        return parse_json(text) if is_json else yaml.load(text, _Loader)  # noqa: S506  # a safe one
    except JsonError as error:
        message = f"The spec {argument} is not JSON: {error} (line {error.line})."
        raise SpecError([Fault("", message)]) from error
    except RecursionError as error:
        message = f"The spec {argument} is not YAML: it is nested too deeply."
        raise SpecError([Fault("", message)]) from error
    except ValueError as error:  # of a number or a date that cannot be
        message = f"The spec {argument} is not YAML: {error}."
        raise SpecError([Fault("", message)]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        message = f"The spec {argument} is not YAML: {problem}{where}."
        raise SpecError([Fault("", message)]) from error


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: YAML forbids it, and PyYAML keeps the last."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                problem = f"the key {key.value!r} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
