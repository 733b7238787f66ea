"""Every point at which the outbox may be killed: each message is sent once or told as unknown."""

import pytest

from bot.domain.posts import TextPost
from tests.bot.teams.outbox_desk import SENDING, SENT, UNKNOWN


class Killed(BaseException):
    """The process is gone: nothing below catches it."""


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
