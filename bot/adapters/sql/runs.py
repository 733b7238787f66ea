"""Statements about drafts, runs and events, each inside a transaction of its caller."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.sql.dialects import insert_new
from bot.adapters.sql.schema import drafts, events, messages, runs
from bot.adapters.sql.values import DRAFT, EVENT, RUN
from bot.domain.message import MessageState
from bot.domain.run import FINAL, Draft, Event, Run
from bot.errors import ConflictError, NotFoundError
from bot.ports import RunPage, RunQuery


async def add_draft(connection: AsyncConnection, draft: Draft) -> Draft:
    """Store a draft, or return the one of the same nonce."""
    row = {
        "id": draft.id,
        "nonce": draft.nonce,
        "created_at": draft.created_at,
        "body": DRAFT.encode(draft),
    }
    added = await connection.execute(insert_new(connection, drafts).values(row))
    if added.rowcount:
        return draft
    known = await connection.scalar(select(drafts.c.body).where(drafts.c.nonce == draft.nonce))
    if known is None:
        raise ConflictError(f"There is a draft {draft.id} already; ask once more.")
    return DRAFT.decode(known)


async def find_draft(connection: AsyncConnection, draft_id: str) -> Draft | None:
    """Return the draft."""
    body = await connection.scalar(select(drafts.c.body).where(drafts.c.id == draft_id))
    return None if body is None else DRAFT.decode(body)


async def add(connection: AsyncConnection, run: Run) -> bool:
    """Store a new run as its first version; return False where its id is known."""
    row = {"id": run.id, "created_at": run.created_at, "version": 1, **_columns(run)}
    added = await connection.execute(insert_new(connection, runs).values(row))
    return bool(added.rowcount)


async def save(connection: AsyncConnection, run: Run) -> Run:
    """Store a changed run if nobody else did since it was loaded."""
    saved = replace(run, version=run.version + 1)
    changed = await connection.execute(
        update(runs)
        .where(runs.c.id == run.id, runs.c.version == run.version)
        .values(version=saved.version, **_columns(saved))
    )
    if changed.rowcount:
        return saved
    await lock(connection, run.id)
    raise ConflictError(f"{run.id} was changed by somebody else meanwhile; look again.")


async def lock(connection: AsyncConnection, run_id: str) -> None:
    """Let nobody else write to the run until the end; `NotFoundError` if it is not there.

    Who appends events holds it. Else PostgreSQL could show number 7 before number 6, and who asks
    for what came after 7 would never see 6.
    """
    wanted = select(runs.c.id).where(runs.c.id == run_id).with_for_update(key_share=True)
    if await connection.scalar(wanted) is None:
        raise NotFoundError(f"There is no run {run_id}.")


async def find(connection: AsyncConnection, run_id: str) -> Run | None:
    """Return the run."""
    found = await _listed(connection, runs.c.id == run_id)
    return found[0] if found else None


async def page(connection: AsyncConnection, query: RunQuery) -> RunPage:
    """Return the newest runs that match."""
    wanted = _filter(query)
    total = await connection.scalar(select(func.count()).select_from(runs).where(wanted))
    rows = await connection.execute(
        select(runs.c.id, runs.c.version, runs.c.body)
        .where(wanted, _older_than(query.before))
        .order_by(runs.c.created_at.desc(), runs.c.id.desc())
        .limit(query.limit + 1)
    )
    found = [_run(row) for row in rows]
    shown = found[: query.limit]
    more = shown and len(found) > len(shown)
    return RunPage(tuple(shown), total or 0, (shown[-1].created_at, shown[-1].id) if more else None)


async def unfinished(connection: AsyncConnection) -> Sequence[Run]:
    """Return all runs in no final state, oldest first."""
    return await _listed(connection, runs.c.status.not_in(FINAL))


async def with_open_messages(connection: AsyncConnection) -> Sequence[str]:
    """Return the finished runs that somebody has not heard the last of."""
    undelivered = messages.c.state.in_([MessageState.PENDING, MessageState.SENDING])
    stale = and_(messages.c.state == MessageState.SENT, messages.c.is_dirty)
    rows = await connection.scalars(
        select(runs.c.id)
        .join(messages, messages.c.run_id == runs.c.id)
        .where(runs.c.status.in_(FINAL), or_(undelivered, stale))
        .distinct()
        .order_by(runs.c.id)
    )
    return rows.all()


async def add_event(connection: AsyncConnection, event: Event) -> Event:
    """Append an event to a run that is there; return it with its number."""
    await lock(connection, event.run_id)
    return await append(connection, event)


async def append(connection: AsyncConnection, event: Event) -> Event:
    """Append an event to a run that is locked; return it with its number."""
    row = {
        "run_id": event.run_id,
        "at": event.at,
        "kind": event.kind,
        "body": EVENT.encode(replace(event, seq=0)),
    }
    seq = await connection.scalar(insert(events).values(row).returning(events.c.seq))
    return replace(event, seq=seq or 0)


async def find_events(connection: AsyncConnection, run_id: str, after: int) -> Sequence[Event]:
    """Return the run's events above `after`, in order."""
    rows = await connection.execute(
        select(events.c.seq, events.c.body)
        .where(events.c.run_id == run_id, events.c.seq > after)
        .order_by(events.c.seq)
    )
    return [replace(EVENT.decode(row.body), seq=row.seq) for row in rows]


async def _listed(connection: AsyncConnection, wanted: ColumnElement[bool]) -> list[Run]:
    rows = await connection.execute(
        select(runs.c.id, runs.c.version, runs.c.body)
        .where(wanted)
        .order_by(runs.c.created_at, runs.c.id)
    )
    return [_run(row) for row in rows]


def _run(row: Row[Any, Any, Any]) -> Run:
    return replace(RUN.decode(row.body, row.id), version=row.version)


def _columns(run: Run) -> dict[str, Any]:
    return {
        "status": run.status.value,
        "requester_id": run.requester.id,
        "recipe": run.spec.recipe,
        "name": run.spec.name,
        "body": RUN.encode(run),
    }


def _filter(query: RunQuery) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [runs.c.id.is_not(None)]
    if query.statuses:
        parts.append(runs.c.status.in_(query.statuses))
    if query.requester_id is not None:
        parts.append(runs.c.requester_id == query.requester_id)
    if query.recipe is not None:
        parts.append(runs.c.recipe == query.recipe)
    if query.text:
        places = (runs.c.id, runs.c.name, runs.c.recipe)
        parts.append(or_(*(place.icontains(query.text, autoescape=True) for place in places)))
    return and_(*parts)


def _older_than(before: tuple[datetime, str] | None) -> ColumnElement[bool]:
    if before is None:
        return runs.c.id.is_not(None)
    at, run_id = before
    return or_(
        runs.c.created_at < at,
        and_(runs.c.created_at == at, runs.c.id < run_id),
    )
