"""What `test_sharding.py` shows on two CPU processes, on two GPUs: NCCL, bf16, CUDA's attention."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.launch import ended, killed_at_the_end, seats, start
from tests.trainer.small import read_progress
from tests.trainer.spread import SAVED, STEPS, spread_spec

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs"),
]
# bf16 has 8 bits of mantissa; losses are sums over a hundred tokens.
BF16 = 2e-2


def made(folder: Path, runs: dict[str, Any], places: list[dict[str, str]]) -> None:
    """Make the runs in one process on each place."""
    specs = {
        name: {**run, "spec": run["spec"].model_dump(mode="json")} for name, run in runs.items()
    }
    (folder / "runs.json").write_text(json.dumps(specs))
    running = [start([str(folder)], env, program="tests.trainer.spread") for env in places]
    with killed_at_the_end(*running):
        ends = [ended(process) for process in running]
    assert [code for code, _ in ends] == [0] * len(places), ends


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the same run on one GPU and on two, copied and sharded."""
    folder = tmp_path_factory.mktemp("gpus")
    sharded = spread_spec(compute={"sharding": "full"})
    made(folder, {"one": {"spec": spread_spec()}}, [{"CUDA_VISIBLE_DEVICES": "0"}])
    together = {
        "copied": {"spec": spread_spec(compute={"sharding": "none"})},
        "sharded": {"spec": sharded},
        "sharded again": {"spec": sharded, "goes_on_from": "sharded"},
    }
    made(folder, together, seats(2))
    return folder


def losses(folder: Path, name: str) -> dict[int, float]:
    seen: dict[str, Any] = torch.load(folder / name / "rank-0.pt", map_location="cpu")
    found: dict[int, float] = seen["losses"]
    return found


@pytest.mark.parametrize("mode", ["copied", "sharded"])
def test_two_gpus_learn_what_one_does(runs: Path, mode: str) -> None:
    assert len(losses(runs, "one")) == STEPS
    assert losses(runs, mode) == pytest.approx(losses(runs, "one"), rel=BF16)


def test_two_gpus_go_on_from_a_sharded_checkpoint(runs: Path) -> None:
    again = losses(runs, "sharded again")
    whole = {step: loss for step, loss in losses(runs, "sharded").items() if step > SAVED}
    assert again == pytest.approx(whole, rel=BF16)
    lines = read_progress(runs / "sharded again/output")
    assert [line.exact for line in lines if line.kind == "resume"] == [True]


def test_a_sharded_model_lies_on_both_gpus(runs: Path) -> None:
    for rank in (0, 1):
        seen = torch.load(runs / "sharded" / f"rank-{rank}.pt", map_location="cpu")
        assert seen["types"] == ["DTensor"]
