"""What PostgreSQL's error codes mean to a person, and what asyncpg raises without one."""

import ssl
from collections.abc import Sequence
from typing import Final

import asyncpg

from bot.errors import BotError, DiskFullError, InputError, SetupError, UnavailableError

# https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization failure, deadlock.
COLLISIONS: Final = frozenset({"40001", "40P01"})

_AGAIN = "Try again in a moment."
_NO_TABLES = "The store {place} is not set up for this version: run `python -m bot migrate`."
_OTHER_TABLES = (
    "The store {place} holds tables of something else ({cause}). Nothing was changed; set "
    "KRSP_DATABASE_URL to a database of our own."
)
_FULL = (
    "The store {place} cannot grow: the server's disk is full. Enlarge its storage, then try "
    "again; nothing of this was written."
)
_NO_CONNECTION = (
    "The store {place} has no connection left for us ({cause}). Try again in a moment. If it "
    "lasts, find who holds so many, or take a larger server."
)
_READ_ONLY = (
    "The store {place} can only be read at the moment: the server is a replica, or its storage is "
    "nearly full. Nothing of this was written."
)
_NO_LOGIN = (
    "The store {place} refused our login ({cause}). Check the user of KRSP_DATABASE_URL, its "
    "password, and that the server knows this identity."
)
_NO_RIGHT = (
    "The store {place} does not let us do this ({cause}). Make our user the owner of the "
    "database, or grant it what is missing."
)
_ODD_TEXT = "This holds unusual characters that cannot be stored. Remove them and send it again."

# A code or how it begins, what it is, and how it is said; the first that fits counts.
_WORDS: Sequence[tuple[str, type[BotError], str]] = (
    ("08", UnavailableError, "The store {place} broke off the connection ({cause}). " + _AGAIN),
    ("22001", InputError, "This is longer than can be stored ({cause}). Shorten it."),
    ("22", InputError, _ODD_TEXT),
    ("25006", UnavailableError, _READ_ONLY),
    ("28", SetupError, _NO_LOGIN),
    ("3D000", SetupError, "The store {place} is not there ({cause}). Create the database first."),
    ("40", UnavailableError, "The store {place} is too busy to answer. " + _AGAIN),
    ("42501", SetupError, _NO_RIGHT),
    ("42703", SetupError, _NO_TABLES),  # a column
    ("42710", SetupError, _OTHER_TABLES),  # a type, an index
    ("42723", SetupError, _OTHER_TABLES),  # a function
    ("42P01", SetupError, _NO_TABLES),
    ("42P07", SetupError, _OTHER_TABLES),
    ("53100", DiskFullError, _FULL),
    ("53300", UnavailableError, _NO_CONNECTION),
    ("53", UnavailableError, "The store {place} lacks resources ({cause}). " + _AGAIN),
    ("55P03", UnavailableError, "The store {place} is too busy to answer. " + _AGAIN),
    ("57014", UnavailableError, "The store {place} took too long to answer. " + _AGAIN),
    ("57P", UnavailableError, "The store {place} is starting or stopping. " + _AGAIN),
    ("58", UnavailableError, "The store {place} cannot be read or written ({cause})."),
)


def translated(cause: BaseException, place: str) -> BotError:
    """Return the refusal in our words."""
    code = getattr(cause, "sqlstate", None) or ""
    for begin, kind, words in _WORDS:
        if code.startswith(begin):
            return kind(words.format(place=place, cause=_first_line(cause)))
    if isinstance(cause, ssl.SSLCertVerificationError):
        return SetupError(
            f"The store {place} shows a certificate that cannot be trusted "
            f"({cause.verify_message}). Use the server's own name; for a private authority set "
            "SSL_CERT_FILE."
        )
    if isinstance(cause, OSError):
        return UnavailableError(
            f"The store {place} does not answer ({_first_line(cause)}). Check that the server runs "
            "and that this machine may reach it."
        )
    return _of_the_driver(cause, place)


def _of_the_driver(cause: BaseException, place: str) -> BotError:
    # asyncpg's other DataError, for values it cannot even send, is not exported: a ValueError.
    if isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError):
        return InputError(_ODD_TEXT)
    if isinstance(cause, asyncpg.InterfaceError) and "closed" in str(cause):
        return UnavailableError(f"The store {place} broke off the connection. {_AGAIN}")
    return BotError(f"The store {place} refused a statement: {_first_line(cause)}")


def _first_line(cause: BaseException) -> str:
    # Details follow on further lines, and may hold what people wrote.
    return (str(cause).splitlines() or [type(cause).__name__])[0]
