"""Runs that come by the clock or by a commit: once a slot, through the policy, heard of."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.people import Role
from bot.domain.posts import QueuePost, SchedulesPost, TextPost
from bot.domain.run import RunStatus, Source
from bot.domain.schedule import Schedule, due_slot, read_cron
from bot.errors import ConflictError, ForbiddenError, InputError, UnavailableError
from bot.service.machines import Order
from tests.bot.conftest import ALEX, CHANNEL, POLICY, PRIVATE, World

ADD = "schedule add nightly 0 2 * * * tiny-sft steps=50"
UNATTENDED = POLICY.model_copy(update={"start_unattended_below": 5.0})


@pytest.fixture
def world() -> World:
    return World(UNATTENDED)


def order(**changes) -> Order:
    plain = {
        "key": "commit/abc/runs/faq.yaml",
        "source": Source.COMMIT,
        "owner_id": ALEX.id,
        "recipe": "tiny-sft",
        "changes": {"steps": 50},
        "words": "Commit abc changed runs/faq.yaml.",
    }
    return Order(**{**plain, **changes})


async def keep(world: World, until: datetime) -> None:
    world.clock.advance((until - world.clock.now()).total_seconds())
    await world.service.schedules.keep()


def next_night(world: World) -> datetime:
    now = world.clock.now()
    return now.replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=1)


async def runs_of(world: World):
    return await world.store.unfinished()


async def test_a_schedule_starts_one_run_a_slot(world):
    await world.say(ADD)
    night = next_night(world)
    await keep(world, night + timedelta(minutes=1))
    await keep(world, night + timedelta(minutes=2))
    (run,) = await runs_of(world)
    assert run.requester == ALEX
    assert run.threads == (CHANNEL,)
    await keep(world, night + timedelta(days=1, minutes=1))
    assert len(await runs_of(world)) == 2


async def test_a_crash_between_run_and_note_starts_no_second_run(world):
    await world.say(ADD)
    (schedule,) = await world.store.schedules.schedules()
    await keep(world, next_night(world) + timedelta(minutes=1))
    kept = await world.store.schedules.schedule(schedule.name)
    forgotten = Schedule(**{**vars(schedule), "version": kept.version})
    await world.store.schedules.put_schedule(forgotten)  # as if the note was never stored
    world.restart()
    await world.service.schedules.keep()
    assert len(await runs_of(world)) == 1


async def test_slots_that_passed_while_the_bot_was_down_make_one_run(world):
    await world.say("schedule add often hourly tiny-sft steps=50")
    await keep(world, world.clock.now() + timedelta(hours=5))
    assert len(await runs_of(world)) == 1


async def test_a_slot_of_long_ago_is_passed_over(world):
    await world.say(ADD)
    await keep(world, next_night(world) + timedelta(hours=10))
    assert await runs_of(world) == []


async def test_a_paused_schedule_starts_nothing_and_makes_up_for_nothing(world):
    await world.say(ADD)
    await world.say("schedule pause nightly")
    night = next_night(world) + timedelta(minutes=1)
    await keep(world, night)
    await world.say("schedule resume nightly")
    await world.service.schedules.keep()
    assert await runs_of(world) == []


async def test_a_removed_schedule_is_gone(world):
    await world.say(ADD)
    await world.say("schedule remove nightly")
    await keep(world, next_night(world) + timedelta(minutes=1))
    assert await runs_of(world) == []


async def test_schedules_are_listed_with_their_next_slot(world):
    (said,) = await world.say("schedule")
    assert isinstance(said, TextPost)
    await world.say(ADD)
    (listed,) = await world.say("schedule")
    assert isinstance(listed, SchedulesPost)
    (row,) = listed.rows
    assert (row.name, row.owner, row.next_at) == ("nightly", "Alex Wilber", next_night(world))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schedule add nightly * * * * * tiny-sft", "more often than once an hour"),
        ("schedule add nightly 61 2 * * * tiny-sft", "no time that comes again"),
        ("schedule add nightly 0 2 * *", "Name time and recipe"),
        ("schedule add nightly weekdays", "Name time and recipe"),
        ("schedule add nightly weekdays tiny-sfx", "tiny-sft"),
        ("schedule add nightly weekdays tiny-sft lrr=3", "lrr"),
        ("schedule add NIGHT! weekdays tiny-sft", "cannot name a schedule"),
        ("schedule pause nothing", "There is no schedule"),
        ("schedule shift nightly", "I do not know `schedule shift`"),
        ("schedule pause", "schedule pause nightly"),
    ],
)
async def test_what_cannot_be_scheduled_says_why(world, text, says):
    (said,) = await world.say(text)
    assert isinstance(said, TextPost)
    assert says in said.text
    assert await world.store.schedules.schedules() == []


async def test_two_schedules_cannot_share_a_name(world):
    await world.say(ADD)
    (said,) = await world.say(ADD)
    assert "already" in said.text


async def test_somebody_elses_schedule_is_left_alone(world):
    await world.say(ADD, "nestor")
    (said,) = await world.say("schedule remove nightly")
    assert "Nestor Wilke's" in said.text
    (said,) = await world.say("schedule pause nightly", "megan")
    assert "paused" in said.text


async def test_a_slot_that_cannot_start_is_told_once_in_its_thread(world):
    world.files["data/faq.jsonl"] = await _file()
    await world.say("schedule add nightly nightly tiny-sft data=data/faq.jsonl steps=50")
    del world.files["data/faq.jsonl"]
    night = next_night(world) + timedelta(minutes=1)
    for minutes in range(3):
        await keep(world, night + timedelta(minutes=minutes))
    told = [m for m in await world.store.messages() if m.key.startswith("schedule/nightly")]
    assert len(told) == 1
    assert "data/faq.jsonl" in told[0].post.text


async def _file():
    from bot.service import DataFile  # noqa: PLC0415

    return DataFile("data/faq.jsonl", 4000, "0" * 64)


async def test_a_slot_waits_while_the_store_is_silent(world):
    await world.say(ADD)
    night = next_night(world) + timedelta(minutes=1)
    world.store.fail_next(UnavailableError("The store does not answer."))
    with pytest.raises(UnavailableError):
        await keep(world, night)
    await world.service.schedules.keep()
    assert len(await runs_of(world)) == 1


async def test_an_order_delivered_twice_starts_one_run(world):
    first, is_new = await world.service.machines.request(order())
    again, is_new_again = await world.service.machines.request(order())
    assert (first.id, is_new, is_new_again) == (again.id, True, False)
    assert (await world.store.events(first.id))[0].text == "Commit abc changed runs/faq.yaml."


async def test_a_key_cannot_be_used_for_another_run(world):
    await world.service.machines.request(order())
    with pytest.raises(ConflictError, match="used for another request"):
        await world.service.machines.request(order(changes={"steps": 51}))


async def test_spaces_around_a_setting_do_not_make_an_order_another(world):
    spaced = order(changes={"steps": 50, "name": " faq "})
    run, is_new = await world.service.machines.request(spaced)
    assert (run.spec.name, is_new) == ("faq", True)


async def test_an_order_above_the_limit_of_the_unattended_waits_for_a_person():
    world = World(POLICY)  # its limit for runs that nobody asks for in person is 0
    run, _ = await world.service.machines.request(order())
    assert run.status is RunStatus.AWAITING_APPROVAL
    await world.sweep()
    assert world.pipelines.requests == {}
    await world.say(f"approve {run.id}", "megan")
    await world.sweep()
    assert list(world.pipelines.requests) == [run.id]


async def test_an_owner_does_not_approve_what_was_asked_in_their_name():
    world = World(POLICY)
    run, _ = await world.service.machines.request(order(owner_id="id-megan"))
    await world.say(f"approve {run.id}", "megan")
    assert (await world.run(run.id)).status is RunStatus.AWAITING_APPROVAL


async def test_an_order_is_told_where_its_owner_last_asked(world):
    await world.start("train tiny-sft")
    other = await world.plan("train tiny-sft")
    await world.click(action="start", draft=other.draft_id, thread=PRIVATE)
    run, _ = await world.service.machines.request(order())
    assert run.threads == (CHANNEL,)


async def test_an_unknown_owner_is_refused(world):
    with pytest.raises(ForbiddenError, match="Nobody here is known"):
        await world.service.machines.request(order(owner_id="id-nobody"))


async def test_the_queue_shows_machines_and_what_waits(world):
    run = await world.start()
    await world.sweep()
    (shown,) = await world.say("queue")
    assert isinstance(shown, QueuePost)
    assert [cluster.sku for cluster in shown.clusters] == ["local-cpu"]
    assert [each.id for each in shown.waiting] == [run.id]


@pytest.mark.parametrize("text", ["0 2 * * 1-5", "nightly", "30 4 1 */3 *"])
def test_a_time_is_understood(text):
    assert len(read_cron(text).split()) == 5


@pytest.mark.parametrize("text", ["", "now", "* * * * *", "*/10 * * * *", "0 0 31 2 *"])
def test_a_time_that_never_or_always_comes_is_refused(text):
    with pytest.raises(InputError):
        read_cron(text)


def test_the_newest_due_slot_is_the_one_that_counts():
    made = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
    schedule = Schedule("n", ALEX, None, "tiny-sft", "0 * * * *", made, made)
    assert due_slot(schedule, made + timedelta(minutes=29)) is None
    assert due_slot(schedule, made + timedelta(hours=3)) == made.replace(hour=4, minute=0)
    assert schedule.owner.role is Role.RESEARCHER
