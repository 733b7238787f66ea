"""The message extension through the gateway: search runs, unfold links, refuse strangers."""

import json
from pathlib import Path

import pytest

from bot.cards import Links
from bot.cards.shared import shared_card
from bot.errors import ForbiddenError, NotFoundError
from bot.teams.extension import Extension

LINKS = Links("https://krsp.example.com")
RUN = "run-20261123-abcdef"
FOLDER = Path(__file__).parents[4] / "shared" / "reference" / "teams"


class Shelf:
    """A core that offers what a test puts on it, and notes what was asked."""

    def __init__(self):
        self.runs, self.asked, self.error = [], [], None

    async def matching(self, actor, text):
        self.asked.append((actor.id, text))
        if self.error:
            raise self.error
        return self.runs

    async def one(self, actor, run_id):
        return (await self.matching(actor, run_id))[0]


@pytest.fixture
def shelf(view):
    made = Shelf()
    made.runs.append(view())
    return made


@pytest.fixture
def served(make_bot, shelf):
    shares = Extension(shelf, lambda run: shared_card(run, LINKS), LINKS.run_at)
    return make_bot(shares=shares)


@pytest.fixture
def search(activity):
    def make(text, name="query", **value):
        value |= {"commandId": "runs", "parameters": [{"name": name, "value": text}]}
        return activity(type="invoke", name="composeExtension/query", text=None, value=value)

    return make


@pytest.fixture
def paste(activity):
    def make(url, **changes):
        name = "composeExtension/queryLink"
        return activity(type="invoke", name=name, text=None, value={"url": url}, **changes)

    return make


async def test_a_search_answers_with_a_card_and_its_preview_for_each_run(served, shelf, search):
    async with served as bot:
        status, body = await bot.post(search(" mine  tiny "))
    assert status == 200
    assert shelf.asked == [("id-alex", "mine tiny")]
    (found,) = body["composeExtension"]["attachments"]
    assert found["content"]["actions"][0]["url"] == f"https://krsp.example.com/runs/{RUN}"
    assert found["preview"]["content"]["title"] == "tiny"
    assert "Training" in found["preview"]["content"]["text"]


async def test_the_box_shows_the_newest_runs_before_anything_is_typed(served, shelf, search):
    async with served as bot:
        await bot.post(search("true", name="initialRun"))
    assert shelf.asked == [("id-alex", "")]


async def test_a_second_page_is_empty_so_that_scrolling_ends(served, search):
    async with served as bot:
        _, body = await bot.post(search("x", queryOptions={"skip": 25, "count": 25}))
    assert body["composeExtension"]["attachments"] == []


async def test_nothing_found_is_said_in_the_box(served, shelf, search):
    shelf.runs.clear()
    async with served as bot:
        _, body = await bot.post(search("nope"))
    assert body["composeExtension"] == {"type": "message", "text": "No run matches that."}


@pytest.mark.parametrize("error", [ForbiddenError("I do not know you."), RuntimeError("secret")])
async def test_a_refused_search_gets_a_sentence_and_no_trace(served, shelf, search, error):
    shelf.error = error
    async with served as bot:
        status, body = await bot.post(search("tiny"))
    assert status == 200
    said = body["composeExtension"]["text"]
    assert said == "I do not know you." or said.startswith("Something went wrong inside the bot.")


async def test_somebody_without_directory_account_finds_nothing(served, shelf, search):
    async with served as bot:
        _, body = await bot.post(search("tiny") | {"from": {"id": "29:x"}})
    assert "work account" in body["composeExtension"]["text"]
    assert shelf.asked == []


@pytest.mark.parametrize("rest", ["", "/metrics", "?theme=dark", "/logs#12", "/"])
async def test_a_link_to_a_run_unfolds_into_its_card(served, shelf, paste, rest):
    async with served as bot:
        _, body = await bot.post(paste(f"https://krsp.example.com/runs/{RUN}{rest}"))
    assert shelf.asked == [("id-alex", RUN)]
    (found,) = body["composeExtension"]["attachments"]
    assert found["content"]["version"] == "1.3"


@pytest.mark.parametrize(
    "url",
    [
        "https://krsp.example.com/runs",
        "https://krsp.example.com/runs/new",
        f"https://evil.example.com/runs/{RUN}",
        f"https://krsp.example.com.evil.example/runs/{RUN}",
        f"http://krsp.example.com/runs/{RUN}",
        "",
    ],
)
async def test_any_other_link_stays_a_link(served, shelf, paste, url):
    async with served as bot:
        _, body = await bot.post(paste(url))
    assert body["composeExtension"]["attachments"] == []
    assert shelf.asked == []


@pytest.mark.parametrize("error", [ForbiddenError("no"), NotFoundError("no")])
async def test_a_link_that_may_not_be_seen_stays_a_link(served, shelf, paste, error):
    shelf.error = error
    async with served as bot:
        _, body = await bot.post(paste(f"https://krsp.example.com/runs/{RUN}"))
    assert body["composeExtension"]["attachments"] == []


@pytest.mark.parametrize("name", ["query", "queryLink"])
async def test_microsofts_payloads_are_answered(served, name):
    file = FOLDER / "payloads" / f"invoke_composeExtension_{name}.json"
    if not file.exists():
        pytest.skip("Microsoft's payloads are not here")
    raw = json.loads(file.read_text("utf-8-sig"))
    where = {"id": "c", **raw.get("conversation", {}), "tenantId": "tenant-1"}
    async with served as bot:
        status, body = await bot.post(
            raw | {"serviceUrl": "http://127.0.0.1:9/", "conversation": where}
        )
    assert status == 200
    assert "composeExtension" in body
