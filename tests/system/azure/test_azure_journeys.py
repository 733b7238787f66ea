"""Journeys through the azure profile while Azure misbehaves: one job, one effect, one card."""

import asyncio
import re

import pytest

from tests.system.azure.conftest import Journey

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

RUNS = r"(?i)/_apis/pipelines/\d+/runs"
SECRETS = ("eyJ", "Bearer ", "twin-bot-app-secret", "PRIVATE KEY", "sig=", "SharedKey")


async def proved(
    journey: Journey, run_id: str, *, jobs: int = 1, effects: tuple[int, ...] = (1,)
) -> None:
    """Check what must hold at the end of every journey."""
    assert len(await journey.jobs(run_id)) == jobs
    assert len(await journey.effects(run_id)) in effects
    assert len(await journey.alerts(run_id)) == 1
    shown = "\n".join(str(message.body) for message in journey.teams.of_run(run_id))
    assert [secret for secret in SECRETS if secret in shown] == []


async def test_an_answer_lost_after_the_pipeline_was_queued_queues_no_second(
    journey: Journey,
) -> None:
    await journey.fault(method="POST", path=RUNS, kind="timeout_after", times=1, seconds=1)
    run_id = await journey.start()
    await journey.ended(run_id, "Succeeded")
    await proved(journey, run_id)


async def test_azure_devops_away_for_a_while_only_delays_the_run(journey: Journey) -> None:
    await journey.fault(host="dev.azure.com", path=".*", kind="status", status=503, times=25)
    run_id = await journey.start()
    await journey.ended(run_id, "Succeeded", patience_s=300)
    await proved(journey, run_id)


async def test_a_throttled_start_waits_as_it_was_told(journey: Journey) -> None:
    headers = {"Retry-After": "2"}
    await journey.fault(
        method="POST", path=RUNS, kind="status", status=429, headers=headers, times=2
    )
    run_id = await journey.start()
    await journey.ended(run_id, "Succeeded")
    await proved(journey, run_id)


async def test_a_submit_whose_answer_is_lost_leaves_one_job(journey: Journey) -> None:
    await journey.fault(method="PUT", path=r"/jobs/run-", kind="timeout_after", times=1, seconds=1)
    run_id = await journey.start()
    await journey.ended(run_id, "Succeeded", patience_s=300)
    await proved(journey, run_id)


async def test_azure_ml_away_while_it_trains_is_seen_through(journey: Journey) -> None:
    run_id = await journey.start("steps=120")
    await journey.card(run_id, "step ")
    await journey.fault(host="management.azure.com", path=".*", kind="status", status=503, times=20)
    await journey.ended(run_id, "Succeeded", patience_s=300)
    await proved(journey, run_id)


async def test_a_preempted_job_goes_on_as_its_next_attempt(journey: Journey) -> None:
    run_id = await journey.start("steps=120")
    await journey.card(run_id, "step ")
    await journey.call("job.preempt", name=run_id, grace_s=1)
    card = await journey.ended(run_id, "Succeeded", patience_s=300)
    assert "ttempt" in card.text or "2" in card.text
    await proved(journey, run_id)


async def test_a_diverged_run_fails_with_cause_and_remedy(journey: Journey) -> None:
    run_id = await journey.start("steps=8 seed=1")
    card = await journey.ended(run_id, "Failed")
    assert "The loss became infinite." in card.text
    assert "Lower the learning rate." in card.text
    await proved(journey, run_id)


async def test_a_cancelled_run_ends_its_job_in_azure(journey: Journey) -> None:
    run_id = await journey.start("steps=8 seed=2")
    await journey.card(run_id, "step ")
    await journey.say(f"cancel {run_id} wrong data")
    await journey.ended(run_id, "Cancelled", patience_s=240)
    # The pipeline may have ended before the person cancelled, or is cancelled with the job.
    await proved(journey, run_id, effects=(0, 1))


async def test_a_click_and_a_message_delivered_twice_start_one_run(journey: Journey) -> None:
    await journey.say("train tiny-sft steps=8")
    plan = await journey.card("Plan:")
    run_id = plan.run_id
    await asyncio.gather(
        *(journey.teams.press("alex", plan, "Start") for _ in range(2)), return_exceptions=True
    )
    assert run_id is not None
    await journey.ended(run_id, "Succeeded")
    await proved(journey, run_id)


async def test_a_sign_in_page_from_azure_devops_is_no_answer(journey: Journey) -> None:
    await journey.fault(host="dev.azure.com", path=".*", kind="html_sign_in", times=3)
    run_id = await journey.start()
    await journey.ended(run_id, "Succeeded", patience_s=300)
    await proved(journey, run_id)


async def test_a_sweep_runs_its_trials_under_one_budget_and_names_the_best(
    journey: Journey,
) -> None:
    await journey.say("sweep tiny-sft seed=0,5 steps=8 parallel=2 budget=1")
    plan = await journey.card("2 runs of tiny-sft", "Nothing is spent before")
    sweep_id = re.search(r"sweep-\d{8}-[a-z2-7]{6}", plan.text)
    assert sweep_id is not None
    await journey.say(f"sweep start {sweep_id[0]}")
    end = await journey.card("2 of 2 runs succeeded", "seed=0) with a held-out loss of 0.7000")
    table = await journey.card(f"({sweep_id[0]})", "Best: ")
    trials = sorted({*re.findall(r"run-\d{8}-[a-z2-7]{6}", table.text)})
    assert len(trials) == 2
    assert any(f"The best is {run_id}" in end.text.replace("`", "") for run_id in trials)
    for run_id in trials:
        assert await journey.jobs(run_id) == [run_id]
        assert len(await journey.effects(run_id)) == 1


async def test_a_machine_that_no_cluster_has_is_refused_before_anything_starts(
    journey: Journey,
) -> None:
    await journey.say("train tiny-sft sku=Standard_NC4as_T4_v3")
    await journey.card("priority=low")
    assert journey.teams.shown[-1].run_id is None
