"""The store on SQLAlchemy: SQLite in a file, or PostgreSQL for several replicas."""

from bot.adapters.sql.engines import Password
from bot.adapters.sql.leader import Leader, leader_of
from bot.adapters.sql.migration import check_version, migrate
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.wire import Wire, wires_of

__all__ = [
    "Leader",
    "Password",
    "SqlStore",
    "Wire",
    "check_version",
    "leader_of",
    "migrate",
    "wires_of",
]
