"""The Bicep files: no compiler was here, so what a compiler would find first is looked for here."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from bot.adapters.sql.dialects import parse_url
from bot.settings import load_policy
from bot.settings.azure import needed
from bot.settings.base import Settings
from manifests.azure.roles import load

pytestmark = pytest.mark.timeout(900)  # the first use installs the scanners

Trees = Mapping[str, Any]
KEYWORDS = {
    *("targetScope", "param", "var", "resource", "module", "output", "existing", "if", "for", "in"),
    *("string", "int", "bool", "object", "array", "null", "true", "false", "description"),
    *("allowed", "minValue", "maxValue", "minLength", "maxLength", "secure"),
}
LOOP = re.compile(r"\[for (\w+) in ")
DECLARED = re.compile(r"^(?:param|var|resource|module) (\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "manifests" / "azure"


@pytest.fixture(scope="module")
def report(scanner: Callable[..., Any]) -> dict[str, Any]:
    """Return what checkov found."""
    done = scanner(
        *("checkov", "--skip-download", "--directory", "manifests/azure"),
        *("--framework", "bicep", "--output", "json", "--quiet"),
    )
    assert done.stdout.startswith("{"), done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_file_can_be_parsed(report: dict[str, Any], bicep: Trees) -> None:
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 15
    assert len(bicep) == 15


def test_nothing_is_found_but_what_is_skipped_with_a_reason(
    report: dict[str, Any], folder: Path
) -> None:
    skips = yaml.safe_load((folder / "scan-skips.yaml").read_text("utf-8"))
    found = {check["check_id"]: check["resource"] for check in report["results"]["failed_checks"]}
    assert {name: where for name, where in found.items() if name not in skips} == {}
    assert sorted(set(skips) - set(found)) == []  # a skip that nothing needs any more
    assert all(len(reason) > 40 for reason in skips.values())


def test_every_parameter_and_output_is_explained(bicep: Trees) -> None:
    for name, tree in bicep.items():
        for kind in ("parameters", "outputs"):
            for what, body in tree.get(kind, {}).items():
                texts = [d["argument"] for d in body["decorators"] if d["type"] == "description"]
                assert texts, f"{name}: {what}"


def test_every_module_gets_exactly_its_parameters(bicep: Trees) -> None:
    for name, call in bicep["main.bicep"]["modules"].items():
        asked = bicep[call["detail"]["path"]]["parameters"]
        given = plain(call)["params"]
        required = {one for one, body in asked.items() if body["default"] is None}
        assert required <= set(given) <= set(asked), name


def test_every_output_that_is_read_exists(bicep: Trees, folder: Path) -> None:
    modules = bicep["main.bicep"]["modules"]
    read = re.findall(r"\b(\w+)\.outputs\.(\w+)", (folder / "main.bicep").read_text("utf-8"))
    assert len(read) > 20
    for module, output in read:
        assert output in bicep[modules[module]["detail"]["path"]]["outputs"], (module, output)


def test_every_name_is_declared(folder: Path) -> None:
    for path in sorted(folder.rglob("*.bicep")):
        text = path.read_text("utf-8")
        known = KEYWORDS | set(DECLARED.findall(text)) | set(LOOP.findall(text))
        assert sorted(set(names(text)) - known) == [], path.name


def names(text: str) -> Iterator[str]:
    """Yield what stands for a value in Bicep: no keys, functions, members or text of strings."""
    text = re.sub(r"^\s*//.*", "", text, flags=re.MULTILINE)
    inner = " ".join(re.findall(r"\$\{([^}]*)\}", text))
    text = re.sub(r"^output \w+", "output", text, flags=re.MULTILINE)
    bare = re.sub(r"'(?:[^'\\]|\\.)*'", "''", text)
    yield from re.findall(r"(?<![\w.@])([a-zA-Z_]\w*)\b(?!\s*[:(])(?!\w)", bare)
    yield from re.findall(r"(?<![\w.'])([a-zA-Z_]\w*)\b(?!\s*\()", re.sub(r"'[^']*'", "", inner))


def test_an_undeclared_name_would_be_found() -> None:
    assert "nope" in set(names("param a string\nvar b = '${nope.x}'\nvar c = a"))
    assert "nope" in set(names("var c = concat(nope, [])"))


def test_the_example_gives_what_is_required(bicep: Trees, folder: Path) -> None:
    text = (folder / "main.example.bicepparam").read_text("utf-8")
    given = set(re.findall(r"^param (\w+)", text, re.MULTILINE))
    asked = bicep["main.bicep"]["parameters"]
    required = {one for one, body in asked.items() if body["default"] is None}
    assert required <= given <= set(asked)


def test_the_bot_is_given_settings_that_exist_and_all_that_it_needs(bicep: Trees) -> None:
    params = plain(bicep["main.bicep"]["modules"]["app"])["params"]
    settings = params["settings"]["function"]["parameters"]["arg_1"]
    given = {*settings, *params["secrets"], "KRSP_PUBLIC_URL", "KRSP_POLICY_FILE"}
    fields = {f"KRSP_{field.upper()}" for field in Settings.model_fields}
    assert given <= fields
    wanted = needed({"credential": settings["KRSP_CREDENTIAL"]})
    assert {f"KRSP_{field.upper()}" for field in wanted} <= given


def test_the_example_policy_prices_every_cluster(bicep: Trees, folder: Path) -> None:
    policy = load_policy(folder / "policy.example.yaml")
    clusters = bicep["main.bicep"]["parameters"]["clusters"]["default"]
    assert set(policy.prices) == {one["sku"] for one in clusters}


def test_the_address_of_the_database_is_one_that_the_bot_takes(bicep: Trees) -> None:
    written = bicep["modules/database.bicep"]["outputs"]["url"]["value"]
    url = parse_url(re.sub(r"\$\{[^}]*\}", "psql.example.com", written))
    assert (url.drivername, url.port) == ("postgresql+asyncpg", 5432)
    assert url.password is None


def test_probes_ask_no_more_often_than_container_apps_allows(bicep: Trees) -> None:
    app = plain(bicep["modules/app.bicep"]["resources"]["app"])
    probes = app["properties"]["template"]["containers"][0]["probes"]
    assert [probe["type"] for probe in probes] == ["Startup", "Liveness", "Readiness"]
    assert {probe["httpGet"]["path"] for probe in probes} == {"/healthz", "/readyz"}
    for probe in probes:
        assert 1 <= probe["failureThreshold"] <= 10
        assert 1 <= probe["periodSeconds"] <= 240


def test_no_secret_is_a_plain_setting(bicep: Trees) -> None:
    params = plain(bicep["main.bicep"]["modules"]["app"])["params"]
    secret = {
        f"KRSP_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert not secret & set(params["settings"]["function"]["parameters"]["arg_1"])
    assert set(params["secrets"]) <= secret


def test_clusters_and_their_mapping_are_the_same(bicep: Trees, repository: Path) -> None:
    made = bicep["main.bicep"]["parameters"]["clusters"]["default"]
    mapped = yaml.safe_load((repository / "manifests/azureml/clusters.yaml").read_text("utf-8"))
    priorities = {"dedicated": "Dedicated", "low": "LowPriority"}
    assert [(one["cluster"], one["sku"], priorities[one["priority"]]) for one in mapped] == [
        (one["name"], one["sku"], one["priority"]) for one in made
    ]


def test_every_role_of_the_table_is_given_and_no_other(folder: Path) -> None:
    text = (folder / "modules" / "roles.bicep").read_text("utf-8")
    table = load()
    custom = {
        f"{name}_{role.scope}"
        for name, identity in table.items()
        for role in identity.roles
        if role.scope != "subscription"
    }
    definitions = re.findall(r"guid\(resourceGroup\(\)\.id, suffix, '(\w+)'\)", text)
    assert sorted(definitions) == sorted(custom)
    ids = dict(re.findall(r"^var (\w+) = '([0-9a-f-]{36})'", text, re.MULTILINE))
    given = re.findall(r"name: guid\((\w+)\.id, suffix, '(\w+)', (\w+)\)", text)
    builtin = [(one.scope, name, one.id) for name, i in table.items() for one in i.builtin]
    assert sorted((scope, who, ids[role]) for scope, who, role in given) == sorted(builtin)


@pytest.mark.parametrize(
    ("resource", "kind"), [("workspace", "workspaces"), ("cluster", "workspaces_computes")]
)
def test_bodies_of_the_workspace_pass_microsofts_schema(
    bicep: Trees, repository: Path, resource: str, kind: str
) -> None:
    reference = repository.parent / "shared" / "reference" / "arm"
    path = reference / "2025-12-01.Microsoft.MachineLearningServices.json"
    if not path.exists():
        pytest.skip("Microsoft's ARM schemas are not here (../shared/reference/arm)")
    schema = json.loads(path.read_text("utf-8"))
    body = arm(bicep["modules/workspace.bicep"]["resources"][resource])
    common = json.loads((reference / "common.definitions.json").read_text("utf-8"))
    store = {"https://schema.management.azure.com/schemas/common/definitions.json": common}
    ours = schema["id"].rstrip("#")
    store[ours] = opened(schema)
    registry = Registry().with_resources(
        [(name, Resource(one, DRAFT7)) for name, one in store.items()]
    )
    whole = {"$ref": f"{ours}#/resourceDefinitions/{kind}"}
    validator = jsonschema.Draft7Validator(whole, registry=registry)
    assert [error.message[:300] for error in validator.iter_errors(body)] == []
    unknown = unknown_keys(body["properties"], schema, kind)
    assert unknown == []


def arm(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource as the template that a compiler would write, expressions as `[...]`."""
    body = {key: value for key, value in plain(resource).items() if key != "parent"}
    done: dict[str, Any] = expressions(body)
    return {**done, "type": resource["type"], "apiVersion": resource["api_version"]}


