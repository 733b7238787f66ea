"""A run in two processes, sharded or not, is the run in one process."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.launch import ended, killed_at_the_end, seats, start
from tests.trainer.small import context_of, read_progress
from tests.trainer.spread import SAVED, STEPS, carry_out, prepare, spread_spec
from trainer.checkpoint import newest
from trainer.contract.spec import RunSpec

# PEFT 0.21 asks transformers by the old name.
pytestmark = [
    pytest.mark.timeout(900),  # two processes and twelve runs, where all cores are busy
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]
LORA = {"kind": "lora", "r": 4, "dropout": 0.3}
MODES = ("copied", "sharded")


@dataclass(frozen=True)
class Runs:
    """A folder of runs, and what each process saw of each."""

    folder: Path

    def seen(self, name: str, rank: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = torch.load(self.folder / name / f"rank-{rank}.pt")
        return found

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        return load_file(self.folder / name / "output/model/model.safetensors")

    def lines(self, name: str, kind: str) -> list[Any]:
        lines = read_progress(self.folder / name / "output")
        return [line for line in lines if line.kind == kind]

    def resumed(self, name: str) -> Any:
        (line,) = self.lines(name, "resume")
        return line


def alone(folder: Path, name: str, spec: RunSpec, goes_on_from: str | None = None) -> None:
    """Make a run in this process."""
    prepare(folder, name, goes_on_from)
    torch.save(carry_out(context_of(spec, folder / name)), folder / name / "rank-0.pt")


def runs_of_two(base: Path) -> dict[str, Any]:
    """Return the runs that two processes make together."""
    sharded, copied = {"sharding": "full"}, {"sharding": "none"}
    asked = {"every_steps": 3, "prompts": ["What?"], "sample_tokens": 3}
    based = {"model": {"source": "folder"}, "tuning": LORA, "eval": asked}
    found = {
        "copied": {"spec": spread_spec(compute=copied)},
        "sharded": {"spec": spread_spec(compute=sharded)},
        "recomputed": {"spec": spread_spec(compute={**sharded, "activation_checkpointing": "on"})},
        "copied again": {"spec": spread_spec(compute=copied), "goes_on_from": "copied"},
        "sharded again": {"spec": spread_spec(compute=sharded), "goes_on_from": "sharded"},
        "machines": {"spec": spread_spec(compute={**sharded, "nodes": 2})},
        "machines again": {
            "spec": spread_spec(compute={**sharded, "nodes": 2}),
            "goes_on_from": "machines",
        },
        "one goes on in two": {"spec": spread_spec(compute=sharded), "goes_on_from": "one"},
        "adapters copied": {"spec": spread_spec(compute=copied, **based)},
        "adapters sharded": {"spec": spread_spec(compute=sharded, **based)},
    }
    # The numbers of one process only are none, and both have to do the same about it.
    found["skips"] = {"spec": spread_spec(compute=sharded, guard={"nan": "skip"}), "bad": [5]}
    found["goes back"] = {
        "spec": spread_spec(compute=sharded, guard={"nan": "rollback"}),
        "bad": [5],
    }
    found["stops early"] = {
        "spec": spread_spec(
            compute=sharded,
            optim={"lr": 0.1, "schedule": "constant", "warmup_fraction": 0.0},
            budget={"steps": 40},
            eval={"every_steps": 2},
            checkpoint={"every_steps": 40},
            early_stop={"patience": 2},
        )
    }
    for name in ("adapters copied", "adapters sharded"):
        found[name]["base"] = str(base)
        found[f"{name} again"] = {**found[name], "goes_on_from": name}
    return {
        name: {**run, "spec": run["spec"].model_dump(mode="json")} for name, run in found.items()
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Return the same run made by one process and by two, and goings-on from each to each."""
    folder = tmp_path_factory.mktemp("spread")
    alone(folder, "one", spread_spec())
    base = folder / "one/output/model"
    (folder / "runs.json").write_text(json.dumps(runs_of_two(base)))
    running = [start([str(folder)], env, program="tests.trainer.spread") for env in seats(2)]
    with killed_at_the_end(*running):
        codes = [ended(process) for process in running]
    assert [code for code, _ in codes] == [0, 0], codes
    alone(folder, "two go on in one", spread_spec(), "sharded")
    return Runs(folder)


def equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(
        bool((ours[name] == theirs[name]).all()) for name in ours
    )


@pytest.mark.parametrize("mode", [*MODES, "recomputed"])
def test_two_processes_learn_what_one_does(runs: Runs, mode: str) -> None:
    one, two = runs.seen("one"), runs.seen(mode)
    assert len(one["losses"]) == STEPS
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-5)
    assert two["eval_loss"] == pytest.approx(one["eval_loss"], rel=1e-5)
    for name, weight in runs.weights("one").items():
        assert torch.allclose(runs.weights(mode)[name], weight, atol=2e-4), name


@pytest.mark.parametrize("mode", [*MODES, "recomputed"])
def test_gradients_are_equal_in_both_processes_and_those_of_one(runs: Runs, mode: str) -> None:
    one, two = runs.seen("one")["gradients"], runs.seen(mode)["gradients"]
    assert equal(two, runs.seen(mode, 1)["gradients"])
    assert one.keys() == two.keys()
    for name, gradient in one.items():
        assert torch.allclose(gradient, two[name], atol=1e-6), name


def test_the_loss_is_divided_by_the_tokens_of_all_processes(runs: Runs) -> None:
    """Batches differ so much that a mean of means would be another loss."""
    learned = [runs.seen("sharded", rank)["learned"][:2] for rank in (0, 1)]
    assert sum(map(sum, learned)) == sum(runs.seen("one")["learned"][:4])
    assert max(map(max, learned)) > 1.15 * min(map(min, learned))


