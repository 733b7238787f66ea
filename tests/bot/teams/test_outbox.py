"""The outbox: each message once and in order, edits of what became old, and every kill point."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from typing_extensions import override

from bot.adapters.bell import LocalBell
from bot.adapters.memory import MemoryChannel
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread, ThreadKind
from bot.domain.posts import TextPost
from bot.errors import (
    DeliveryUnknownError,
    DiskFullError,
    InputError,
    ThreadGoneError,
    ThrottledError,
)
from bot.teams.outbox import Outbox
from bot.teams.surroundings import OUTBOX, Surroundings

THREAD = Thread("a:alex", "http://127.0.0.1:9/", ThreadKind.PERSONAL, "tenant-1", "28:bot")
PENDING, SENDING, SENT = MessageState.PENDING, MessageState.SENDING, MessageState.SENT
UNKNOWN, DEAD = MessageState.UNKNOWN, MessageState.DEAD


class Killed(BaseException):
    """The process is gone: nothing below catches it."""


class Post(MemoryChannel):
    """A channel on which a test may interfere before or after a message is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None
        self.addresses: list[str] = []

    @override
    async def send(self, thread, post):
        self.addresses.append(thread.service_url)
        self.before()
        await asyncio.sleep(0)
        name = await super().send(thread, post)
        self.after()
        return name

    @override
    async def edit(self, thread, activity_id, post):
        self.before()
        await asyncio.sleep(0)
        await super().edit(thread, activity_id, post)
        after = self.after()
        if asyncio.iscoroutine(after):
            await after


class Desk:
    """An outbox over memory, and what a test asks of it."""

    def __init__(self, world, draw) -> None:
        self.store, self.clock = world.store, world.clock
        self.channel, self.bell = Post(), LocalBell(0)
        self.around = Surroundings(self.store, self.channel, self.clock, self.bell, draw)
        self.restart()

    def restart(self) -> None:
        """Begin again as a new process does, with what is stored."""
        self.outbox = Outbox(self.around, pause_s=0.02, jitter=lambda: 1.0)

    async def add(self, key, text=None, **changes) -> None:
        """Store a message to be sent."""
        self.clock.advance(0.001)
        post = TextPost(text or key)
        message = Message(key, THREAD, post, PENDING, self.clock.now())
        await self.store.add_message(replace(message, **changes))

    async def state(self, key):
        return (await self.store.message(key)).state

    def said(self):
        return [shown.post.text for shown in self.channel.sent]

    def shows(self):
        return [shown.post.text for shown in self.channel.shown.values()]


@pytest.fixture
def desk(world, around):
    return Desk(world, around.draw)


@pytest.fixture
async def run_id(world):
    return (await world.start()).id


@pytest.fixture
async def quiet_run(desk, run_id):
    """Return a run whose own first messages are out of the way."""
    await desk.outbox.deliver()
    desk.channel.sent.clear()
    return run_id


async def test_a_message_is_sent_once_and_its_id_is_kept(desk):
    await desk.add("a")
    await desk.outbox.deliver()
    await desk.outbox.deliver()
    assert desk.said() == ["a"]
    stored = await desk.store.message("a")
    assert (stored.state, stored.activity_id) == (SENT, "activity-1")
    assert stored.sent_at == desk.clock.now()


async def test_a_thread_hears_its_messages_in_order(desk):
    for key in "abc":
        await desk.add(key)
    await desk.outbox.deliver()
    assert desk.said() == ["a", "b", "c"]


async def test_a_throttled_message_waits_as_asked_and_keeps_its_place(desk):
    for key in "ab":
        await desk.add(key)
    desk.channel.fail_next(ThrottledError("slow", 20))
    await desk.outbox.deliver()
    assert desk.said() == []
    assert await desk.state("a") is PENDING
    desk.clock.advance(19)
    await desk.outbox.deliver()
    assert desk.said() == []
    desk.clock.advance(1)
    await desk.outbox.deliver()
    assert desk.said() == ["a", "b"]


async def test_threads_do_not_wait_for_each_other(desk):
    await desk.add("a")
    await desk.add("b", thread=replace(THREAD, id="a:megan"))
    desk.channel.fail_next(ThrottledError("slow", 20))
    await desk.outbox.deliver()
    assert desk.said() == ["b"]


