"""What the database refuses, in our words: full, busy, damaged, out of reach, or a bug of ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.adapters.sql import faults_postgresql, faults_sqlite
from bot.errors import BotError, InputError, UnavailableError

_REFUSALS: Final = (
    DBAPIError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # and with it TimeoutError and ssl.SSLError
)


@contextmanager
def in_our_words(place: str) -> Iterator[None]:
    """Raise what the database refuses as a `BotError`; `place` says where the store is."""
    try:
        yield
    except PoolTimeoutError as error:
        raise UnavailableError(
            f"The store {place} is too busy to answer. Try again in a moment."
        ) from error
    except _REFUSALS as error:
        raise _translated(error, place) from error
    except UnicodeEncodeError as error:
        raise InputError(
            "This holds unusual characters that cannot be stored. Remove them and send it again."
        ) from error
    except SQLAlchemyError as error:
        raise BotError(f"The store {place} was used wrongly: {error}") from error


def is_collision(error: BaseException) -> bool:
    """Return whether a transaction only met another one and may simply be repeated."""
    cause = error.driver_exception if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in faults_postgresql.COLLISIONS


def _translated(error: Exception, place: str) -> BotError:
    cause = error.driver_exception if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return faults_sqlite.translated(cause, place)
    return faults_postgresql.translated(cause, place)
