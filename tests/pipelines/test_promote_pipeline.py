"""promote.yml: what it does for each action and target, with nothing typed in a script."""

from pathlib import Path

import pytest

from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import Plan, plan
from bot.adapters.local.interpreter.source import Mapping
from tests.pipelines.test_pipeline_files import texts
from trainer.contract.promotion import PromotionOrder, encode_order

ORDER = encode_order(
    PromotionOrder(
        key="promo-20261125-a2b3c4",
        run_id="run-20261125-aaaaaa",
        job="run-20261125-aaaaaa",
        model="tiny",
        endpoint="tiny",
        machine="local-cpu",
        hours=24,
    )
)
GIVEN = {"runKey": "promo-20261125-a2b3c4", "order": ORDER, "target": "local"}


def expanded(repository: Path, **changes: str) -> Mapping:
    return load(repository, "azure-pipelines/promote.yml", {**GIVEN, **changes}, {})


def planned(repository: Path, **changes: str) -> Plan:
    return plan(expanded(repository, **changes))


@pytest.mark.parametrize(
    ("action", "stages"), [("promote", ["register", "deploy"]), ("undeploy", ["undeploy"])]
)
def test_each_action_has_its_stages(repository: Path, action: str, stages: list[str]) -> None:
    assert [stage.name for stage in planned(repository, action=action).stages] == stages


@pytest.mark.parametrize("target", ["local", "azureml"])
@pytest.mark.parametrize("action", ["promote", "undeploy"])
def test_the_order_stands_in_the_environment_alone(
    repository: Path, action: str, target: str
) -> None:
    found = list(texts(expanded(repository, action=action, target=target)))
    assert {key for key, text in found if ORDER in text} == {"KRSP_ORDER"}
    scripts = [text for key, text in found if key in {"bash", "inlineScript"}]
    assert not [text for text in scripts if GIVEN["runKey"] in text]


def test_what_costs_waits_for_the_environments_lock_and_approvals(repository: Path) -> None:
    last = planned(repository, action="promote").stages[-1]
    assert [job.environment for job in last.jobs] == ["krsp-production"]
    assert last.lock_behavior == "sequential"


def test_what_ends_costs_waits_for_nobodys_approval(repository: Path) -> None:
    last = planned(repository, action="undeploy").stages[-1]
    assert [job.environment for job in last.jobs] in ([""], [None])


def test_a_failed_or_cancelled_deployment_is_rolled_back_by_a_step_of_its_own(
    repository: Path,
) -> None:
    steps = planned(repository).stages[-1].jobs[0].steps
    assert steps[-1].display_name == "Roll back"
    assert "--roll-back" in steps[-1].inputs["script"]


def test_azure_signs_in_wherever_it_talks_to_azure(repository: Path) -> None:
    found = list(texts(expanded(repository, target="azureml")))
    tasks = [text for key, text in found if key == "task"]
    assert tasks.count("AzureCLI@2") == 3
    tokens = [text for key, text in found if key == "SYSTEM_ACCESSTOKEN"]
    assert tokens == ["$(System.AccessToken)"] * 3


def test_every_job_has_a_time_limit_and_every_step_a_name(repository: Path) -> None:
    jobs = [job for stage in planned(repository).stages for job in stage.jobs]
    assert all(0 < job.timeout_min <= 120 for job in jobs)
    steps = [step for job in jobs for step in job.steps]
    assert not [step.where for step in steps if step.display_name in {"Bash", "CmdLine"}]
