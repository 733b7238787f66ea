"""A run that stopped early says so at its end."""

from dataclasses import replace

from bot.domain.diagnosis import judge
from bot.domain.run import RunStatus
from tests.bot.conftest import RESULT, World


async def test_the_verdict_says_why_training_ended_early(world: World) -> None:
    run = await world.to_status(RunStatus.TRAINING)
    why = "Stopped early: 2 judgings without a held-out loss below 1.6000 (step 30)."
    ended = await world.finish(run, replace(RESULT, ended=why))
    verdict = judge(ended)
    assert verdict is not None
    assert verdict.text.endswith(why)
