"""Print what the bot says: new messages whole, edits of a run's card as one calm line."""

import shutil
from dataclasses import dataclass
from typing import TextIO

from bot.cards.text import progress_line
from bot.domain.posts import FormPost, RunPost
from bot.domain.run import RunStatus
from bot.teams.console.room import Heard

_QUIET_S = 3.0  # between two lines of one run while only numbers move, where lines pile up


@dataclass(frozen=True)
class _Line:
    status: RunStatus
    text: str
    at_s: float


class Screen:
    """Writes to a terminal, where a run's line is redrawn in place, or to a file or pipe."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._texts: dict[str, str] = {}
        self._lines: dict[str, _Line] = {}
        self._is_on_line = False

    def show(self, heard: Heard, now_s: float) -> None:
        """Show a message or an edit. `now_s` is any clock that only goes forward."""
        if isinstance(heard.post, RunPost) and heard.is_edit:
            self._progress(heard.post, now_s)
        elif not heard.is_edit:
            self._whole(heard)
            if isinstance(heard.post, RunPost):
                self._remember(heard.post, progress_line(heard.post), now_s)
        else:
            self._changes(heard)
        self._texts[heard.activity_id] = heard.text

    def say(self, text: str) -> None:
        """Print a sentence of the console's own."""
        self._write(f"{text}\n")

    def _whole(self, heard: Heard) -> None:
        keys = ""
        if isinstance(heard.post, FormPost):
            names = ", ".join(field.id for field in heard.post.fields if field.id != "recipe")
            keys = f"\nKeys: {names}"
        self._write(f"{heard.text.rstrip()}{keys}\n\n")

    def _changes(self, heard: Heard) -> None:
        """Print the lines that were not there before; of a card of an earlier session, nothing."""
        before = self._texts.get(heard.activity_id)
        if before is None:
            return
        known = set(before.splitlines())
        fresh = [line for line in heard.text.splitlines() if line.strip() and line not in known]
        if fresh:
            self._write("\n".join(fresh) + "\n\n")

    def _progress(self, post: RunPost, now_s: float) -> None:
        line, last = progress_line(post), self._lines.get(post.run.id)
        if last is None or line == last.text:
            return
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\x1b[K{line[:width]}")
            self._out.flush()
            self._is_on_line = True
        elif last.status is not post.run.status or now_s - last.at_s >= _QUIET_S:
            self._write(f"{line}\n")
        else:
            return
        self._remember(post, line, now_s)

    def _remember(self, post: RunPost, line: str, now_s: float) -> None:
        self._lines[post.run.id] = _Line(post.run.status, line, now_s)

    def _write(self, text: str) -> None:
        if self._is_on_line:
            self._out.write("\n")
            self._is_on_line = False
        self._out.write(text)
        self._out.flush()