async def test_many_refusals_in_a_row_lengthen_the_wait_to_five_minutes_at_most(desk):
    await desk.add("a")
    waits = []
    for _ in range(12):
        desk.channel.fail_next(ThrottledError("slow", 0))
        await desk.outbox.deliver()
        until = (await desk.store.message("a")).not_before
        waits.append((until - desk.clock.now()).total_seconds())
        desk.clock.advance(waits[-1])
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == 300


async def test_a_message_for_later_waits_for_its_time(desk):
    await desk.add("a", not_before=desk.clock.now() + timedelta(seconds=60))
    await desk.outbox.deliver()
    assert desk.said() == []
    desk.clock.advance(60)
    await desk.outbox.deliver()
    assert desk.said() == ["a"]


async def test_an_unknown_delivery_is_noted_in_the_run_and_never_repeated(desk, quiet_run):
    await desk.add("a", run_id=quiet_run)
    desk.channel.lose_next(DeliveryUnknownError("no answer"))
    for _ in range(3):
        await desk.outbox.deliver()
        desk.clock.advance(1000)
    assert desk.said() == ["a"]
    assert await desk.state("a") is UNKNOWN
    (event,) = [e for e in await desk.store.events(quiet_run) if e.kind == "delivery_unknown"]
    assert "not sent again" in event.text
    assert event.actor is None


async def test_a_dead_conversation_is_noted_in_the_run_and_left_alone(desk, quiet_run):
    await desk.add("a", run_id=quiet_run)
    desk.channel.fail_next(ThreadGoneError("BotDisabledByAdmin"))
    for _ in range(2):
        await desk.outbox.deliver()
    assert desk.said() == []
    assert await desk.state("a") is DEAD
    kinds = [event.kind for event in await desk.store.events(quiet_run)]
    assert kinds.count("thread_gone") == 1


async def test_a_message_that_is_too_big_does_not_hold_up_the_next(desk, quiet_run):
    await desk.add("a", run_id=quiet_run)
    await desk.add("b", run_id=quiet_run)
    desk.channel.fail_next(InputError("too long"))
    await desk.outbox.deliver()
    assert await desk.state("a") is DEAD
    assert "b" in desk.said()


async def test_a_bug_while_sending_counts_as_unknown_and_tells_no_secrets(desk, quiet_run, caplog):
    def fail():
        desk.channel.before = lambda: None
        raise RuntimeError("secret words")

    await desk.add("a", run_id=quiet_run)
    await desk.add("b")
    desk.channel.before = fail
    await desk.outbox.deliver()
    assert await desk.state("a") is UNKNOWN
    assert "b" in desk.said()
    assert "secret" not in (await desk.store.message("a")).fault
    assert "secret" not in caplog.text


async def test_a_newer_post_is_edited_in_place(desk):
    await desk.add("a", "one")
    await desk.outbox.deliver()
    await desk.store.put_post("a", TextPost("two"))
    await desk.outbox.deliver()
    assert desk.shows() == ["two"]
    assert await desk.store.dirty_messages() == []
    assert len(desk.channel.sent) == 1


async def test_only_the_latest_of_several_posts_is_shown(desk):
    await desk.add("a", "one")
    await desk.outbox.deliver()
    for text in ("two", "three"):
        await desk.store.put_post("a", TextPost(text))
    await desk.outbox.deliver()
    assert [shown.post.text for shown in desk.channel.edited] == ["three"]


async def test_a_post_that_became_newer_before_it_was_sent_is_sent_as_it_is(desk):
    await desk.add("a", "one")
    await desk.store.put_post("a", TextPost("two"))
    await desk.outbox.deliver()
    assert desk.said() == ["two"]
    assert desk.channel.edited == []


async def test_a_post_that_became_newer_while_it_was_sent_is_edited_next(desk):
    await desk.add("a", "one")
    newer = desk.store.put_post("a", TextPost("two"))
    tasks = []
    desk.channel.after = lambda: tasks.append(asyncio.ensure_future(newer))
    await desk.outbox.deliver()
    await asyncio.gather(*tasks)
    desk.channel.after = lambda: None
    await desk.outbox.deliver()
    assert desk.shows() == ["two"]


