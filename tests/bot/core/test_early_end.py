"""What a run's end says: why it was early, whether it is good enough, what it may be used for."""

from dataclasses import replace

from bot.domain.diagnosis import judge
from bot.domain.promotion_planning import not_servable
from bot.domain.run import RunStatus
from tests.bot.conftest import RESULT, World
from trainer.contract.exporting import Export
from trainer.contract.recipe import expand, find_recipe


async def test_the_verdict_says_why_training_ended_early(world: World) -> None:
    run = await world.to_status(RunStatus.TRAINING)
    why = "Stopped early: 2 judgings without a held-out loss below 1.6000 (step 30)."
    ended = await world.finish(run, replace(RESULT, ended=why))
    verdict = judge(ended)
    assert verdict is not None
    assert verdict.text.endswith(why)


async def test_the_verdict_holds_the_result_against_a_tasks_figure(world: World) -> None:
    """As the trainer's own report does: both ask the same function."""
    task = {"eval.tasks": "python-qa-choice", "goal.metric": "python-qa-choice/acc"}
    run = await world.to_status(RunStatus.TRAINING)
    spec = expand(find_recipe("tiny-sft"), {**task, "goal.at_least": 0.5})
    result = replace(RESULT, metrics={"python-qa-choice/acc": 0.49})
    verdict = judge(replace(await world.finish(run, result), spec=spec))
    assert verdict is not None
    assert verdict.reached is False
    assert verdict.text.startswith("Goal missed: python-qa-choice/acc 0.49, goal at least 0.5")


async def test_an_adapter_alone_is_not_promoted(world: World) -> None:
    run = await world.finish(await world.to_status(RunStatus.TRAINING))
    spec = run.spec.model_copy(update={"export": Export(merge=False)})
    assert "cannot be served without its base" in (not_servable(replace(run, spec=spec)) or "")
    assert not_servable(run) is None
