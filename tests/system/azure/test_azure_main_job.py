"""From a sentence in Teams to an answering endpoint, in the azure profile, really training."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.demo import serve_bot
from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin, running_twin
from tests.azure_twin.place import AzurePlace
from tests.azure_twin.schemas import SENT_BY_THE_SDK, judge, kind_of
from tests.azure_twin.teams import CHANNEL, Shown, Teams
from tests.system.azure.conftest import Journey

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

ENDPOINT = "assistant"


def ask_endpoint(twin: RunningTwin, name: str) -> str:
    """Return what the served model says, asked over the twin's proxy with a token of Entra."""
    token = twin.control.mint(world.BOT_IDENTITY, "https://ml.azure.com")
    url = f"https://{ENDPOINT}.{world.REGION}.inference.ml.azure.com/v1/chat/completions"
    body = {
        "model": name,
        "messages": [{"role": "user", "content": "What does os.path.join do?"}],
        "max_tokens": 8,
    }
    request = urllib.request.Request(
        url,
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": twin.environment["HTTPS_PROXY"]}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=twin.authority)),
    )
    with opener.open(request, timeout=120) as answer:
        return str(json.load(answer)["choices"][0]["message"]["content"])


def read(opener: urllib.request.OpenerDirector, url: str) -> Any:
    with opener.open(url, timeout=30) as answer:
        return json.load(answer)


def status_without_cookie(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def test_a_sentence_in_teams_ends_in_an_answering_endpoint(
    tmp_path: Path, free_port: Callable[[], int], repository: Path
) -> None:
    with running_twin(tmp_path / "twin", local_sign_in=True) as twin:
        port = free_port()
        place = AzurePlace(
            home=tmp_path / "home",
            host="127.0.0.1",
            bot_port=port,
            playground_port=0,
            public_url=f"http://127.0.0.1:{port}",
            twin=twin,
            alone_below=0.001,
        )
        place.prepare()
        with serve_bot(place):
            await whole_way(place)
        assert twin.control.refused_hosts() == []
        assert [use for use in twin.control.call("roles.used") if not use["allowed"]] == []
        assert misshapen(twin, repository) == []


def misshapen(twin: RunningTwin, repository: Path) -> list[str]:
    """Return what of the recorded bodies Microsoft's schemas refuse, where they are at hand."""
    faults = []
    for entry in twin.requests(method="PUT", host="management.azure.com"):
        version = entry["query"]["api-version"]
        found = judge(repository.parent / "shared" / "reference" / "arm", version)
        if found is None or entry["status"] >= 300:
            continue
        kind = kind_of(entry["path"])
        said = found.faults(kind, entry["body"], is_answer=False)
        faults += [f"body of {kind} ({version}): {one}" for one in said]
    return sorted({*faults} - SENT_BY_THE_SDK)


async def whole_way(place: AzurePlace) -> None:
    teams = Teams(place.bot_url, place.twin.control)
    await teams.start()
    try:
        journey = Journey(place, teams, CHANNEL)
        pages = await asyncio.to_thread(place.sign_in, "alex")
        await asyncio.to_thread(place.sign_in, "megan")
        run_id = await approved_run(journey)
        await journey.card(run_id, "step ", "Loss", patience_s=240)
        done = await journey.ended(run_id, "Succeeded", patience_s=300)
        assert done.edits > 3
        assert await journey.jobs(run_id) == [run_id]
        assert len(await journey.effects(run_id)) == 1
        assert len(await journey.alerts(run_id)) == 1
        await asyncio.to_thread(look_at_pages, place, pages, run_id)
        await promoted(journey, run_id)
    finally:
        await teams.close()
    assert teams.refused == []


async def approved_run(journey: Journey) -> str:
    """Ask as Alex, approve as Megan; nothing starts in between."""
    await journey.say("train tiny-sft steps=30")
    plan = await journey.card("Plan:")
    await journey.teams.press("alex", plan, "Ask for approval")
    question = await journey.teams.until(lambda m: has(m, "Approve"), "the question")
    assert question.run_id is not None
    assert await journey.effects(question.run_id) == []
    assert "You asked for this run" in await journey.teams.press("alex", question, "Approve")
    await journey.teams.press("megan", question, "Approve")
    return question.run_id


def has(message: Shown, title: str) -> bool:
    try:
        return bool(message.button(title))
    except AssertionError:
        return False


def look_at_pages(place: AzurePlace, pages: urllib.request.OpenerDirector, run_id: str) -> None:
    """Look at the run as its page does; without a session there is nothing to see."""
    run = f"{place.bot_url}/api/v1/runs/{run_id}"
    assert status_without_cookie(run) == 401
    detail = read(pages, run)
    assert detail["run"]["status"] == "succeeded"
    assert detail["run"]["links"][1][1].startswith("https://ml.azure.com/")
    curves = read(pages, f"{run}/metrics?keys=loss&buckets=50")
    losses = [value for value in curves["series"][0]["last"] if value is not None]
    assert len(losses) == 30
    assert losses[-1] < losses[0]
    assert read(pages, f"{run}/log?first=1&count=5")["total"] > 0


async def promoted(journey: Journey, run_id: str) -> None:
    """Promote the run's model, and talk to it; then let it go again."""
    await journey.say(f"promote {run_id} as {ENDPOINT} hours=2")
    plan = await journey.card("Promote", "an hour")
    title = "Start" if has(plan, "Start") else "Ask for approval"
    await journey.teams.press("alex", plan, title)
    if title != "Start":
        question = await journey.teams.until(
            lambda m: "promo-" in m.text and has(m, "Approve"), "the question"
        )
        await journey.teams.press("megan", question, "Approve")
    # The environment's own approval is given in Azure DevOps, never by the bot.
    await journey.card("promo-", "waits for an approval by", patience_s=120)
    (build,) = [b for b in await journey.call("devops.list_runs") if "promo" in b["buildNumber"]]
    await journey.call("devops.approve", run=build["id"], person="Megan Bowen")
    await journey.card("promo-", "Live", patience_s=240)
    said = await asyncio.to_thread(ask_endpoint, journey.place.twin, ENDPOINT)
    assert said.strip()
    await journey.say(f"undeploy {ENDPOINT}")
    await journey.card("promo-", "Undeployed", patience_s=120)
