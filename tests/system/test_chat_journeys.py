"""What a researcher does in the Agents Playground, clicked and typed in a real browser."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.system.journeys import PEOPLE, Chat, get, post_as

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.timeout(180)]

MEGAN = next(person for person in PEOPLE if person.name == "Megan Bowen")
GROUP = "19:krsp-group@thread.v2"
CONVERSATIONS = ["Personal Chat", "Thesis group", "Training"]


def start(chat: Chat, words: str, *, mention: bool) -> Locator:
    """Ask for a run named in `words`, press Start, and return its progress card."""
    name = re.search(r"name=(\S+)", words)
    assert name is not None
    chat.say(f"train tiny-sft {words}", mention=mention)
    chat.press(chat.card(f"Plan: {name[1]}"), "Start")
    expect(chat.card(f"Plan: {name[1]}")).to_contain_text("Started by Alex Wilber")
    return chat.card(re.compile(rf"^{name[1]}.*asked by Alex Wilber", re.DOTALL))


def test_a_wrong_number_comes_back_in_the_form_and_the_corrected_run_is_told_to_its_end(
    chat: Chat,
) -> None:
    chat.open("Training")
    chat.say("train")
    form = chat.card("New run")
    form.get_by_label("Name").fill("by-form")
    form.get_by_label("Steps").fill("-3")
    chat.press(form, "Show plan")

    again = chat.card("must be greater than 0")
    expect(again.get_by_label("Steps")).to_have_value("-3")
    expect(again.get_by_label("Name")).to_have_value("by-form")
    expect(chat.cards("New run")).to_have_count(1)
    again.get_by_label("Steps").fill("40")
    chat.press(again, "Show plan")

    plan = chat.card("Plan: by-form")
    expect(plan).to_contain_text("40 (recipe: ")
    expect(chat.cards("New run")).to_have_count(0)
    assert get(chat.place, "/api/v1/runs?q=by-form")["total"] == 0
    chat.press(plan, "Start")

    expect(plan).to_contain_text("Started by Alex Wilber")
    progress = chat.card("asked by Alex Wilber")
    steps = _steps_until_it_ends(progress)
    assert len(steps) >= 2, f"the card was not edited while the run went on: {steps}"
    assert steps == sorted(steps)
    alert = chat.card(re.compile("by-form.*Alex Wilber.*Goal reached", re.DOTALL))
    expect(alert).not_to_contain_text("asked by")
    expect(chat.cards(chat.run_of(progress))).to_have_count(2)  # the progress card and the alert


def _steps_until_it_ends(progress: Locator) -> list[int]:
    """Return each step that the card showed, in order, until the card says how the run ended."""
    shown: list[int] = []
    expect(progress).to_contain_text(re.compile(r"step \d+ of 40|Succeeded", re.IGNORECASE))
    while "Succeeded" not in (text := progress.inner_text()):
        step = re.search(r"step (\d+)", text, re.IGNORECASE)
        if step and int(step[1]) not in shown[-1:]:
            shown.append(int(step[1]))
        progress.page.wait_for_timeout(100)
    return shown


@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_every_question_about_a_run_is_answered_wherever_people_speak(
    chat: Chat, conversation: str
) -> None:
    mention = conversation != "Personal Chat"
    name = f"asked-{CONVERSATIONS.index(conversation)}"
    chat.open(conversation)
    chat.say("help", mention=mention)
    expect(chat.card("train [recipe]")).to_contain_text("cancel [run]")
    chat.say("whoami", mention=mention)
    expect(chat.card("Alex Wilber")).to_contain_text("researcher")

    progress = start(chat, f"name={name} steps=4", mention=mention)
    expect(progress).to_contain_text("Succeeded")
    run_id = chat.run_of(progress)
    alert = chat.card(re.compile(rf"^{name}.*Goal reached", re.DOTALL))
    expect(alert).to_contain_text("Alex Wilber")

    chat.say(f"status {name}", mention=mention)
    expect(chat.cards(run_id)).to_have_count(3)
    chat.say("runs mine", mention=mention)
    expect(chat.card("Your runs")).to_contain_text(name)
    chat.say(f"logs {run_id}", mention=mention)
    expect(chat.card("step 4 of 4: loss 2.000")).to_contain_text(name)
    chat.say("metrics last", mention=mention)
    expect(chat.card("tokens_per_s")).to_contain_text("3,413")
    chat.say("rerun last steps=6", mention=mention)
    expect(chat.card(re.compile(rf"Plan: {name}.*6 \(recipe: ", re.DOTALL))).to_be_visible()


def test_a_mistyped_word_is_answered_with_the_command_that_would_work(chat: Chat) -> None:
    chat.open("Personal Chat")
    chat.say("trian tiny-sft name=mistyped", mention=False)
    expect(chat.card("I do not know trian")).to_contain_text("train tiny-sft name=mistyped")


def test_a_run_is_cancelled_from_its_card_after_one_more_question(chat: Chat) -> None:
    chat.open("Personal Chat")
    progress = start(chat, "name=too-long steps=3000", mention=False)
    expect(progress).to_contain_text("of 3,000")
    chat.press(progress, "Cancel …")
    question = chat.card("Stop too-long for good?")
    chat.press(question, f"cancel {chat.run_of(progress)}")
    expect(progress).to_contain_text("Cancelled")
    alert = chat.card(re.compile("^too-long.*Alex Wilber", re.DOTALL))
    expect(alert).to_contain_text("Cancelled")
    chat.say("cancel last", mention=False)
    expect(chat.card("The run is over")).to_be_visible()


def test_an_expensive_run_starts_only_when_another_person_agrees(chat: Chat) -> None:
    chat.open("Thesis group")
    chat.say("train tiny-sft name=expensive steps=400000")
    plan = chat.card("Plan: expensive")
    expect(plan).to_contain_text("Needs another person's approval")
    chat.press(plan, "Ask for approval")
    question = chat.card("Approve expensive?")
    expect(question).to_contain_text("Who can decide: an approver or an admin. Not Alex Wilber.")

    with chat.page.expect_request("**/_conversation/v1/invoke") as clicked:
        chat.press(question, "Approve")
    expect(chat.page.get_by_text("somebody else decides").last).to_be_visible()
    run = get(chat.place, "/api/v1/runs?q=expensive")["runs"][0]
    assert run["status"] == "awaiting_approval"

    body = clicked.value.post_data_json
    invoke = {key: body[key] for key in ("name", "value", "replyToId")}
    post_as(chat.place, MEGAN, GROUP, {"type": "invoke", **invoke})
    expect(chat.card("Approval of expensive")).to_contain_text("Approved by Megan Bowen")
    progress = chat.card(re.compile("^expensive.*asked by Alex Wilber", re.DOTALL))
    expect(progress).to_contain_text("of 400,000")

    text = f"<at>KRSP</at> cancel {run['id']} seen enough"
    mention = {"type": "mention", "mentioned": {"id": "28:krsp"}, "text": "<at>KRSP</at>"}
    post_as(chat.place, MEGAN, GROUP, {"type": "message", "text": text, "entities": [mention]})
    expect(progress).to_contain_text("Cancelled")
    expect(chat.card(re.compile("^expensive.*Alex Wilber", re.DOTALL))).to_contain_text(
        "seen enough"
    )
