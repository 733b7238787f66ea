"""The tables: a value's JSON in `body`, and beside it the columns that are looked for."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from typing_extensions import override


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: kept in UTC everywhere, and given back with its zone also where SQL forgets it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        moment: datetime = value.replace(tzinfo=UTC)
        return moment


# SQLite counts by itself only in a column called INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("nonce", String(512), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("status", String(32), nullable=False, index=True),
    Column("requester_id", String(128), nullable=False),
    Column("recipe", String(128), nullable=False),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "created_at", "id"),
    Index(None, "requester_id", "created_at"),
)

# Append-only: triggers refuse to change or drop a row (see dialects.APPEND_ONLY).
events = Table(
    "events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("run_id", String(64), ForeignKey("runs.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "run_id", "seq"),
    sqlite_autoincrement=True,
)

# `run_id` may name a draft that nobody started yet, so it refers to no table.
messages = Table(
    "messages",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", String(512), nullable=False, unique=True),
    Column("run_id", String(64)),
    Column("thread_id", String(512), nullable=False),
    Column("activity_id", String(512)),
    Column("state", String(16), nullable=False),
    Column("is_dirty", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "run_id"),
    Index(None, "thread_id", "activity_id"),
    Index(None, "state", "is_dirty"),
    sqlite_autoincrement=True,
)

claims = Table(
    "claims",
    metadata,
    Column("key", String(512), primary_key=True),
    Column("at", UtcDateTime, nullable=False, index=True),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String(512), primary_key=True),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
)

# Whom the directory vouched for at their last sign-in, and until when that may be believed.
people = Table(
    "people",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("name", String(256), nullable=False),
    Column("role", String(32), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("status", String(32), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("is_paused", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("status", String(32), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
