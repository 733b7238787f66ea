"""What SQLite's result codes mean to a person."""

import sqlite3

from bot.errors import BotError, DiskFullError, SetupError, UnavailableError

# Result codes: https://www.sqlite.org/rescode.html. An extended code's low byte is its kind.
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}  # IOERR_WRITE: also a file-size limit
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_CLOSED_TO_US = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}


def translated(cause: sqlite3.Error, place: str) -> BotError:
    """Return the refusal in our words."""
    code = getattr(cause, "sqlite_errorcode", 0)
    kind = code & 0xFF
    if _FULL & {code, kind}:
        return DiskFullError(
            f"The store {place} cannot grow: the disk is full. Free some space, then try again; "
            "nothing of this was written."
        )
    if kind in _BUSY:
        return UnavailableError(
            f"The store {place} is locked by another process. Try again in a moment."
        )
    if kind in _DAMAGED:
        return SetupError(
            f"The store {place} is damaged or no database ({cause}). Stop the bot, move the file "
            "away, and restore a backup or run `python -m bot migrate` for an empty store."
        )
    if kind in _CLOSED_TO_US:
        return SetupError(
            f"The store {place} cannot be opened for writing ({cause}). Check that its folder "
            "exists and that this user may write there."
        )
    if kind == sqlite3.SQLITE_IOERR:
        return UnavailableError(f"The store {place} cannot be read or written ({cause}).")
    return _of_our_doing(cause, place)


def _of_our_doing(cause: sqlite3.Error, place: str) -> BotError:
    if "no such table" in str(cause) or "no such column" in str(cause):
        return SetupError(
            f"The store {place} is not set up for this version: run `python -m bot migrate`."
        )
    if "already exists" in str(cause):
        return SetupError(
            f"The store {place} holds tables of something else ({cause}). Nothing was changed; "
            "set KRSP_DATABASE_URL to a file of our own."
        )
    return BotError(f"The store {place} refused a statement: {cause}")
