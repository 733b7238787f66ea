"""The outbox: each message once and in order, whatever the channel answers."""

from dataclasses import replace
from datetime import timedelta

from bot.errors import (
    DeliveryUnknownError,
    DiskFullError,
    InputError,
    ThreadGoneError,
    ThrottledError,
)
from tests.bot.teams.listening_bot import THREAD
from tests.bot.teams.outbox_desk import DEAD, PENDING, SENT, UNKNOWN


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