async def test_a_post_that_became_newer_during_an_edit_is_edited_next(desk):
    await desk.add("a", "one")
    await desk.outbox.deliver()
    await desk.store.put_post("a", TextPost("two"))
    desk.channel.after = lambda: desk.store.put_post("a", TextPost("three"))
    await desk.outbox.deliver()
    desk.channel.after = lambda: None
    assert desk.shows() == ["two"]
    await desk.outbox.deliver()
    assert desk.shows() == ["three"]
    assert await desk.store.dirty_messages() == []


async def test_a_throttled_edit_is_tried_again_and_holds_up_no_message(desk):
    await desk.add("a", "one")
    await desk.outbox.deliver()
    await desk.store.put_post("a", TextPost("two"))
    await desk.add("b")
    desk.channel.fail_next(ThrottledError("slow", 10))
    await desk.outbox.deliver()
    assert desk.shows() == ["one", "b"]
    await desk.outbox.deliver()
    assert desk.shows() == ["one", "b"]
    desk.clock.advance(10)
    await desk.outbox.deliver()
    assert desk.shows() == ["two", "b"]


async def test_an_edit_that_the_channel_refuses_for_good_is_given_up(desk):
    await desk.add("a", "one")
    await desk.outbox.deliver()
    await desk.store.put_post("a", TextPost("two"))
    desk.channel.fail_next(DeliveryUnknownError("404: somebody deleted it"))
    await desk.outbox.deliver()
    assert await desk.store.dirty_messages() == []
    assert await desk.state("a") is SENT


async def test_a_conversation_that_moved_is_reached_at_its_new_address_at_once(desk):
    await desk.store.put_thread(THREAD, desk.clock.now())
    await desk.add("a")
    desk.channel.fail_next(ThrottledError("nobody listens", 300))
    await desk.outbox.deliver()
    moved = replace(THREAD, service_url="http://127.0.0.1:10/")
    await desk.store.put_thread(moved, desk.clock.now())
    await desk.outbox.deliver()
    assert desk.said() == ["a"]
    assert desk.channel.addresses[-1] == moved.service_url


async def test_a_restarted_bot_does_not_sit_out_old_waits(desk):
    await desk.add("a")
    desk.channel.fail_next(ThrottledError("nobody listens", 300))
    await desk.outbox.deliver()
    desk.restart()
    await desk.outbox.recover()
    await desk.outbox.deliver()
    assert desk.said() == ["a"]


async def test_a_console_that_was_closed_a_day_ago_is_given_up(desk):
    console = replace(THREAD, id="console:id-alex", kind=ThreadKind.CONSOLE)
    await desk.add("a", thread=console)
    await desk.outbox.deliver()
    await desk.store.put_post("a", TextPost("two"))
    await desk.add("b", thread=console)
    nobody = ThrottledError("nobody listens", 5)
    desk.channel.fail_next(nobody, nobody)
    await desk.outbox.deliver()
    assert len(await desk.store.dirty_messages()) == 1
    assert await desk.state("b") is PENDING
    desk.clock.advance(24 * 3600)
    desk.channel.fail_next(nobody, nobody)
    await desk.outbox.deliver()
    assert await desk.store.dirty_messages() == []
    assert await desk.state("b") is DEAD


async def test_a_store_that_is_full_before_the_send_leaves_the_message_for_later(desk):
    await desk.add("a")
    desk.store.fail_next(DiskFullError("full"))
    await desk.outbox.deliver()
    assert desk.said() == []
    await desk.outbox.deliver()
    assert desk.said() == ["a"]


async def test_a_store_that_is_full_after_the_send_does_not_make_us_forget_it(desk):
    await desk.add("a")
    desk.channel.after = lambda: desk.store.fail_next(DiskFullError("full"), DiskFullError("full"))
    await desk.outbox.deliver()
    assert await desk.state("a") is SENT
    assert desk.clock.slept == [1.0, 1.0]


def dies():
    raise Killed


async def deliver_until_killed(desk):
    with pytest.raises(Killed):
        await desk.outbox.deliver()
    desk.channel.before = desk.channel.after = lambda: None
    desk.restart()
    await desk.outbox.recover()
    await desk.outbox.deliver()
    await desk.outbox.deliver()


async def kill_at_write(desk, number):
    """Let the process die just before its `number`th write to the store."""
    save = desk.store.save_message
    left = number

    async def dying(message):
        nonlocal left
        left -= 1
        if left == 0:
            desk.store.save_message = save
            raise Killed
        await save(message)

    desk.store.save_message = dying
    await deliver_until_killed(desk)


