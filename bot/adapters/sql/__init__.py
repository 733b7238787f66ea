"""The store on SQLAlchemy: SQLite today, PostgreSQL by URL when its adapter issue comes."""

from bot.adapters.sql.migration import check_version, migrate
from bot.adapters.sql.store import SqlStore

__all__ = ["SqlStore", "check_version", "migrate"]
