"""The main job with the real trainer: asked for in a channel, trained, told, read on its page."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from bot.demo import Place, serve_bot, serve_playground
from tests.system.journeys import PEOPLE, Chat, get

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(400),
]
TRAINED_MS = 240_000  # ten steps take seconds; loading torch on a busy machine takes a minute


@pytest.fixture
def trainer(
    tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], dict[str, Any]]
) -> Iterator[Place]:
    """Return a product of which nothing is left out: the real pipeline, the real trainer."""
    place = Place(home=tmp_path_factory.mktemp("real"), **ports())
    with serve_bot(place), serve_playground(place, PEOPLE):
        yield place


def test_a_sentence_in_a_channel_becomes_a_model_and_its_card_leads_to_the_runs_page(
    context: BrowserContext, trainer: Place
) -> None:
    page = context.new_page()
    page.goto(trainer.playground_url)
    chat = Chat(page, trainer)
    chat.open("Training")
    chat.say("train tiny-sft name=main-job steps=10")
    chat.press(chat.card("Plan: main-job"), "Start")
    progress = chat.card(re.compile("^main-job.*asked by Alex Wilber", re.DOTALL))
    run_id = chat.run_of(progress)
    for state in ("Preparing", "Training"):
        expect(progress).to_contain_text(state, timeout=TRAINED_MS)
    alert = chat.card(re.compile(r"^main-job(?!.*asked by).*Succeeded", re.DOTALL))
    expect(alert).to_contain_text("Alex Wilber", timeout=TRAINED_MS)
    expect(chat.cards(run_id)).to_have_count(2)
    expect(progress).to_contain_text("What the model writes")

    run = get(trainer, f"/api/v1/runs/{run_id}")["run"]
    assert run["result"]["eval_loss"] < run["result"]["first_eval_loss"]
    assert (
        (trainer.home / "jobs" / run_id / "output" / "model" / "model.safetensors").stat().st_size
    )
    with context.expect_page() as opened:
        progress.get_by_text("Open run").click()
    run_page = opened.value
    expect(run_page).to_have_url(f"{trainer.public_url}/runs/{run_id}")
    expect(run_page.get_by_text("Succeeded").first).to_be_visible()
    expect(run_page.get_by_role("img", name=re.compile("^Loss "))).to_be_visible()
    run_page.get_by_role("link", name="Logs", exact=True).click()
    expect(run_page.get_by_text(re.compile("step|loss", re.IGNORECASE)).first).to_be_visible()
    run_page.get_by_role("link", name="Metrics", exact=True).click()
    expect(run_page.locator("canvas").first).to_be_visible()
