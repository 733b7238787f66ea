"""One job for each name, whatever Azure, the bot and the network do meanwhile."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.grant_signer import GrantSigner, new_key
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.waiting import eventually
from tests.trainer.azureml.conftest import CLUSTER, IMAGE, Granter
from trainer.azureml.errors import AwayError, RefusedError
from trainer.azureml.place import read_place
from trainer.azureml.submit import Submission, Submitter
from trainer.contract.azure_job import Tag, checkpoints_uri
from trainer.contract.spec import RunSpec, spec_hash

PUT = r"/jobs/run-"
MakeSpec = Callable[..., RunSpec]


class Desk:
    """Submits under a name that no other test has; no job gets a node."""

    def __init__(self, twin: RunningTwin, code: tuple[Path, str], name: str) -> None:
        self.twin, self.name = twin, name
        self.code, self.code_sha256 = code
        self.pauses: list[float] = []
        self.submitter = replace(Submitter.of(os.environ), pause=self.pauses.append)
        self.client = self.submitter.client

    def submit(self, spec: RunSpec, name: str = "") -> Submission:
        submitter = replace(self.submitter, place=read_place(os.environ))
        return submitter.submit(spec, name or self.name, self.code, code_sha256=self.code_sha256)

    def jobs(self) -> list[str]:
        """Return the names of this run's jobs that are in the workspace; no fault is left then."""
        self.twin.control.clear_faults()
        found = itertools.islice(self.client.jobs.list(), 30)
        return [job.name for job in found if job.tags.get(Tag.RUN_ID) == self.name]

    def made(self) -> int:
        return len(self.jobs())

    def job(self, name: str = "") -> Any:
        return self.client.jobs.get(name or self.name)


_names = iter(range(1, 1000))


@pytest.fixture
def desk(
    azure: RunningTwin, submit_environment: dict[str, str], code: tuple[Path, str]
) -> Iterator[Desk]:
    azure.control.call("quota.set", cluster=CLUSTER, cores=0)
    made = Desk(azure, code, f"run-20261124-{next(_names):06d}")
    yield made
    azure.control.clear_faults()
    for name in made.jobs():
        made.client.jobs.begin_cancel(name, polling=False)


def test_a_job_carries_all_that_was_decided(desk: Desk, azure_spec: MakeSpec) -> None:
    spec = azure_spec(budget={"steps": 5, "hours": 2.0})
    done = desk.submit(spec, f"{desk.name}-r2")
    assert (done.is_new, done.name) == (True, f"{desk.name}-r2")
    job = desk.job(done.name)
    assert job.tags[Tag.RUN_ID] == desk.name
    assert job.tags[Tag.SUBMISSION] == "2"
    assert job.tags[Tag.SPEC_SHA256] == spec_hash(spec)
    assert job.tags[Tag.CODE_SHA256] == desk.code_sha256
    assert job.tags[Tag.REQUESTER] == "id-ada"
    assert (job.compute, job.experiment_name, job.display_name) == (CLUSTER, "krsp", "small")
    assert job.limits.timeout == 2 * 3600 * 1.25 + 3600
    assert job.distribution.process_count_per_instance == 1
    assert job.identity.type == "managed_identity"
    kept = str(job.outputs["checkpoints"].path)
    assert kept.rstrip("/") == checkpoints_uri(desk.name)
    assert job.outputs["checkpoints"].mode == "rw_mount"


def test_the_grant_is_asked_for_exactly_this_job(
    desk: Desk, granter: Granter, azure_spec: MakeSpec
) -> None:
    spec = azure_spec()
    desk.submit(spec)
    assert granter.asked == [
        {
            "name": desk.name,
            "spec_sha256": spec_hash(spec),
            "code_sha256": desk.code_sha256,
            "image": IMAGE,
        }
    ]
    assert granter.tokens[0].startswith("Bearer ey")


def test_the_same_job_again_is_adopted_and_needs_no_grant(
    desk: Desk, granter: Granter, azure_spec: MakeSpec
) -> None:
    first = desk.submit(azure_spec())
    granter.status = 403
    again = desk.submit(azure_spec())
    assert (first.is_new, again.is_new) == (True, False)
    assert desk.made() == 1


def test_another_job_under_the_same_name_is_refused(desk: Desk, azure_spec: MakeSpec) -> None:
    desk.submit(azure_spec())
    with pytest.raises(RefusedError, match="is another one"):
        desk.submit(azure_spec(budget={"steps": 41}))
    assert desk.made() == 1


def test_a_job_that_was_put_between_look_and_put_is_compared(
    desk: Desk, azure_spec: MakeSpec
) -> None:
    desk.submit(azure_spec())
    desk.twin.control.fault(
        method="GET", path=rf"/jobs/{desk.name}\?", status=404, body={"error": {"code": "NotFound"}}
    )
    with pytest.raises(RefusedError, match="is another one"):
        desk.submit(azure_spec(budget={"steps": 41}))
    assert desk.made() == 1


