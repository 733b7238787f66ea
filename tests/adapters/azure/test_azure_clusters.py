"""Why a job waits, in the words of its cluster."""

from typing import Any

import pytest

from bot.adapters.azure.clusters import Machines, shown, why_waiting
from bot.adapters.azure.job_state import Job
from trainer.contract.clusters import ClusterEntry

ENTRY = ClusterEntry(sku="Standard_NC4as_T4_v3", priority="low", cluster="t4-low")


def machines(**changes: Any) -> Machines:
    values: dict[str, Any] = {
        "name": "t4-low",
        "sku": "Standard_NC4as_T4_v3",
        "is_low": True,
        "most": 2,
        "busy": 0,
        "idle": 0,
        "is_resizing": False,
        "quota": 10,
        **changes,
    }
    return Machines(**values)


def job(status: str = "Queued", nodes: int = 1) -> Job:
    return Job("run-20261123-aaaaaa", status, cluster="t4-low", nodes=nodes)


@pytest.mark.parametrize(
    ("found", "nodes", "said"),
    [
        (machines(busy=2), 1, "All 2 nodes are busy on t4-low"),
        (machines(most=1, busy=1), 1, "The only node is busy on t4-low"),
        (machines(busy=1), 2, "has 1 of 2 nodes free, and it needs 2"),
        (machines(), 3, "it will never start"),
        (machines(quota=0), 1, "quota for Standard_NC4as_T4_v3 is used up"),
        (machines(), 1, "is starting a node for it, which takes some minutes, if low-priority"),
        (machines(is_low=False), 1, "is starting a node for it, which takes some minutes."),
        (machines(idle=1, is_resizing=True), 1, "is starting a node"),
        (machines(idle=1), 1, "has a free node"),
        (machines(idle=1, quota=0), 1, "has a free node"),
        (None, 1, "The cluster t4-low is not there"),
    ],
)
def test_a_waiting_job_says_what_it_waits_for(
    found: Machines | None, nodes: int, said: str
) -> None:
    assert said in why_waiting(job(nodes=nodes), found, "")


def test_a_job_that_is_being_prepared_does_not_blame_the_cluster() -> None:
    assert "image" in why_waiting(job("Preparing"), machines(busy=2), "")


def test_the_services_own_words_fill_the_gaps() -> None:
    assert why_waiting(job(), None, "Waiting for nodes.") == "Waiting for nodes."


def test_clusters_are_shown_in_the_order_of_their_file_with_who_waits() -> None:
    other = ClusterEntry(sku="Standard_DS3_v2", cluster="cpu-small")
    found = shown([other, ENTRY], {"t4-low": machines(busy=1, idle=1)}, [job(), job("Running")])
    assert [one.name for one in found] == ["cpu-small", "t4-low"]
    assert "has no cluster cpu-small" in found[0].note
    t4 = found[1]
    assert (t4.most, t4.busy, t4.idle, t4.waiting, t4.quota) == (2, 1, 1, 1, 10)


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (machines(quota=0, busy=1), "quota for these machines is used up"),
        (machines(state="Deleting"), "The cluster is deleting."),
        (machines(sku="Standard_DS3_v2"), "Its machines are Standard_DS3_v2"),
        (machines(quota=0, busy=2), ""),
    ],
)
def test_what_is_wrong_with_a_cluster_is_noted(found: Machines, note: str) -> None:
    assert note in shown([ENTRY], {"t4-low": found}, [])[0].note
