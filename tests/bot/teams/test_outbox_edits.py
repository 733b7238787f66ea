"""The outbox's edits of what became old: the latest only, in place, none forgotten."""

import asyncio
from dataclasses import replace

from bot.domain.people import ThreadKind
from bot.domain.posts import TextPost
from bot.errors import DeliveryUnknownError, ThrottledError
from tests.bot.teams.listening_bot import THREAD
from tests.bot.teams.outbox_desk import DEAD, PENDING, SENT


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