FAULTS: dict[str, dict[str, Any]] = {
    "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
    "unavailable": {"status": 503},
    "time-out before the effect": {"kind": "timeout_before", "seconds": 0.2},
    "time-out after the effect": {"kind": "timeout_after", "seconds": 0.2},
    "cut before the effect": {"kind": "cut_before"},
    "cut after the effect": {"kind": "cut_after"},
    "slow": {"kind": "slow", "seconds": 1.0},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_the_put_leaves_one_job(desk: Desk, azure_spec: MakeSpec, fault: str) -> None:
    desk.twin.control.fault(method="PUT", path=PUT, **FAULTS[fault])
    desk.submit(azure_spec())
    assert desk.made() == 1
    assert desk.job().tags[Tag.RUN_ID] == desk.name


@pytest.mark.parametrize("fault", ["cut after the effect", "time-out after the effect"])
def test_an_answer_that_is_lost_each_time_leaves_one_job(
    desk: Desk, azure_spec: MakeSpec, fault: str
) -> None:
    desk.twin.control.fault(method="PUT", path=PUT, times=6, **FAULTS[fault])
    done = desk.submit(azure_spec())
    assert not done.is_new
    assert desk.made() == 1
    assert desk.pauses


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "cut before the effect", "slow"])
def test_a_fault_at_the_look_is_outlasted(desk: Desk, azure_spec: MakeSpec, fault: str) -> None:
    desk.twin.control.fault(method="GET", path=PUT, **FAULTS[fault])
    assert desk.submit(azure_spec()).is_new
    assert desk.made() == 1


def test_an_outage_that_lasts_ends_in_words_and_can_be_repeated(
    desk: Desk, azure_spec: MakeSpec
) -> None:
    desk.twin.control.fault(host="management", path="/jobs/", kind="cut_before", times=1000)
    with pytest.raises(AwayError, match="did not answer") as caught:
        desk.submit(azure_spec())
    assert caught.value.exit_code == 69
    assert "never submitted twice" in caught.value.remedy
    desk.twin.control.clear_faults()
    assert desk.submit(azure_spec()).is_new


def test_a_token_that_azure_refuses_is_told_as_such(desk: Desk, azure_spec: MakeSpec) -> None:
    desk.twin.control.fault(host="management", kind="expired_token", times=100)
    with pytest.raises(RefusedError, match="did not accept the pipeline's identity"):
        desk.submit(azure_spec())
    assert desk.made() == 0


def test_a_cluster_that_is_gone_is_named(
    desk: Desk, azure_spec: MakeSpec, clusters_file: Path
) -> None:
    clusters_file.write_text("- {sku: Standard_DS3_v2, priority: dedicated, cluster: gone}\n")
    with pytest.raises(RefusedError, match="has no cluster gone"):
        desk.submit(azure_spec())


def test_a_machine_without_a_cluster_is_refused_with_what_there_is(
    desk: Desk, azure_spec: MakeSpec
) -> None:
    with pytest.raises(RefusedError, match=r"set compute.sku to one of Standard_DS3_v2"):
        desk.submit(azure_spec(compute={"sku": "Standard_ND96isr_H100_v5"}))
    with pytest.raises(RefusedError, match=r"set compute.priority to dedicated"):
        desk.submit(azure_spec(compute={"priority": "low"}))


def test_more_nodes_than_the_cluster_has_are_refused(desk: Desk, azure_spec: MakeSpec) -> None:
    desk.twin.control.call("cluster.nodes", cluster=CLUSTER, nodes=2)
    with pytest.raises(RefusedError, match="wants 3 nodes and the cluster cpu-small has at most 2"):
        desk.submit(azure_spec(compute={"nodes": 3}))


def test_an_exhausted_quota_is_told_in_words(desk: Desk, azure_spec: MakeSpec) -> None:
    said = {"code": "QuotaExceeded", "message": "The vCPU quota of this region is used up."}
    desk.twin.control.fault(method="PUT", path=PUT, status=400, body={"error": said})
    with pytest.raises(RefusedError, match="quota is used up"):
        desk.submit(azure_spec())


def test_an_environment_that_differs_is_told_as_a_conflict(
    desk: Desk, azure_spec: MakeSpec
) -> None:
    said = {"code": "UserError", "message": "A version of environments already exists."}
    desk.twin.control.fault(
        method="PUT", path="/environments/", status=409, body={"error": said}, times=100
    )
    with pytest.raises(RefusedError, match="of that name is there already and differs"):
        desk.submit(azure_spec())
    assert desk.made() == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 403, "body": {"detail": "The run was cancelled."}}, "The run was cancelled"),
        ({"status": 404}, "The bot says no"),
        ({"body": {"grant": "nonsense"}}, "grant is not good"),
        ({"body": {"hello": 1}}, "is no grant"),
        ({"change": {"sub": "run-20261124-zzzzzz"}}, "for another job"),
        ({"change": {"image": "other@sha256:00"}}, "for another job"),
        ({"change": {"iat": 1, "exp": 601}}, "not valid at this time"),
        ({"change": {"aud": "somebody-else"}}, "Audience"),
        ({"signer": GrantSigner(new_key())}, "Signature"),
    ],
)
def test_without_a_good_grant_nothing_is_put(
    desk: Desk, granter: Granter, azure_spec: MakeSpec, change: dict[str, Any], said: str
) -> None:
    for name, value in change.items():
        setattr(granter, name, value)
    with pytest.raises(RefusedError, match=said):
        desk.submit(azure_spec())
    assert desk.made() == 0


def test_a_bot_that_is_away_is_told_and_nothing_is_put(
    desk: Desk, azure_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRSP_BOT_URL", "http://127.0.0.1:9")
    with pytest.raises(AwayError, match="does not answer"):
        desk.submit(azure_spec())
    assert desk.made() == 0


def test_a_job_waits_with_its_spec_in_a_variable_and_never_in_the_command(
    desk: Desk, azure_spec: MakeSpec
) -> None:
    desk.submit(azure_spec(eval={"prompts": ["$(rm -rf /) ##vso[x]"]}))
    job = eventually(desk.job)
    assert "rm -rf" not in job.command
    assert "$(" not in job.environment_variables["KRSP_SPEC"]
