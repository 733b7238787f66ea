"""What gateway and outbox share: store, channel, time, bell, and how posts are drawn."""

from dataclasses import dataclass

from bot.ports import Bell, Channel, Clock, RunStore
from bot.teams.posting import Draw

# Rung when there is something to send or to edit.
OUTBOX = "outbox"


@dataclass(frozen=True)
class Surroundings:
    """Everything that speaking needs besides the core."""

    store: RunStore
    channel: Channel
    clock: Clock
    bell: Bell
    draw: Draw
