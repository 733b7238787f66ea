"""The OpenAPI document: complete, stable, and kept by the running site."""

import asyncio
import json
import threading
from collections.abc import Iterator

import jsonschema
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi import checks as openapi_checks

from bot.web.openapi import ENDPOINTS, document, main
from bot.web.sign_in.picked import COOKIE, sign
from tests.bot.web.conftest import PEOPLE, SECRET
from trainer.contract.recipe import recipes

SCHEMA = schemathesis.openapi.from_dict(document())
FUZZED = SCHEMA.exclude(operation_id="streamEvents")  # endless by nature; test_web_events has it
# What these refuse, no schema can say: unknown recipes and people, cursors, ranges back to front.
PARTICULAR = {
    "createDraft",
    "getMetrics",
    "listRuns",
    "planPromotion",
    "promoteRun",
    "signIn",
}
EXAMPLES = settings(max_examples=15)


class Server(threading.Thread):
    """A site on a loop of its own, for a client that blocks."""

    def __init__(self, make_site) -> None:
        super().__init__(name="site")
        self.make_site, self.started, self.loop = make_site, threading.Event(), None

    def run(self) -> None:
        asyncio.run(self.serve())

    async def serve(self) -> None:
        self.loop, self.done = asyncio.get_running_loop(), asyncio.Event()
        async with self.make_site() as site:
            self.url = f"http://127.0.0.1:{site.client.port}"
            self.ids = [await site.run(), await site.dear_run()]
            for run_id in self.ids:
                site.tracking.lines[run_id] = ["one line", "another"]
                site.tracking.points[run_id] = {"loss": [(n, 1.0 / (n + 1)) for n in range(50)]}
            self.cookie = sign(SECRET, PEOPLE["nestor"], site.clock.now())
            self.started.set()
            await self.done.wait()


@pytest.fixture(scope="module")
def server(module_site) -> Iterator[Server]:
    server = Server(module_site)
    server.start()
    assert server.started.wait(20)
    yield server
    server.loop.call_soon_threadsafe(server.done.set)
    server.join(20)
    assert not server.is_alive()


def call(case, server: Server) -> None:
    case.cookies = {COOKIE: server.cookie}
    skipped = [openapi_checks.ignored_auth]  # test_web_requests has every POST without a person
    if case.operation.definition.raw["operationId"] in PARTICULAR:
        skipped.append(openapi_checks.positive_data_acceptance)
    case.call_and_validate(base_url=server.url, excluded_checks=skipped)


@FUZZED.parametrize()
@EXAMPLES
def test_no_request_makes_the_site_fail_or_break_its_word(case, server):
    call(case, server)


@FUZZED.include(path_regex="{").parametrize()
@EXAMPLES
def test_no_request_about_a_real_run_does_either(case, server):
    name = next(iter(case.path_parameters))
    case.path_parameters[name] = server.ids[len(json.dumps(case.query or {})) % 2]
    call(case, server)


def test_the_document_is_printed_the_same_each_time(capsys):
    main([])
    first = capsys.readouterr().out
    main([])
    assert capsys.readouterr().out == first
    assert json.loads(first) == document()


def test_printing_takes_no_arguments(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--yaml"])
    assert "usage" in capsys.readouterr().err


async def test_the_site_serves_its_document(site):
    assert await (await site.get("openapi.json")).json() == document()


async def test_every_endpoint_is_registered_and_nothing_else_of_the_api_is(site):
    registered = {
        (route.method, route.resource.canonical)
        for route in site.app.router.routes()
        if route.resource and "{path}" not in route.resource.canonical
    }
    expected = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    heads = {("HEAD", path) for method, path in expected if method == "GET"}
    heads -= {("HEAD", "/api/v1/events")}  # it would never be answered
    assert (
        registered - {("*", f"/{ours}") for ours in ("api", "auth", "endpoints", "hooks")}
        == expected | heads
    )


def test_operations_have_one_name_each_as_the_client_writes_them():
    names = [endpoint.operation_id for endpoint in ENDPOINTS]
    assert len(set(names)) == len(names)
    assert all(name.isalpha() and name[0].islower() for name in names)


def test_what_we_send_holds_every_key():
    run = document()["components"]["schemas"]["RunView"]
    assert set(run["required"]) == set(run["properties"])
    request = document()["components"]["schemas"]["DraftRequest"]
    assert request["required"] == ["recipe", "nonce"]


def test_no_shape_has_two_forms():
    assert not [name for name in document()["components"]["schemas"] if name.endswith("-Input")]


async def test_the_schema_of_a_run_accepts_the_recipes_and_refuses_others(site):
    schema = await (await site.get("run-spec.schema.json")).json()
    checker = jsonschema.Draft202012Validator(schema)
    for recipe in recipes().values():
        assert checker.is_valid(recipe.spec.model_dump(mode="json"))
    assert not checker.is_valid({"recipe": "tiny-sft"})
