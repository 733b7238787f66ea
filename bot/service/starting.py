"""How a draft becomes a run, whoever asks: stored with what its threads hear, the loop awake."""

import secrets

from bot.domain.changing import By, started
from bot.domain.picture import view_of
from bot.domain.plan import Tempo, news
from bot.domain.run import Draft, Run
from bot.ports import Bell
from bot.service.world import World


async def start_run(world: World, draft: Draft, by: By) -> Run:
    """Turn the draft into a run, once; later calls return the same run."""
    change = started(draft, by, world.policy, secrets.token_urlsafe)
    told = news(change.run, view_of(change.run, by.at), {}, by.at, Tempo())
    run = await world.store.add_run(change.run, change.events, told)
    ring_for(world.bell, run)
    return run


def ring_for(bell: Bell, run: Run) -> None:
    """Tell everybody who listens that people changed a run."""
    for topic in ("wake", "outbox", "runs", f"run:{run.id}"):
        bell.ring(topic)
