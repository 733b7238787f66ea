"""From a verified activity to the core, and from its reply to the thread."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.chat.turn import Reply
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread, ThreadKind
from bot.domain.posts import TextPost
from bot.errors import DiskFullError, ForbiddenError, ThreadGoneError

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"
START = {"action": "start", "draft": "run-1"}
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
PERSONAL = Thread("a:alex", "http://127.0.0.1:9/", ThreadKind.PERSONAL, "tenant-1", "28:bot")


@pytest.fixture
async def shown(bot):
    """Let the conversation show a card under the id `card-1`."""
    message = Message(
        "plan", PERSONAL, TextPost("plan"), MessageState.SENT, AT, activity_id="card-1", sent_at=AT
    )
    await bot.store.add_message(message)
    return message


async def test_a_message_reaches_the_core_with_person_thread_and_key(bot, activity):
    await bot.post(activity(text="train tiny-sft"))
    (turn,) = bot.ears.turns
    assert turn.text == "train tiny-sft"
    assert turn.actor.id == "id-alex"
    assert turn.thread == PERSONAL
    assert turn.key == "a:alex|1767378504354"


async def test_a_person_without_directory_account_is_told_politely_and_once(bot, activity):
    stranger = activity(**{"from": {"id": "29:x", "name": "X"}})
    for _ in range(2):
        status, _ = await bot.post(stranger)
        assert status == 200
    (said,) = await bot.said()
    assert "work account" in said.text
    assert bot.ears.turns == []


async def test_a_click_without_directory_account_is_forbidden_in_its_answer(bot, invoke):
    status, body = await bot.post(invoke(START, **{"from": {"id": "29:x"}}))
    assert status == 200
    assert (body["statusCode"], body["type"]) == (403, ERROR)
    assert bot.ears.turns == []


async def test_a_click_without_data_is_a_bad_request_in_its_answer(bot, invoke):
    status, body = await bot.post(invoke({}, value={"action": "no object"}))
    assert status == 200
    assert (body["statusCode"], body["value"]["code"]) == (400, "malformed")


async def test_the_new_form_of_a_clicked_card_is_answered_and_edited_for_everybody(
    bot, invoke, shown
):
    bot.ears.reply = Reply(replace=TextPost("started"))
    _, body = await bot.post(invoke(START, replyToId="card-1"))
    assert body["value"]["body"][0]["text"] == "started"
    (edit,) = await bot.store.dirty_messages()
    assert (edit.key, edit.post) == (shown.key, TextPost("started"))


async def test_a_submitted_card_is_edited_through_the_outbox(bot, activity, shown):
    bot.ears.reply = Reply(replace=TextPost("started"))
    status, _ = await bot.post(activity(text=None, value=START, replyToId="card-1"))
    assert status == 200
    (edit,) = await bot.store.dirty_messages()
    assert edit.post == TextPost("started")


@pytest.mark.parametrize("reply_to", [None, "a-card-that-nobody-knows"])
async def test_the_new_form_of_an_unknown_card_is_a_new_message(bot, activity, reply_to):
    bot.ears.reply = Reply(replace=TextPost("started"))
    await bot.post(activity(text=None, value=START, replyToId=reply_to))
    assert await bot.said() == [TextPost("started")]


async def test_a_card_posted_to_a_channel_is_found_when_clicked_in_its_thread(bot, invoke):
    channel = replace(PERSONAL, id="19:x@thread.tacv2", kind=ThreadKind.CHANNEL)
    message = Message("k", channel, TextPost("plan"), MessageState.SENT, AT, activity_id="17")
    await bot.store.add_message(message)
    bot.ears.reply = Reply(replace=TextPost("started"))
    where = {"id": "19:x@thread.tacv2;messageid=17", "conversationType": "channel"}
    await bot.post(invoke(START, conversation=where, replyToId="17"))
    assert [m.post for m in await bot.store.dirty_messages()] == [TextPost("started")]


async def test_a_card_that_keeps_its_form_is_not_edited(bot, invoke, shown):
    bot.ears.reply = Reply(replace=shown.post)
    await bot.post(invoke(START, replyToId="card-1"))
    assert await bot.store.dirty_messages() == []


async def test_a_notice_is_for_the_one_who_clicked(bot, invoke, shown):
    bot.ears.reply = Reply(notice="Only an approver may.")
    _, body = await bot.post(invoke(START, replyToId="card-1"))
    assert (body["type"], body["value"]) == (MESSAGE, "Only an approver may.")
    assert await bot.said() == [shown.post]


async def test_a_notice_after_a_submit_is_said_in_the_thread_once(bot, activity):
    bot.ears.reply = Reply(notice="Only an approver may.")
    for _ in range(2):
        await bot.post(activity(text=None, value=START))
    assert await bot.said() == [TextPost("Only an approver may.")]


async def test_a_click_that_changes_nothing_is_answered(bot, invoke):
    _, body = await bot.post(invoke(START))
    assert (body["statusCode"], body["type"]) == (200, MESSAGE)


async def test_the_playground_gets_its_card_back_and_the_notice_as_a_message(
    make_bot, around, invoke
):
    message = Message("k", PERSONAL, TextPost("plan"), MessageState.SENT, AT, activity_id="card-1")
    await around.store.add_message(message)
    async with make_bot(keeps_card=True) as bot:
        bot.ears.reply = Reply(notice="Only an approver may.")
        _, body = await bot.post(invoke(START, replyToId="card-1"))
        assert body["type"] == CARD
        assert body["value"]["body"][0]["text"] == "plan"
        assert TextPost("Only an approver may.") in await bot.said()


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (ForbiddenError("Ask Megan."), 403, "Ask Megan."),
        (DiskFullError("No space is left; delete something."), 507, "No space is left"),
        (RuntimeError("inner words"), 500, "went wrong"),
    ],
)
async def test_what_fails_in_a_click_is_a_sentence_in_its_answer(bot, invoke, error, status, word):
    bot.ears.error = error
    http, body = await bot.post(invoke(START))
    assert http == 200
    assert (body["statusCode"], body["type"]) == (status, ERROR)
    assert word in body["value"]["message"]
    assert "inner words" not in body["value"]["message"]


@pytest.mark.parametrize(
    ("error", "word"),
    [(DiskFullError("No space is left."), "No space"), (RuntimeError("inner words"), "went wrong")],
)
async def test_what_fails_in_a_message_is_said_although_nothing_can_be_stored(
    bot, activity, error, word
):
    bot.ears.error = error
    status, _ = await bot.post(activity())
    assert status == 200
    (post,) = bot.channel.posts("a:alex")
    assert word in post.text
    assert "inner words" not in post.text


async def test_a_refusal_that_cannot_be_said_breaks_nothing(bot, activity):
    bot.ears.error = DiskFullError("No space is left.")
    bot.channel.fail_next(ThreadGoneError("gone"))
    status, _ = await bot.post(activity())
    assert status == 200


async def test_a_bug_is_logged_by_place_and_the_person_gets_its_reference(bot, activity, caplog):
    bot.ears.error = RuntimeError("inner words")
    await bot.post(activity())
    (post,) = bot.channel.posts("a:alex")
    reference = post.text.rstrip(".").rpartition(" ")[2]
    (line,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert reference in line
    assert "RuntimeError" in line


async def test_being_added_and_removed_reaches_the_core(bot, activity):
    await bot.post(activity(type="installationUpdate", action="add"))
    await bot.post(activity(type="conversationUpdate", membersRemoved=[{"id": "28:bot"}]))
    assert bot.ears.arrivals == [("joined", PERSONAL), ("left", PERSONAL)]


async def test_other_peoples_coming_reaches_nobody(bot, activity):
    await bot.post(activity(type="conversationUpdate", membersAdded=[{"id": "29:ada"}]))
    assert bot.ears.arrivals == []


@pytest.fixture
async def playful(make_bot, around):
    """Return a bot for the Playground, in whose conversation the card `card-1` is shown."""
    message = Message("k", PERSONAL, TextPost("plan"), MessageState.SENT, AT, activity_id="card-1")
    await around.store.add_message(message)
    async with make_bot(keeps_card=True) as bot:
        yield bot


async def test_the_playground_keeps_its_card_when_a_click_fails(playful, invoke):
    playful.ears.error = DiskFullError("No space is left.")
    _, body = await playful.post(invoke(START, replyToId="card-1"))
    assert body["type"] == CARD
    assert body["value"]["body"][0]["text"] == "plan"
    (said,) = playful.channel.posts("a:alex")
    assert "No space" in said.text


async def test_the_playground_gets_a_message_for_a_card_that_nobody_knows(playful, invoke):
    playful.ears.reply = Reply(notice="It is gone.")
    _, body = await playful.post(invoke(START, replyToId="card-9"))
    assert (body["type"], body["value"]) == (MESSAGE, "It is gone.")


async def test_the_console_hears_a_notice_in_the_answer_also_in_the_local_profile(playful, invoke):
    playful.ears.reply = Reply(notice="Only an approver may.")
    _, body = await playful.post(invoke(START, channelId="console", replyToId="card-1"))
    assert (body["type"], body["value"]) == (MESSAGE, "Only an approver may.")
    assert await playful.said() == [TextPost("plan")]


async def test_news_that_fail_are_a_status_and_no_trace(bot, activity, caplog):
    async def fail(_thread):
        raise RuntimeError("inner words")

    bot.ears.joined = fail
    status, problem = await bot.post(activity(type="installationUpdate", action="add"))
    assert status == 500
    assert "went wrong" in problem["detail"]
    assert "inner words" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_news_are_asked_for_again_while_the_store_is_full(bot, activity):
    async def fail(_thread):
        raise DiskFullError("No space is left.")

    bot.ears.joined = fail
    status, _ = await bot.post(activity(type="installationUpdate", action="add"))
    assert status == 507
