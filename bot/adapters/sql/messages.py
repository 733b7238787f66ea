"""Statements about messages, claims and threads, each inside a transaction of its caller."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.sql.dialects import insert_new
from bot.adapters.sql.schema import claims, messages, threads
from bot.adapters.sql.values import MESSAGE, THREAD
from bot.domain.delivery import delivered, reposted
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.errors import NotFoundError


async def add(connection: AsyncConnection, message: Message) -> bool:
    """Store a message unless its key is known."""
    row = {"key": message.key, **_columns(message)}
    added = await connection.execute(insert_new(connection, messages).values(row))
    return bool(added.rowcount)


async def put(connection: AsyncConnection, message: Message) -> None:
    """Store a new message; give a known one the newer post."""
    if not await add(connection, message):
        await put_post(connection, message.key, message.post)


async def put_post(connection: AsyncConnection, key: str, post: Post) -> None:
    """Give a stored message a newer post."""
    stored = await _locked(connection, key)
    await _replace(connection, stored, reposted(stored, post))


async def save(connection: AsyncConnection, message: Message) -> None:
    """Store how the delivery of a message stands."""
    stored = await _locked(connection, message.key)
    await _replace(connection, stored, delivered(stored, message))


async def find(connection: AsyncConnection, key: str) -> Message | None:
    """Return the message."""
    return await _first(connection, messages.c.key == key)


async def find_shown(
    connection: AsyncConnection, thread_id: str, activity_id: str
) -> Message | None:
    """Return the message that a thread knows under the channel's id."""
    here = messages.c.thread_id == thread_id
    return await _first(connection, here & (messages.c.activity_id == activity_id))


async def listed(
    connection: AsyncConnection,
    run_id: str | None,
    states: Collection[MessageState],
    limit: int,
) -> Sequence[Message]:
    """Return messages, oldest first."""
    wanted = select(messages.c.body).order_by(messages.c.created_at, messages.c.id).limit(limit)
    if run_id is not None:
        wanted = wanted.where(messages.c.run_id == run_id)
    if states:
        wanted = wanted.where(messages.c.state.in_(states))
    return await _all(connection, wanted)


async def dirty(connection: AsyncConnection, limit: int) -> Sequence[Message]:
    """Return sent messages that show something old, the longest unchanged first."""
    return await _all(
        connection,
        select(messages.c.body)
        .where(messages.c.state == MessageState.SENT, messages.c.is_dirty)
        .order_by(messages.c.changed_at, messages.c.id)
        .limit(limit),
    )


async def claim(connection: AsyncConnection, key: str, now: datetime) -> bool:
    """Note a key; return whether it is new."""
    added = await connection.execute(insert_new(connection, claims).values(key=key, at=now))
    return bool(added.rowcount)


async def has_claim(connection: AsyncConnection, key: str) -> bool:
    """Return whether a key was claimed."""
    return await connection.scalar(select(claims.c.key).where(claims.c.key == key)) is not None


async def forget_claims(connection: AsyncConnection, before: datetime) -> int:
    """Drop old claims; return how many."""
    return (await connection.execute(delete(claims).where(claims.c.at < before))).rowcount


async def put_thread(connection: AsyncConnection, thread: Thread, now: datetime) -> bool:
    """Remember or refresh a conversation; return whether it is new."""
    body = THREAD.encode(thread)
    row = {"id": thread.id, "first_seen_at": now, "last_seen_at": now, "body": body}
    added = await connection.execute(insert_new(connection, threads).values(row))
    if added.rowcount:
        return True
    known = update(threads).where(threads.c.id == thread.id)
    await connection.execute(known.values(last_seen_at=now, body=body))
    return False


async def find_thread(connection: AsyncConnection, thread_id: str) -> Thread | None:
    """Return the conversation."""
    body = await connection.scalar(select(threads.c.body).where(threads.c.id == thread_id))
    return None if body is None else THREAD.decode(body)


async def _locked(connection: AsyncConnection, key: str) -> Message:
    wanted = select(messages.c.body).where(messages.c.key == key).with_for_update()
    body = await connection.scalar(wanted)
    if body is None:
        raise NotFoundError(f"There is no message {key} to change.")
    return MESSAGE.decode(body)


async def _replace(connection: AsyncConnection, stored: Message, changed: Message) -> None:
    if changed != stored:
        known = update(messages).where(messages.c.key == stored.key)
        await connection.execute(known.values(_columns(changed)))


async def _first(connection: AsyncConnection, wanted: ColumnElement[bool]) -> Message | None:
    found = await _all(
        connection, select(messages.c.body).where(wanted).order_by(messages.c.id).limit(1)
    )
    return found[0] if found else None


async def _all(connection: AsyncConnection, wanted: Select[str]) -> Sequence[Message]:
    return [MESSAGE.decode(body) for body in await connection.scalars(wanted)]


def _columns(message: Message) -> dict[str, Any]:
    return {
        "run_id": message.run_id,
        "thread_id": message.thread.id,
        "activity_id": message.activity_id,
        "state": message.state.value,
        "is_dirty": message.is_dirty,
        "created_at": message.created_at,
        "changed_at": message.edited_at or message.sent_at or message.created_at,
        "body": MESSAGE.encode(message),
    }
