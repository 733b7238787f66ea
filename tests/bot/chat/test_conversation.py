"""What is answered to whom: typed commands, clicked cards, mistakes."""

import pytest

from bot.domain.posts import (
    HelpPost,
    LogsPost,
    MetricsPost,
    RunPost,
    RunsPost,
    TextPost,
    WhoamiPost,
)
from bot.domain.run import RunStatus
from tests.bot.conftest import World


async def test_hello_is_answered_with_what_can_be_typed(world):
    (post,) = await world.say("hello")
    assert isinstance(post, HelpPost)
    assert "train" in {c.usage.split()[0] for c in post.commands}
    assert post.greeting


async def test_help_on_one_command_shows_that_one(world):
    (post,) = await world.say("help cancel")
    assert [c.usage for c in post.commands] == ["cancel [run] [why]"]


async def test_whoami_says_role_and_rights_and_that_local_does_not_protect(world):
    (post,) = await world.say("whoami", "megan")
    assert isinstance(post, WhoamiPost)
    assert (post.name, post.role) == ("Megan Bowen", "approver")
    assert "does not protect" in post.notice


async def test_a_stranger_learns_the_id_to_be_added_and_can_start_nothing(world):
    (post,) = await world.say("whoami", "stranger")
    assert "Ask an admin to add your id stranger" in post.text
    (post,) = await world.say("train tiny-sft", "stranger")
    assert "I do not know you" in post.text
    assert world.store._drafts == {}


async def test_a_stranger_is_led_to_where_people_sign_in():
    world = World(sign_in_url="https://krsp.example/auth/sign-in")
    for sentence in ("whoami", "train tiny-sft"):
        (post,) = await world.say(sentence, "stranger")
        assert (post.tone, post.sign_in_url) == ("warning", world.sign_in_url)


@pytest.mark.parametrize(
    "action",
    [
        {"action": "fly"},
        {"action": 7},
        {"verb": "start"},
        {"action": "plan", "recipe": "tiny-sft", "lr": {"a": 1}},
        {"action": "plan", "recipe": "tiny-sft", "lr": "9" * 3000},
    ],
)
async def test_a_forged_click_gets_a_sentence(world, action):
    reply = await world.chat.handle(world.turn(action=action))
    assert "does not tell me what to do" in reply.notice
    assert world.store._drafts == {}


@pytest.mark.parametrize("verb", ["start", "change"])
async def test_a_click_on_a_forgotten_plan_says_so(world, verb):
    reply = await world.click(action=verb, draft="run-20260101-abcdef")
    assert "There is no plan" in reply.notice


@pytest.mark.parametrize("verb", ["status", "logs", "metrics", "cancel", "rerun"])
async def test_an_unknown_run_is_named(world, verb):
    (post,) = await world.say(f"{verb} run-20260101-abcdef")
    assert "There is no run `run-20260101-abcdef`" in post.text


@pytest.mark.parametrize("verb", ["status", "logs", "metrics", "cancel", "rerun"])
async def test_without_runs_a_command_says_how_to_begin(world, verb):
    (post,) = await world.say(verb)
    assert "You have no runs yet" in post.text


async def test_a_run_is_found_by_its_name_and_by_the_end_of_its_id(world):
    run = await world.start("train tiny-sft name=faq")
    for reference in ("faq", run.id[-6:], run.id):
        (post,) = await world.say(f"status {reference}")
        assert isinstance(post, RunPost)
        assert post.run.id == run.id


async def test_a_mistyped_name_gets_the_nearest(world):
    await world.start("train tiny-sft name=faq-long")
    (post,) = await world.say("status faq-lnog")
    assert "Did you mean `faq-long`?" in post.text


async def test_runs_lists_newest_first_and_can_be_filtered(world):
    first = await world.start("train tiny-sft name=one")
    world.clock.advance(60)
    second = await world.start("train tiny-sft name=two", who="megan")
    (post,) = await world.say("runs")
    assert isinstance(post, RunsPost)
    assert [r.id for r in post.runs] == [second.id, first.id]
    (post,) = await world.say("runs mine")
    assert [r.id for r in post.runs] == [first.id]
    (post,) = await world.say("runs failed")
    assert isinstance(post, TextPost)


