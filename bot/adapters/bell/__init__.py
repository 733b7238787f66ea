"""Bells: inside one process, and between several by way of PostgreSQL."""

from bot.adapters.bell.local import LocalBell
from bot.adapters.bell.postgresql import PostgresBell, Wire

__all__ = ["LocalBell", "PostgresBell", "Wire"]
