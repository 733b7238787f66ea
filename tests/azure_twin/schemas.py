"""Judge bodies by Microsoft's ARM schemas: closed, by discriminator, without the network.

The published schemas close each half of an `allOf` (a base and what a discriminator chooses), so
that a plain validator refuses every body. Here the halves are merged first, and the whole is
closed: a name that neither half knows is a fault.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

Schema = Mapping[str, Any]

PREFIX = "Microsoft.MachineLearningServices"
# Of the frame: the path says them, a body does not.
OF_THE_PATH = {"apiVersion", "name", "type"}
# What answers add and the schemas, made for templates, leave out.
ONLY_IN_ANSWERS = {
    "compute",
    "environmentType",
    "jobName",
    "parentJobName",
    "provisioningState",
    "scoringUri",
    "services",
    "status",
    "swaggerUri",
}
EXPRESSION = "#/definitions/expression"


# What azure-ai-ml 1.35.2 sends although the schema of that version does not have it.
SENT_BY_THE_SDK = {
    f"body of codes/versions (2023-04-01): properties.properties.hash_version: {fault}"
    for fault in ("202208 is not of type 'string'",)
}


@dataclass(frozen=True)
class Judge:
    """The schema of one API version."""

    definitions: Schema
    resources: Schema

    def faults(self, kind: str, body: Mapping[str, Any], *, is_answer: bool) -> list[str]:
        """Return what is wrong with a body of e.g. `jobs` or `onlineEndpoints/deployments`."""
        name = "workspaces_" + kind.replace("/", "_")
        frame = self.resources.get(name) or self.definitions.get(name)
        if frame is None:
            return [f"the schema has no {kind}"]
        parts = frame["properties"]
        missing = sorted(set(frame["required"]) - OF_THE_PATH - body.keys())
        found = [f"{key}: missing" for key in missing]
        for key in ("properties", "location", "tags", "sku", "identity", "kind"):
            value = body.get(key)
            if value is None or key not in parts:
                continue
            if is_answer and key == "properties":
                value = {one: held for one, held in value.items() if one not in ONLY_IN_ANSWERS}
            if is_answer and key == "identity":
                value = {"type": value["type"]}  # the rest is the service's own
            found += self._faults(parts[key], _without_nulls(value), key)
        return found

    def _faults(self, schema: Schema, value: Any, path: str) -> Iterator[str]:
        whole = self._whole(schema, value)
        if isinstance(value, dict) and ("properties" in whole or "required" in whole):
            yield from self._object(whole, value, path)
        elif isinstance(value, dict) and isinstance(whole.get("additionalProperties"), dict):
            for key, held in value.items():
                yield from self._faults(whole["additionalProperties"], held, f"{path}.{key}")
        elif isinstance(value, list) and "items" in whole:
            for number, held in enumerate(value):
                yield from self._faults(whole["items"], held, f"{path}[{number}]")
        else:
            plain = {key: held for key, held in whole.items() if key != "oneOf"}
            for error in Draft7Validator(plain).iter_errors(value):
                yield f"{path}: {error.message}"

    def _object(self, whole: Schema, value: Mapping[str, Any], path: str) -> Iterator[str]:
        known, more = whole.get("properties", {}), whole.get("additionalProperties")
        for key in sorted(set(whole.get("required", ())) - value.keys()):
            yield f"{path}.{key}: missing"
        for key, held in value.items():
            if key in known:
                yield from self._faults(known[key], held, f"{path}.{key}")
            elif isinstance(more, dict):
                yield from self._faults(more, held, f"{path}.{key}")
            else:
                yield f"{path}.{key}: unknown"

    def _whole(self, schema: Schema, value: Any) -> dict[str, Any]:
        """Return the schema that holds for this value: references, halves and choices resolved."""
        if "$ref" in schema:
            reference = str(schema["$ref"])
            return self._whole(self.definitions[reference.rsplit("/", 1)[-1]], value)
        merged: dict[str, Any] = {
            key: held for key, held in schema.items() if key not in {"allOf", "oneOf"}
        }
        for part in schema.get("allOf", ()):
            merged = _merged(merged, self._whole(part, value))
        choices = [one for one in schema.get("oneOf", ()) if not _is_expression(one)]
        if choices:
            wholes = [self._whole(one, value) for one in choices]
            merged = _merged(merged, next((one for one in wholes if _fits(one, value)), wholes[0]))
        return merged


def _is_expression(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).endswith(EXPRESSION)


def _fits(schema: Schema, value: Any) -> bool:
    """Return whether the discriminators of a choice are those of the value."""
    if not isinstance(value, dict):
        return not list(Draft7Validator({**schema}).iter_errors(value))
    for key, held in schema.get("properties", {}).items():
        wanted = [held["const"]] if "const" in held else held.get("enum", ())
        if len(wanted) == 1 and value.get(key) != wanted[0]:
            return False
    return True


def _merged(left: dict[str, Any], right: Schema) -> dict[str, Any]:
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = sorted({*left["required"], *right["required"]})
    return merged


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(held) for key, held in value.items() if held is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


@functools.cache
def judge(folder: Path, version: str) -> Judge | None:
    """Return the judge of an API version, or None where its schema is not at hand."""
    path = folder / f"{version}.{PREFIX}.json"
    if not path.exists():
        return None
    whole = json.loads(path.read_text(encoding="utf-8"))
    return Judge(whole["definitions"], whole["resourceDefinitions"])


def kind_of(path: str) -> str:
    """Return the types along a path below the workspace: `codes/versions`."""
    return "/".join(path.split("/workspaces/")[1].split("/")[1::2])
