"""Alembic's scripts: `env.py` and, in `versions`, one file per change of the tables."""
