"""All that differs between databases: URLs, engines, triggers, upserts, turns."""

from collections.abc import Mapping

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.sql.engines import Engines, Password
from bot.adapters.sql.postgresql import (
    MIGRATION_LOCK,
    POSTGRESQL,
    STATEMENT_S,
    postgresql_engines,
    postgresql_url,
    take_turn,
)
from bot.adapters.sql.sqlite import SQLITE, sqlite_engines, sqlite_url
from bot.errors import SetupError

# DDL by dialect: rows of `events` can be added, never changed or dropped.
APPEND_ONLY: Mapping[str, tuple[str, ...]] = {
    SQLITE: tuple(
        f"CREATE TRIGGER events_refuse_{verb.lower()} BEFORE {verb} ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    POSTGRESQL: (
        (
            "CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
        ),
        (
            "CREATE TRIGGER events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
            "FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()"
        ),
    ),
}
# What is left of them once the table is dropped.
APPEND_ONLY_REST: Mapping[str, tuple[str, ...]] = {
    SQLITE: (),
    POSTGRESQL: ("DROP FUNCTION events_refuse()",),
}

_EXAMPLES = "Write sqlite:////folder/krsp.db or postgresql://user@host:5432/database"


def parse_url(url: str) -> URL:
    """Return the database's URL, with the asynchronous driver. Raises `SetupError`."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not `from error`: what it quotes may be a part of the password.
        raise SetupError(f"KRSP_DATABASE_URL is no database URL. {_EXAMPLES}") from None
    backend = parsed.get_backend_name()
    if backend == SQLITE:
        return sqlite_url(parsed)
    if backend == POSTGRESQL:
        return postgresql_url(parsed)
    raise SetupError(
        f"KRSP_DATABASE_URL names {backend}, and the store can be in SQLite or PostgreSQL. "
        f"{_EXAMPLES}"
    )


def place_of(url: URL) -> str:
    """Return where the store is, without driver and password."""
    return url._replace(drivername=url.get_backend_name(), password=None).render_as_string()


def open_engines(
    url: URL, password: Password | None = None, statement_s: float = STATEMENT_S
) -> Engines:
    """Return engines for the store; nothing is opened yet.

    `password` is asked for each new connection where the URL has none. A statement that takes
    longer than `statement_s` is ended (PostgreSQL only).
    """
    if url.get_backend_name() == SQLITE:
        return sqlite_engines(url)
    return postgresql_engines(url, password, statement_s)


def insert_new(connection: AsyncConnection, table: Table) -> Insert:
    """Return an INSERT that leaves a row as it is when its key is known already."""
    if connection.dialect.name == SQLITE:
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


async def take_migration_turn(connection: AsyncConnection) -> None:
    """Wait until nobody else migrates; SQLite's writers are alone from their BEGIN on."""
    if connection.dialect.name == POSTGRESQL:
        await take_turn(connection, MIGRATION_LOCK)
