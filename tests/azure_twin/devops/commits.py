"""Which commit a run is of: the head of the repository that it checks out."""

import asyncio
from pathlib import Path

from bot.adapters.local.interpreter.workspace import revision

NOWHERE = "0" * 40


async def commit_of(repository: Path) -> str:
    """Return the repository's commit; zeros where it is no git checkout."""
    found = await asyncio.to_thread(revision, repository)
    return found.commit or NOWHERE