def test_a_sharded_model_has_nothing_but_shared_weights(runs: Runs) -> None:
    assert runs.seen("one")["types"] == runs.seen("copied")["types"] == ["Tensor"]
    for rank in (0, 1):
        assert runs.seen("sharded", rank)["types"] == ["DTensor"]
        assert runs.seen("adapters sharded", rank)["types"] == ["DTensor"]


@pytest.mark.parametrize(
    "name", ["copied", "sharded", "machines", "adapters copied", "adapters sharded"]
)
def test_two_processes_go_on_exactly(runs: Runs, name: str) -> None:
    """Adapters drop out: the chance of each process counts."""
    whole, again = runs.seen(name)["losses"], runs.seen(f"{name} again")["losses"]
    line = runs.resumed(f"{name} again")
    assert (line.exact, line.note) == (True, "")
    assert again == {step: loss for step, loss in whole.items() if step > SAVED}
    assert equal(runs.weights(name), runs.weights(f"{name} again"))


@pytest.mark.parametrize(
    ("before", "after"), [("one", "one goes on in two"), ("sharded", "two go on in one")]
)
def test_another_number_of_processes_goes_on_about_there(
    runs: Runs, before: str, after: str
) -> None:
    whole, again = runs.seen(before)["losses"], runs.seen(after)["losses"]
    line = runs.resumed(after)
    assert (line.exact, line.step) == (False, SAVED)
    assert "the number of processes" in line.note
    assert list(again) == [4, 5, 6]
    assert again == pytest.approx({step: whole[step] for step in again}, rel=1e-5)


def test_a_sharded_checkpoint_lies_in_parts(runs: Runs) -> None:
    folder = runs.folder / "sharded" / "output" / "checkpoints" / f"step-{SAVED:08d}"
    names = {path.name for path in folder.iterdir()}
    assert {"__0_0.distcp", "__1_0.distcp", ".metadata"} <= names
    assert {"rng_state_0.pth", "rng_state_1.pth", "scheduler.pt", "trainer_state.json"} <= names
    assert "model.safetensors" not in names


def test_machines_put_a_checkpoint_together_in_the_folder_that_all_see(runs: Runs) -> None:
    found = newest(runs.folder / "machines/keep")
    assert found is not None
    assert {"__0_0.distcp", "__1_0.distcp", "rng_state_1.pth"} <= found[1].files.keys()
    paths = [line.path for line in runs.lines("machines", "checkpoint")]
    assert paths[-1] == str(found[0])
    assert runs.seen("machines")["losses"] == runs.seen("sharded")["losses"]


def test_adapters_of_two_processes_learn_as_copied_ones(runs: Runs) -> None:
    """Each process drops its own units, so that sharded and copied are the same computation."""
    copied, sharded = runs.seen("adapters copied"), runs.seen("adapters sharded")
    assert sharded["losses"] == pytest.approx(copied["losses"], rel=1e-4)
    assert math.isfinite(sharded["eval_loss"])


def test_samples_of_a_sharded_model_are_asked_of_all_and_told_once(runs: Runs) -> None:
    for name in ("adapters copied", "adapters sharded"):
        assert [line.step for line in runs.lines(name, "sample")] == [0, 3, 6]
    assert not [
        line
        for line in read_progress(runs.folder / "adapters copied/output/rank-1")
        if line.kind == "sample"
    ]


def test_the_plan_says_how_the_processes_hold_the_model(runs: Runs) -> None:
    notes = {
        name: [
            line.note
            for line in read_progress(runs.folder / name / "output")
            if line.kind == "phase"
        ]
        for name in ("one", "copied", "sharded", "recomputed")
    }
    said = {name: " ".join(found) for name, found in notes.items()}
    assert "processes" not in said["one"]
    assert "2 processes, each holds the whole model (DDP)." in said["copied"]
    assert "2 processes, each holds its share of the model (FSDP2)." in said["sharded"]
    assert "again in the backward pass." in said["recomputed"]


def test_a_batch_that_is_bad_for_one_process_is_skipped_by_both(runs: Runs) -> None:
    ours, theirs = runs.seen("skips")["losses"], runs.seen("skips", rank=1)["losses"]
    whole = runs.seen("sharded")["losses"]
    assert ours == theirs
    assert all(map(math.isfinite, ours.values()))
    assert [ours[step] for step in (1, 2, 3, 4)] == [whole[step] for step in (1, 2, 3, 4)]
    assert ours[6] != whole[6]
    (line,) = runs.lines("skips", "guard")
    assert (line.step, line.event, line.action) == (5, "loss_not_finite", "skipped")
    assert line.rows[0].startswith("colours.jsonl:")
    assert math.isfinite(runs.seen("skips")["eval_loss"])


def test_both_processes_go_back_when_one_has_a_bad_batch(runs: Runs) -> None:
    (line,) = runs.lines("goes back", "guard")
    assert (line.step, line.action, line.back_to) == (5, "rolled_back", 3)
    ours, theirs = runs.seen("goes back")["losses"], runs.seen("goes back", rank=1)["losses"]
    assert ours == theirs
    assert max(ours) == STEPS
    assert all(map(math.isfinite, ours.values()))


def test_both_processes_stop_early_with_the_best_weights(runs: Runs) -> None:
    seen = runs.seen("stops early")
    assert max(seen["losses"]) == max(runs.seen("stops early", rank=1)["losses"]) < 40
    judged = {line.step: line.loss for line in runs.lines("stops early", "eval") if line.step}
    assert seen["eval_loss"] == min(judged.values())


def test_the_model_is_written_once_by_the_first_process(runs: Runs) -> None:
    assert not (runs.folder / "sharded/output/rank-1/model").exists()
    assert runs.weights("sharded").keys() == runs.weights("one").keys()
