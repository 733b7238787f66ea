"""What a drawn post is, and where its links lead."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

from bot.domain.naming import is_run_id


@dataclass(frozen=True)
class Mention:
    """A person whom the card mentions: directory object id, and the name as it stands in `<at>`."""

    id: str
    name: str


@dataclass(frozen=True)
class Card:
    """An Adaptive Card's JSON, and the sentence that a toast or a screen reader shows for it.

    `body` already holds the `msteams.entities` of its `mentions`.
    """

    body: dict[str, Any]
    summary: str
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True)
class Links:
    """Addresses of the web client's pages; `public_url` is where people reach it."""

    public_url: str

    def run(self, run_id: str) -> str:
        """Return the page of one run."""
        return f"{self._base}/runs/{quote(run_id, safe='')}"

    def run_at(self, url: str) -> str | None:
        """Return the id of the run whose page, or part of it, `url` is; None for all else."""
        path = url.removeprefix(f"{self._base}/runs/")
        run_id = unquote(re.split(r"[/?#]", path, maxsplit=1)[0])
        return run_id if path != url and is_run_id(run_id) else None

    def runs(self) -> str:
        """Return the list of runs."""
        return f"{self._base}/runs"

    def sweep(self, sweep_id: str) -> str:
        """Return the page of one sweep."""
        return f"{self._base}/sweeps/{quote(sweep_id, safe='')}"

    def models(self) -> str:
        """Return the list of models and endpoints."""
        return f"{self._base}/models"

    def new(self, from_run: str | None = None) -> str:
        """Return the form for a new run, filled from an earlier run or draft where one is given."""
        query = f"?{urlencode({'from': from_run})}" if from_run else ""
        return f"{self._base}/runs/new{query}"

    @property
    def _base(self) -> str:
        return self.public_url.rstrip("/")
