"""Sweeps over HTTP."""

from bot.domain.sweep import SweepStatus
from tests.bot.web.conftest import Site
from trainer.contract.sweep import read_sweep

SPEC = read_sweep({"recipe": "tiny-sft", "vary": {"lr": [1e-3, 2e-3]}, "changes": {"steps": 20}})


async def test_a_sweep_shows_its_trials_and_whoever_asked(site: Site) -> None:
    await site.sign_in("alex")
    (alex,) = [one for one in await site.service.people() if one.name == "Alex Wilber"]
    sweep = await site.service.sweeps.plan(alex, SPEC, nonce="nonce-1", thread=None)
    body = await (await site.get(f"sweeps/{sweep.id}")).json()
    assert body["status"] == SweepStatus.PLANNED
    assert body["requester"]["name"] == "Alex Wilber"
    assert sorted(run["values"]["lr"] for run in body["runs"]) == [1e-3, 2e-3]
    assert [run["status"] for run in body["runs"]] == [None, None]
    assert body["cost"] == 0
    listed = await (await site.get("sweeps")).json()
    assert [(one["id"], one["trials"]) for one in listed["sweeps"]] == [(sweep.id, 2)]


async def test_a_sweep_that_is_not_there_is_404(site: Site) -> None:
    await site.sign_in("alex")
    assert (await site.get("sweeps/sweep-20260101-aaaaaa")).status == 404