async def test_killed_before_sending_is_committed_it_is_sent_after_the_restart(desk):
    await desk.add("a")
    await kill_at_write(desk, 1)
    assert desk.said() == ["a"]
    assert await desk.state("a") is SENT


async def test_killed_between_commit_and_post_it_is_unknown_and_not_sent(desk, quiet_run):
    await desk.add("a", run_id=quiet_run)
    desk.channel.before = dies
    await deliver_until_killed(desk)
    assert "a" not in desk.said()
    assert await desk.state("a") is UNKNOWN


async def test_killed_between_post_and_commit_it_is_unknown_and_not_sent_again(desk, quiet_run):
    await desk.add("a", run_id=quiet_run)
    await kill_at_write(desk, 2)
    assert desk.said().count("a") == 1
    assert await desk.state("a") is UNKNOWN
    kinds = [event.kind for event in await desk.store.events(quiet_run)]
    assert kinds.count("delivery_unknown") == 1


async def test_killed_between_two_messages_the_second_is_sent_after_the_restart(desk):
    await desk.add("a")
    await desk.add("b")
    await kill_at_write(desk, 3)
    assert desk.said() == ["a", "b"]


async def test_killed_after_an_edit_was_taken_it_is_edited_again_to_the_same(desk):
    await desk.add("a", "one")
    await desk.outbox.deliver()
    await desk.store.put_post("a", TextPost("two"))
    await kill_at_write(desk, 1)
    assert desk.shows() == ["two"]
    assert len(desk.channel.sent) == 1
    assert await desk.store.dirty_messages() == []


async def test_killed_while_recovering_the_audit_trail_says_it_once(desk, quiet_run):
    await desk.add("a", run_id=quiet_run, state=SENDING)
    save = desk.store.save_message

    async def dying(_message):
        desk.store.save_message = save
        raise Killed

    desk.store.save_message = dying
    with pytest.raises(Killed):
        await desk.outbox.recover()
    desk.restart()
    await desk.outbox.recover()
    assert await desk.state("a") is UNKNOWN
    kinds = [event.kind for event in await desk.store.events(quiet_run)]
    assert kinds.count("delivery_unknown") == 1


async def running(desk, until):
    """Run the outbox until `until` is true; fail after five seconds."""
    task = asyncio.create_task(desk.outbox.run())
    try:
        async with asyncio.timeout(5):
            while not until():  # noqa: ASYNC110 - nobody announces the condition
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_bell_wakes_the_outbox(desk):
    desk.outbox = Outbox(desk.around, pause_s=1000)
    task = asyncio.create_task(running(desk, lambda: desk.said() == ["a"]))
    while not desk.bell._listeners:  # noqa: ASYNC110 - the first look is over when it listens
        await asyncio.sleep(0)
    await desk.add("a")
    desk.bell.ring(OUTBOX)
    await task
    assert desk.said() == ["a"]


async def test_the_outbox_looks_by_itself_when_a_ring_was_lost(desk):
    task = asyncio.create_task(running(desk, lambda: desk.said() == ["a"]))
    while not desk.bell._listeners:  # noqa: ASYNC110 - the first look is over when it listens
        await asyncio.sleep(0)
    await desk.add("a")
    await task
    assert desk.said() == ["a"]


async def test_a_stopped_outbox_finishes_the_post_that_is_under_way(desk):
    entered, leave = asyncio.Event(), asyncio.Event()
    send = desk.channel.send

    async def slow(thread, post):
        entered.set()
        await leave.wait()
        return await send(thread, post)

    desk.channel.send = slow
    await desk.add("a")
    await desk.add("b")
    task = asyncio.create_task(desk.outbox.run())
    await entered.wait()
    task.cancel()
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(task, return_exceptions=True)
    assert await desk.state("a") is SENT
    assert await desk.state("b") is PENDING


async def test_a_store_that_fails_for_a_while_does_not_end_the_outbox(desk):
    await desk.add("a", state=SENDING)
    await desk.add("b")
    desk.store.fail_next(DiskFullError("full"))
    await running(desk, lambda: desk.said() == ["b"])
    assert await desk.state("a") is UNKNOWN
