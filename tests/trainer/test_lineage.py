"""What a model says of its origin, and who notices when it is no longer true."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.small import read_progress, small_spec
from trainer.compare import Comparison, Outcome, compare, outcome
from trainer.contract.spec import spec_hash
from trainer.lineage import changes, read_lineage
from trainer.snapshot import code_hash
from trainer.weights import files_of


def environment(run: SmallRun) -> dict[str, str]:
    return {"KRSP_HOME": str(run.home), "KRSP_WORKDIR": str(run.home)}


def test_the_lineage_names_data_code_machine_and_every_file(
    small_run: SmallRun, repository: Path
) -> None:
    folder = small_run.output / "model"
    found = read_lineage(folder)
    (data,) = small_run.of("data")
    assert found.run_id == "run-20261123-small2"
    assert found.spec_sha256 == spec_hash(small_spec())
    assert found.data_sha256 == data.sha256
    assert found.code_sha256 == code_hash(repository)
    assert found.lock_sha256 is not None
    assert found.versions["torch"] == torch.__version__
    assert found.hardware.memory_bytes > 1e9
    assert (found.seed, found.world_size, found.attempts) == (0, 1, 1)
    assert found.files.keys() == {path.name for path in files_of(folder)} - {"lineage.json"}
    assert "model.safetensors" in found.files
    assert "`lineage.json`" in (folder / "README.md").read_text()


def flip(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def remove(folder: Path) -> None:
    (folder / "config.json").unlink()


def add(folder: Path) -> None:
    (folder / "modeling.py").write_text("")


def rewrite_lineage(folder: Path) -> None:
    body = json.loads((folder / "lineage.json").read_text())
    (folder / "lineage.json").write_text(json.dumps({**body, "seed": 7}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (flip, "model.safetensors has changed"),
        (remove, "config.json is missing"),
        (add, "modeling.py was added"),
        (rewrite_lineage, "lineage.json has changed"),
    ],
)
def test_a_model_that_was_tampered_with_is_found_file_by_file(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path, harm: object, said: str
) -> None:
    output = tmp_path / "output"
    shutil.copytree(small_run.output / "model", output / "model")
    shutil.copyfile(small_run.output / "report.json", output / "report.json")
    assert callable(harm)
    harm(output / "model")
    done = trainer("verify", output)
    assert done.code == 3
    assert said in done.errors


def test_a_whole_model_is_told_with_its_hash_by_folder_and_by_run(
    small_run: SmallRun, trainer: Trainer
) -> None:
    (result,) = small_run.of("result")
    for name in (small_run.output, small_run.output / "model", "run-20261123-small2"):
        done = trainer("verify", name, "--json", env=environment(small_run))
        found = json.loads(done.output)
        assert (done.code, found["ok"], found["model_sha256"]) == (0, True, result.model_sha256)
    said = trainer("verify", small_run.output, "--sha256", result.model_sha256).output
    files = len(read_lineage(small_run.output / "model").files)
    assert f"is whole: {files} files, sha256 {result.model_sha256}." in said
    assert trainer("verify", small_run.output, "--sha256", "0" * 64).code == 3
    assert trainer("verify", small_run.home).code == 2
    assert changes(small_run.output / "model", read_lineage(small_run.output / "model")) == []


def test_a_run_is_reproduced_bitwise_on_the_same_machine(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    output = tmp_path / "again"
    done = trainer(
        "reproduce", small_run.spec.parent.name, "--output", output, env=environment(small_run)
    )
    sys.stdout.write(done.output)
    assert done.code == 0, done.errors
    assert done.output.startswith("bitwise: the loss is equal in all")
    first, second = outcome(small_run.output), outcome(output)
    assert sorted(second.losses) == list(range(1, 41))
    assert first.losses.items() <= second.losses.items()
    assert first.files["model.safetensors"] == second.files["model.safetensors"]


def test_a_run_whose_data_has_changed_is_not_reproduced(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    shutil.copyfile(small_run.home / "colours.jsonl", tmp_path / "colours.jsonl")
    with (tmp_path / "colours.jsonl").open("a") as file:
        file.write('{"question": "What else?", "answer": "Nothing."}\n')
    env = {**environment(small_run), "KRSP_WORKDIR": str(tmp_path)}
    done = trainer("reproduce", small_run.output, env=env)
    assert done.code == 2
    assert "The data has changed since run-20261123-small2" in done.errors


def test_a_tampered_run_is_not_reproduced(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    shutil.copytree(small_run.output, output)
    flip(output / "model")
    done = trainer("reproduce", output, env=environment(small_run))
    assert done.code == 2
    assert "model.safetensors has changed" in done.errors


FIRST = Outcome({1: 3.0, 2: 2.0, 3: 1.0}, 1.5, 3, {"model.safetensors": "a", "README.md": "x"})


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (
            Outcome({1: 3.0, 3: 1.0}, 1.5, 3, {"model.safetensors": "a", "README.md": "y"}),
            Comparison("bitwise", 2, None, 0.0, 0.0, ()),
        ),
        (
            Outcome({1: 3.0, 2: 2.0625, 3: 1.0}, 1.5, 3, {"model.safetensors": "b"}),
            Comparison("within tolerance", 3, 2, 0.0625, 0.0, ("model.safetensors",)),
        ),
        (
            Outcome({1: 3.0, 2: 2.0, 3: 1.5}, 1.5, 3, {"model.safetensors": "a"}),
            Comparison("differs", 3, 3, 0.5, 0.0, ()),
        ),
        (
            Outcome({1: 3.0, 2: 2.0}, 1.5, 2, {"model.safetensors": "a"}),
            Comparison("differs", 2, None, 0.0, 0.0, ()),
        ),
    ],
)
def test_two_runs_are_compared_by_step_by_held_out_loss_and_by_file(
    second: Outcome, expected: Comparison
) -> None:
    assert compare(FIRST, second, tolerance=0.1) == expected


def test_a_later_attempts_word_on_a_step_counts(small_run: SmallRun) -> None:
    steps = [line for line in read_progress(small_run.output) if line.kind == "step"]
    assert outcome(small_run.output).losses == {line.step: line.loss for line in steps}
