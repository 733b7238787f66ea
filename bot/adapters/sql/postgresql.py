"""PostgreSQL: which URLs are taken, how connections are made, and whether it can be written to."""

from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.adapters.sql.engines import Engines, Password
from bot.errors import SetupError, UnavailableError

POSTGRESQL = "postgresql"
DRIVERS: Final = frozenset({"postgresql", "postgresql+asyncpg"})
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
PGBOUNCER_PORT = 6432  # of Azure's built-in one
# Postgres' own words; each of the last three is answered with a certificate that is verified.
PLAIN_MODES: Final = frozenset({"disable", "allow", "prefer"})
TLS_MODES: Final = frozenset({"require", "verify-ca", "verify-full"})

# With bell and leader a replica holds 10; three of them, while two are replaced, fit Azure's
# smallest server: B1ms has 35 (learn.microsoft.com/azure/postgresql, concepts-limits).
CONNECTIONS = 8
CONNECT_S = 10.0
POOL_WAIT_S = 10.0
RECYCLE_S = 1800  # so that a fail-over or a changed role is noticed by all within half an hour
STATEMENT_S = 15.0

# Our locks: (application, use). They are per database, so installations do not meet.
_APPLICATION = 0x6B72_7370  # "krsp"
MIGRATION_LOCK: Final = (_APPLICATION, 1)
LEADER_LOCK: Final = (_APPLICATION, 2)


def postgresql_url(parsed: URL) -> URL:
    """Return the URL with our driver. Raises `SetupError` for one that cannot be used."""
    _refuse(parsed.drivername not in DRIVERS, f"names the driver {parsed.drivername}")
    _refuse(not _host(parsed), "names no host")
    _refuse(not parsed.username, "names no user")
    _refuse(not parsed.database, "names no database")
    unknown = ", ".join(sorted(set(parsed.query) - {"host", "sslmode"}))
    _refuse(bool(unknown), f"has the option {unknown}, and only host and sslmode are known")
    if parsed.port == PGBOUNCER_PORT:
        raise SetupError(
            f"KRSP_DATABASE_URL names port {PGBOUNCER_PORT}, which is PgBouncer. It hands each "
            "transaction another connection, so LISTEN and the leader's lock would be lost. Name "
            "the server's own port, 5432"
        )
    _tls(parsed)
    return parsed.set(drivername="postgresql+asyncpg")


def postgresql_engines(url: URL, password: Password | None, statement_s: float) -> Engines:
    """Return engines over one pool; nothing is opened yet.

    Readers see one moment in all their statements, as in SQLite, and cannot write.
    """
    engine = create_async_engine(
        url.difference_update_query(["sslmode"]),
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_recycle=RECYCLE_S,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=connect_args(url, password, statement_s),
    )
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(reading, engine)


def connect_args(
    url: URL, password: Password | None, statement_s: float = STATEMENT_S
) -> dict[str, Any]:
    """Return what asyncpg is told beside the address; the URL's own password comes first."""
    told: dict[str, Any] = {
        "timeout": CONNECT_S,
        # For a network that swallows what is sent; a slow server ends the statement before.
        "command_timeout": statement_s + 5,
        "ssl": _tls(url),
        "server_settings": {
            "application_name": "krsp",
            "statement_timeout": f"{statement_s * 1000:.0f}",
            "idle_in_transaction_session_timeout": "60000",
            # A dead replica is noticed after 25 s: later than it notices itself (leader.py).
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
            "jit": "off",
        },
    }
    if password is not None and url.password is None:
        told["password"] = password
    return told


async def connect(url: URL, password: Password | None, statement_s: float) -> asyncpg.Connection:
    """Open a connection of its own, beside the pool."""
    address = url.translate_connect_args(username="user") | {"host": _host(url)}
    return await asyncpg.connect(**address | connect_args(url, password, statement_s))


async def check_writable(connection: AsyncConnection, place: str) -> None:
    """Return if the server takes writes. Raises `UnavailableError` if not."""
    is_read_only = await connection.scalar(
        text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")
    )
    if is_read_only:
        raise UnavailableError(
            f"The store {place} can only be read at the moment: the server is a replica, or its "
            "storage is nearly full. Look at the server's state and storage."
        )


async def take_turn(connection: AsyncConnection, lock: tuple[int, int]) -> None:
    """Wait for a lock that lasts as long as the transaction."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:application, :use)"),
        {"application": lock[0], "use": lock[1]},
    )


def _host(url: URL) -> str:
    named = url.host or url.query.get("host") or ""
    return named if isinstance(named, str) else ""


def _tls(url: URL) -> bool:
    """Return whether to speak TLS, always with the certificate verified."""
    mode = url.query.get("sslmode")
    host = _host(url)
    is_here = host in LOOPBACK or host.startswith("/")
    known = mode is None or mode in PLAIN_MODES | TLS_MODES
    _refuse(not known, f"has sslmode={mode}, which is none of PostgreSQL's")
    if mode in PLAIN_MODES and not is_here:
        raise SetupError(
            f"KRSP_DATABASE_URL has sslmode={mode}, and {host} is another machine: password and "
            "data would cross the network in the open. Leave sslmode out, or write verify-full"
        )
    return mode in TLS_MODES or not is_here


def _refuse(is_wrong: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if is_wrong:
        raise SetupError(f"KRSP_DATABASE_URL {what}. Write postgresql://user@host:5432/database")