async def test_logs_shows_the_last_lines(world):
    run = await world.start()
    (post,) = await world.say("logs")
    assert "has written no log yet" in post.text
    world.tracking.lines[run.id] = [f"line {n}" for n in range(1, 101)]
    (post,) = await world.say("logs last")
    assert isinstance(post, LogsPost)
    assert (post.first, post.total, post.lines[-1]) == (81, 100, "line 100")


async def test_metrics_shows_last_and_best(world):
    run = await world.start()
    world.tracking.points[run.id] = {"loss": [(1, 5.0), (2, 2.0), (3, 3.0)]}
    (post,) = await world.say("metrics")
    assert isinstance(post, MetricsPost)
    row = post.rows[0]
    assert (row.name, row.last, row.last_step, row.best, row.best_step) == ("loss", 3.0, 3, 2.0, 2)


async def test_approve_without_a_name_takes_the_only_one_that_waits(world):
    run = await world.start("train tiny-sft steps=800000")
    (post,) = await world.say("approve", "megan")
    assert "You agreed to `tiny-sft`" in post.text
    assert (await world.run(run.id)).wish.approval.decision.approved


async def test_approve_with_several_waiting_asks_which(world):
    for name in ("one", "two"):
        await world.start(f"train tiny-sft steps=800000 name={name}")
    (post,) = await world.say("approve", "megan")
    assert "(one)" in post.text
    assert "(two)" in post.text


async def test_reject_without_a_reason_is_asked_for_one(world):
    await world.start("train tiny-sft steps=800000")
    (post,) = await world.say("reject", "megan")
    assert "Say why" in post.text


async def test_a_conversation_is_welcomed_once(world):
    thread = world.turn().thread
    for _ in range(2):
        await world.chat.joined(thread)
    posts = [m.post for m in await world.store.messages()]
    assert len(posts) == 1
    assert "train" in posts[0].text


async def test_a_click_answered_again_after_a_crash_says_the_same(world):
    plan = await world.plan()
    turn = world.turn(action={"action": "start", "draft": plan.draft_id})
    first = await world.chat.handle(turn)
    world.restart()
    again = await world.chat.handle(turn)
    assert first.replace == again.replace


async def test_cancel_on_a_card_asks_once_more_and_then_stops(world):
    run = await world.to_status(RunStatus.TRAINING)
    turn = world.turn(action={"action": "ask_cancel", "run": run.id})
    await world.chat.handle(turn)
    question = await world.store.message(f"turn/{turn.key}/0")
    assert question.post.suggestions == (f"cancel {run.id}",)
    assert (await world.run(run.id)).wish.cancel is None
    await world.click(action="say", text=question.post.suggestions[0])
    assert (await world.run(run.id)).wish.cancel.by.name == "Alex Wilber"


async def test_a_stranger_is_not_even_asked_whether_to_cancel(world):
    run = await world.start(who="megan")
    reply = await world.click("alex", action="ask_cancel", run=run.id)
    assert "Megan Bowen asked for this run" in reply.notice


async def test_logs_of_a_run_without_a_job_are_what_the_pipeline_said(world):
    run = await world.start()
    world.pipelines.logs[run.id] = ["validate: data/x.jsonl:3: no `messages`."]
    (post,) = await world.say("logs")
    assert post.lines == ("validate: data/x.jsonl:3: no `messages`.",)
    hits = await world.service.search_log(run.id, "MESSAGES", 10)
    assert hits.numbers == (1,)
    whole = [piece async for piece in world.service.read_log(run.id)]
    assert b"".join(whole) == b"validate: data/x.jsonl:3: no `messages`.\n"


async def test_a_mistyped_word_comes_with_a_button_that_says_the_right_one(world):
    (post,) = await world.say("statsu last")
    assert post.suggestions == ("status last",)
    (post,) = await world.say("xyzzy")
    assert post.suggestions == ("help",)
