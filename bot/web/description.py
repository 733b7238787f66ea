"""Writes the OpenAPI 3.1 document of a table of endpoints."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema
from typing_extensions import override

from bot.web.endpoint import Endpoint
from bot.web.problems import MEDIA, TITLES
from bot.web.schema import Nothing, Problem
from bot.web.sign_in.picked import COOKIE

REF = "#/components/schemas/{model}"
Json = dict[str, Any]
Mode = Literal["validation", "serialization"]
INTRODUCTION = (
    "Runs, their curves and logs, and what people may do with them. Every failure is problem+json "
    "(RFC 9457); mutating requests need `Content-Type: application/json` and a person."
)


class Schemas(GenerateJsonSchema):
    """What we send always holds every key, also those with a default."""

    @override
    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def describe(endpoints: Sequence[Endpoint]) -> Json:
    """Return the document; equal tables give equal documents."""
    schemas = _schemas(endpoints)
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    queries = {e.query.__name__ for e in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {"title": "krsp", "version": "1", "description": INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": {k: v for k, v in sorted(schemas.items()) if k not in queries - {"Nothing"}},
            "responses": {_name(s): _problem(s) for s in sorted(_statuses(endpoints))},
            "securitySchemes": _schemes(endpoints),
        },
    }


def _schemes(endpoints: Sequence[Endpoint]) -> Json:
    schemes: Json = {"person": {"type": "apiKey", "in": "cookie", "name": COOKIE}}
    if any(endpoint.caller == "service" for endpoint in endpoints):
        schemes["service"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return schemes


def refusals(endpoint: Endpoint) -> set[int]:
    """Return the statuses with which the endpoint may refuse."""
    found = {403, 421, 500, *endpoint.refusals}
    if endpoint.is_api and endpoint.answer is not None:
        found |= {503}
    if endpoint.query is not Nothing:
        found |= {422}
    if endpoint.path_parameters:
        found |= {404}
    if endpoint.caller != "open":
        found |= {401}
    if endpoint.is_mutation:
        found |= {400, 413, 415, 422}
        found |= set() if endpoint.caller == "open" else {507}
    return found


def _operation(endpoint: Endpoint, schemas: Json) -> Json:
    operation: Json = {
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas)],
        "responses": {"200": _good(endpoint)},
    }
    if endpoint.has_etag:
        operation["parameters"].append(
            {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
        )
        operation["responses"]["304"] = {"description": "Not changed since the given ETag."}
    for status in sorted(refusals(endpoint)):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    if endpoint.is_mutation:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(endpoint.body.__name__)}},
        }
    if endpoint.caller == "person":
        operation["security"] = [{"person": []}, *([] if endpoint.is_mutation else [{}])]
    elif endpoint.caller == "service":
        operation["security"] = [{"service": []}]
    return operation


def _good(endpoint: Endpoint) -> Json:
    schema: Json = {"type": "string"}
    if endpoint.answer is not None:
        schema = _ref(endpoint.answer.__name__)
    elif endpoint.media == "application/json":
        schema = {"type": "object", "additionalProperties": True}
    return {"description": "As asked.", "content": {endpoint.media: {"schema": schema}}}


def _path_parameters(endpoint: Endpoint) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in endpoint.path_parameters
    ]


def _query_parameters(endpoint: Endpoint, schemas: Json) -> list[Json]:
    if endpoint.query is Nothing:
        return []
    model = schemas[endpoint.query.__name__]
    return [
        _query_parameter(name, dict(schema), is_required=name in model.get("required", ()))
        for name, schema in model["properties"].items()
    ]


def _query_parameter(name: str, schema: Json, *, is_required: bool) -> Json:
    """Return the parameter; what may be absent is absent in an address, never null."""
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    schema.pop("title", None)
    if kinds:
        schema = {**schema, **kinds[0]}
    if schema.get("default", ...) is None:
        del schema["default"]
    said = schema.pop("description", None)
    parameter: Json = {"name": name, "in": "query", "required": is_required, "schema": schema}
    return {**parameter, "description": said} if said else parameter


def _schemas(endpoints: Sequence[Endpoint]) -> Json:
    models: dict[type[Any], Mode] = {Problem: "serialization"}
    for endpoint in endpoints:
        models |= {endpoint.query: "validation", endpoint.body: "validation"}
        if endpoint.answer is not None:
            models[endpoint.answer] = "serialization"
    _, found = models_json_schema(list(models.items()), ref_template=REF, schema_generator=Schemas)
    schemas: Json = found["$defs"]
    return schemas


def _statuses(endpoints: Iterable[Endpoint]) -> set[int]:
    return {status for endpoint in endpoints for status in refusals(endpoint)}


def _problem(status: int) -> Json:
    return {"description": TITLES[status], "content": {MEDIA: {"schema": _ref("Problem")}}}


def _name(status: int) -> str:
    return TITLES[status].title().replace(" ", "")


def _ref(model: str) -> Json:
    return {"$ref": REF.format(model=model)}
