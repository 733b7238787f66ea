"""How each status of a run looks: a word and a glyph, so that nothing hangs on colour alone."""

from dataclasses import dataclass
from typing import Literal

from bot.domain.run import RunStatus
from bot.domain.view import RailState, RunView

# No "Warning": as the colour of a text on white it is yellow in some clients.
Color = Literal["Default", "Accent", "Good", "Attention"]


@dataclass(frozen=True)
class Look:
    """A word for people, the glyph beside it, and a colour of the card's palette."""

    word: str
    glyph: str
    color: Color

    @property
    def label(self) -> str:
        """Return glyph and word."""
        return f"{self.glyph} {self.word}"


LOOKS: dict[RunStatus, Look] = {
    RunStatus.AWAITING_APPROVAL: Look("Awaiting approval", "?", "Default"),
    RunStatus.QUEUED: Look("Queued", "…", "Default"),
    RunStatus.PREPARING: Look("Preparing", "…", "Accent"),
    RunStatus.WAITING: Look("Waiting for a machine", "…", "Default"),
    RunStatus.TRAINING: Look("Training", "▶", "Accent"),
    RunStatus.EVALUATING: Look("Evaluating", "▶", "Accent"),
    RunStatus.SUCCEEDED: Look("Succeeded", "✓", "Good"),
    RunStatus.FAILED: Look("Failed", "✗", "Attention"),
    RunStatus.CANCELLED: Look("Cancelled", "■", "Default"),
    RunStatus.REJECTED: Look("Rejected", "✗", "Attention"),
    RunStatus.EXPIRED: Look("Expired", "■", "Default"),
}

RAIL_LOOKS: dict[RailState, Look] = {
    RailState.AHEAD: Look("to come", "○", "Default"),
    RailState.NOW: Look("now", "●", "Accent"),
    RailState.DONE: Look("done", "✓", "Default"),
    RailState.FAILED: Look("failed", "✗", "Attention"),
    RailState.SKIPPED: Look("skipped", "·", "Default"),
}

_STOPPING = Look("Stopping", "■", "Default")


def look_of(run: RunView) -> Look:
    """Return the look of a run; one that was asked to stop says so until it has."""
    if run.is_stopping and not run.status.is_final:
        return _STOPPING
    return LOOKS[run.status]
