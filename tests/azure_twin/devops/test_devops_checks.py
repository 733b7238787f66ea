"""What runs wait for in the twin: people, locks, agents."""

from itertools import pairwise

import pytest
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.build.models import Build

from tests.azure_twin.client import TwinControlError
from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.sdk import until
from tests.azure_twin.world import PIPELINES, PROJECT

PROMOTE = """
name: ${{ parameters.runKey }}
lockBehavior: LOCK
parameters:
  - name: runKey
    type: string
  - name: until
    type: string
    default: "true"
stages:
  - stage: build
    jobs:
      - job: build
        steps:
          - checkout: none
          - bash: echo built
  - stage: deploy
    displayName: Deploy
    jobs:
      - deployment: deploy
        environment: production
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: "until ${{ parameters.until }}; do sleep 0.05; done; echo deployed"
                  displayName: Deploy
"""
MEGAN, NESTOR = "Megan Bowen", "Nestor Wilke"


@pytest.fixture
def production(lab: Lab) -> int:
    """Return promote's id; its file deploys to an environment with approvers and a lock."""
    lab.control(
        "environment", name="production", approvers=[MEGAN, NESTOR], minimum=1, is_exclusive=True
    )
    return lab.write(PROMOTE.replace("LOCK", "sequential"), "promote")


@pytest.fixture
def unattended(lab: Lab) -> None:
    """Let nobody have to approve; the lock stays."""
    lab.control("environment", name="production", approvers=[], is_exclusive=True)


def pending(lab: Lab, run_id: int) -> dict[str, object]:
    """Return the run's pending approval, once there is one."""
    found = until(
        lambda: [a for a in lab.bot.approvals.query(state="pending") if owner(a) == run_id]
    )
    return dict(found[0])


def owner(approval: dict[str, object]) -> int:
    return int(approval["pipeline"]["owner"]["id"])  # type: ignore[index]


def kinds(lab: Lab, run_id: int) -> dict[str, tuple[str, str | None]]:
    return {r.type: (r.state, r.result) for r in lab.bot.records(run_id) if "Check" in r.type}