def expressions(value: Any) -> Any:
    if isinstance(value, list):
        return [expressions(item) for item in value]
    if isinstance(value, dict):
        if set(value) & {"operator", "function"}:
            return "[expression]"
        return {key: expressions(item) for key, item in value.items()}
    is_expression = isinstance(value, str) and ("${" in value or value in {"tags", "location"})
    return "[expression]" if is_expression else value


def opened(schema: Any) -> Any:
    """Return the schema with the parts of an `allOf` open: only their union can be closed."""
    if isinstance(schema, list):
        return [opened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = [*schema.get("allOf", []), *schema.get("oneOf", [])] if "allOf" in schema else []
    for part in parts:
        part.pop("additionalProperties", None)
    return {key: opened(value) for key, value in schema.items() if key != "id"}


def unknown_keys(body: Mapping[str, Any], schema: Mapping[str, Any], kind: str) -> list[str]:
    """Return keys of `properties` that Microsoft's schema does not name: a typing error."""
    definitions = schema["definitions"]
    if kind == "workspaces":
        return sorted(set(body) - set(definitions["WorkspaceProperties"]["properties"]))
    inner = set(body["properties"]) - set(definitions["AmlComputeProperties"]["properties"])
    outer = set(body) - set(properties(definitions["Compute"]))
    return sorted(inner | outer - {"computeType", "properties"})


def properties(definition: Any) -> Iterator[str]:
    """Yield every property that a definition names, in any of its parts."""
    if isinstance(definition, list):
        for part in definition:
            yield from properties(part)
    elif isinstance(definition, dict):
        yield from definition.get("properties", {})
        for key in ("allOf", "oneOf", "anyOf"):
            yield from properties(definition.get(key, []))


def plain(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's or module's body without its condition or loop."""
    body = call["config"]
    while isinstance(body.get("config"), dict):
        body = body["config"]
    return dict(body)
