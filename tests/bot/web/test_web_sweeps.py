"""Sweeps over HTTP."""

from typing import Any

import pytest

from bot.domain.sweep import SweepStatus
from tests.bot.web.conftest import Site

SWEEP = {"recipe": "tiny-sft", "vary": {"optim.lr": ["1e-3", "2e-3"]}, "changes": {"steps": "20"}}
DEAR = {**SWEEP, "changes": {"steps": "160000"}}


async def plan(site: Site, sweep: dict[str, Any] = SWEEP, nonce: str = "nonce-0001") -> Any:
    answer = await site.post("sweeps", {"sweep": sweep, "nonce": nonce})
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def act(site: Site, sweep: Any, verb: str, **body: str) -> Any:
    answer = await site.post(f"sweeps/{sweep['id']}/{verb}", body)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_a_planned_sweep_shows_its_trials_and_price_and_spends_nothing(site: Site) -> None:
    await site.sign_in("alex")
    planned = await plan(site)
    assert (await plan(site))["id"] == planned["id"]
    body = await (await site.get(f"sweeps/{planned['id']}")).json()
    assert body["status"] == SweepStatus.PLANNED
    assert body["requester"]["name"] == "Alex Wilber"
    assert sorted(run["values"]["optim.lr"] for run in body["runs"]) == ["1e-3", "2e-3"]
    assert [run["status"] for run in body["runs"]] == [None, None]
    assert (body["cost"], body["rights"]["start"]["allowed"]) == (0, True)
    assert body["plan"]["cost_high"] > body["plan"]["cost"] > 0
    listed = await (await site.get("sweeps")).json()
    assert [(one["trials"], one["varied"]) for one in listed["sweeps"]] == [(2, ["optim.lr"])]
    assert await site.store.unfinished() == []


async def test_only_who_planned_a_sweep_starts_it_and_it_is_stopped_with_a_reason(
    site: Site,
) -> None:
    await site.sign_in("alex")
    planned = await plan(site)
    await site.sign_in("megan")
    refused = await site.post(f"sweeps/{planned['id']}/start")
    body = await site.refused(refused, 403, "forbidden")
    assert "only they can start it" in body["detail"]
    await site.sign_in("alex")
    started = await act(site, planned, "start")
    assert started["status"] == SweepStatus.RUNNING
    assert started["rights"]["start"]["why"] == "It has been started already."
    stopped = await act(site, planned, "cancel", reason="wrong data")
    assert stopped["is_stopping"]
    assert "wrong data" in stopped["trail"][-1]["text"]


@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_somebody_else_decides_on_all_runs_of_a_dear_sweep(site: Site, verb: str) -> None:
    await site.sign_in("alex")
    planned = await plan(site, DEAR)
    waiting = await act(site, planned, "start")
    assert waiting["status"] == SweepStatus.AWAITING_APPROVAL
    assert (waiting["approval"]["key"], waiting["rights"]["approve"]["allowed"]) == ("", False)
    await site.sign_in("megan")
    decided = await act(site, planned, verb, **({"reason": "no"} if verb == "reject" else {}))
    assert decided["status"] == {"approve": "running", "reject": "rejected"}[verb]


async def test_faults_of_a_sweep_are_named_by_their_settings(site: Site) -> None:
    await site.sign_in("alex")
    wrong = {
        "recipe": "tiny-sft",
        "vary": {"optim.lr": ["fast", "1e-3"], "data.max_length": {"low": "9", "high": "3"}},
        "changes": {"budget.steps": "-3", "optim.weight_decay": ""},
    }
    answer = await site.post("sweeps", {"sweep": wrong, "nonce": "nonce-0001"})
    body = await site.refused(answer, 422, "invalid_input")
    assert [fault["loc"] for fault in body["errors"]] == ["data.max_length"]
    wrong["vary"] = {"optim.lr": ["fast", "1e-3"]}
    answer = await site.post("sweeps", {"sweep": wrong, "nonce": "nonce-0001"})
    body = await site.refused(answer, 422, "invalid_input")
    assert [fault["loc"] for fault in body["errors"]] == ["budget.steps", "optim.lr"]


async def test_the_page_of_a_trials_run_says_of_which_sweep_it_is(site: Site) -> None:
    await site.sign_in("alex")
    planned = await plan(site)
    first = planned["runs"][0]
    answer = await site.post(f"drafts/{first['run_id']}/start")
    detail = await answer.json()
    assert detail["run"]["sweep"] == planned["id"]
    trial = detail["trial"]
    assert (trial["sweep"], trial["number"], trial["trials"]) == (planned["id"], 1, 2)
    assert (trial["values"], trial["is_best"]) == (first["values"], False)


async def test_a_sweep_that_is_not_there_is_404(site: Site) -> None:
    await site.sign_in("alex")
    assert (await site.get("sweeps/sweep-20260101-aaaaaa")).status == 404