def test_a_deployment_waits_for_a_person(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-1"})
    approval = pending(lab, run.id)
    assert [step["assignedApprover"]["displayName"] for step in approval["steps"]] == [
        MEGAN,
        NESTOR,
    ]
    assert lab.bot.record(run.id, "Stage", "Deploy").state == "pending"
    assert kinds(lab, run.id)["Checkpoint.Approval"] == ("inProgress", None)
    lab.control("approve", run=run.id, person=MEGAN, comment="Looks good.")
    assert lab.bot.ended(run.id).result == "succeeded"
    assert kinds(lab, run.id) == {
        "Checkpoint": ("completed", "succeeded"),
        "Checkpoint.Approval": ("completed", "succeeded"),
        "Checkpoint.ExclusiveLock": ("completed", "succeeded"),
    }


def test_an_approvals_id_is_that_of_its_record(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-2"})
    approval = pending(lab, run.id)
    record = lab.bot.record(run.id, "Checkpoint.Approval", "Checkpoint.Approval")
    assert record.id == approval["id"]
    assert lab.bot.approvals.query(approvalIds=approval["id"])[0]["status"] == "pending"


def test_a_rejected_deployment_fails_its_run(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-3"})
    pending(lab, run.id)
    lab.control("approve", run=run.id, person=NESTOR, status="rejected")
    assert lab.bot.ended(run.id).result == "failed"
    assert lab.bot.record(run.id, "Stage", "Deploy").result == "failed"
    assert lab.bot.record(run.id, "Task", "Deploy").state == "completed"


def test_the_bot_itself_may_not_approve(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-4"})
    approval = pending(lab, run.id)
    with pytest.raises(AzureDevOpsServiceError, match="is not authorized to update") as caught:
        lab.bot.approvals.update({"approvalId": approval["id"], "status": "approved"})
    assert caught.value.type_key == "ApprovalUnauthorizedException"
    assert pending(lab, run.id)["status"] == "pending"


def test_nobody_approves_what_they_asked_for(lab: Lab, production: int) -> None:
    run = lab.control("start", pipeline="promote", parameters={"runKey": "p"}, person=MEGAN)
    pending(lab, run)
    with pytest.raises(TwinControlError, match="is not authorized"):
        lab.control("approve", run=run, person=MEGAN)
    lab.control("approve", run=run, person=NESTOR)
    assert lab.bot.ended(run).result == "succeeded"


def test_an_approval_is_decided_once(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-5"})
    approval = pending(lab, run.id)
    lab.control("approve", run=run.id, person=MEGAN)
    with pytest.raises(TwinControlError, match="already in a completed state"):
        lab.control("approve", id=approval["id"], person=NESTOR)


def test_enough_people_must_approve(lab: Lab, production: int) -> None:
    lab.control("environment", name="production", minimum=2)
    run = lab.bot.run(production, {"runKey": "promo-6"})
    approval = pending(lab, run.id)
    lab.control("approve", run=run.id, person=MEGAN)
    assert pending(lab, run.id)["id"] == approval["id"]
    lab.control("approve", run=run.id, person=NESTOR)
    assert lab.bot.ended(run.id).result == "succeeded"


def test_an_approval_that_nobody_gives_times_out(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-7"})
    pending(lab, run.id)
    lab.control("approve", run=run.id, status="timedOut")
    assert lab.bot.ended(run.id).result == "failed"


def test_a_cancelled_run_withdraws_its_approval(lab: Lab, production: int) -> None:
    run = lab.bot.run(production, {"runKey": "promo-8"})
    approval = pending(lab, run.id)
    lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, run.id)
    assert lab.bot.ended(run.id).result == "canceled"
    assert lab.bot.approvals.query(approvalIds=approval["id"])[0]["status"] == "canceled"


def test_an_unknown_environment_is_refused_before_a_run(lab: Lab) -> None:
    number = lab.write(PROMOTE.replace("LOCK", "sequential").replace("production", "moon"))
    with pytest.raises(AzureDevOpsServiceError, match="Environment moon could not be found"):
        lab.bot.run(number, {"runKey": "x"})


def test_a_sequential_lock_lets_every_run_go_one_after_the_other(
    lab: Lab, production: int, unattended: None
) -> None:
    gate = lab.repository / "gate"

    def start(number: int) -> int:
        wish = {"runKey": f"p{number}", "until": f"[ -e {gate}{number} ]"}
        return lab.bot.run(production, wish).id

    first = start(0)
    until(lambda: lab.bot.record(first, "Task", "Deploy").state == "inProgress")
    second, third = start(1), start(2)
    until(lambda: kinds(lab, third).get("Checkpoint.ExclusiveLock") == ("inProgress", None))
    until(lambda: kinds(lab, second).get("Checkpoint.ExclusiveLock") == ("inProgress", None))
    assert lab.bot.record(second, "Stage", "Deploy").state == "pending"
    for number in range(3):
        gate.with_name(f"gate{number}").touch()
    runs = (first, second, third)
    assert [lab.bot.ended(run).result for run in runs] == ["succeeded"] * 3
    stages = [lab.bot.record(run, "Stage", "Deploy") for run in runs]
    times = sorted((stage.start_time, stage.finish_time) for stage in stages)
    assert all(one[1] <= next_[0] for one, next_ in pairwise(times))


def test_the_usual_lock_lets_only_the_latest_run_go(
    lab: Lab, production: int, unattended: None
) -> None:
    number = lab.write(PROMOTE.replace("LOCK", "runLatest"), "promote")
    gate = lab.repository / "gate"
    wait = {"until": f"[ -e {gate} ]"}
    first = lab.bot.run(number, {"runKey": "p1", **wait}).id
    until(lambda: lab.bot.record(first, "Task", "Deploy").state == "inProgress")
    second = lab.bot.run(number, {"runKey": "p2"}).id
    until(lambda: kinds(lab, second).get("Checkpoint.ExclusiveLock") == ("inProgress", None))
    third = lab.bot.run(number, {"runKey": "p3"}).id
    until(lambda: kinds(lab, third).get("Checkpoint.ExclusiveLock") == ("inProgress", None))
    gate.touch()
    results = [lab.bot.ended(run).result for run in (first, second, third)]
    assert results == ["succeeded", "canceled", "succeeded"]


def test_without_a_grant_of_parallelism_a_job_fails_at_once(lab: Lab) -> None:
    lab.control("set_pool", parallel=0)
    run = lab.bot.run(lab.write("steps:\n  - bash: echo\n"))
    assert lab.bot.ended(run.id).result == "failed"
    [job] = [record for record in lab.bot.records(run.id) if record.type == "Job"]
    assert "No hosted parallelism has been purchased or granted" in job.issues[0].message


def test_a_run_waits_for_a_free_agent_and_can_be_cancelled(lab: Lab) -> None:
    lab.control("set_pool", is_paused=True)
    number = lab.write("steps:\n  - checkout: none\n  - bash: echo\n")
    first, second = (lab.bot.run(number).id for _ in range(2))
    build = lab.bot.builds.get_build(PROJECT, second)
    assert (build.status, build.start_time) == ("notStarted", None)
    [job] = [record for record in lab.bot.records(second) if record.type == "Job"]
    assert "Current position in queue: 2" in job.current_operation
    lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, first)
    assert lab.bot.ended(first).result == "canceled"
    lab.control("set_pool", is_paused=False)
    assert lab.bot.ended(second).result == "succeeded"


def test_a_run_that_waits_for_approval_holds_no_agent(lab: Lab, production: int) -> None:
    lab.control("set_pool", parallel=1)
    waiting = lab.bot.run(production, {"runKey": "promo-9"})
    pending(lab, waiting.id)
    other = lab.bot.run(lab.write("steps:\n  - checkout: none\n  - bash: echo\n"))
    assert lab.bot.ended(other.id).result == "succeeded"
    lab.control("approve", run=waiting.id, person=MEGAN)
    assert lab.bot.ended(waiting.id).result == "succeeded"
    assert PIPELINES["promote"] == production
