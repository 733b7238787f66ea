"""The verbs as a pipeline calls them: exit codes, sentences, nothing heavy where none is due."""

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import Finished, Trainer
from tests.trainer.small import (
    ROOT,
    process_environment,
    read_progress,
    small_spec,
    write_colours,
)
from trainer.__main__ import VERBS
from trainer.contract.job import JobRequest
from trainer.contract.spec import spec_hash

LOADED = """
import json, sys
from trainer.__main__ import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""
HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "pyarrow", "mlflow", "numpy"}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    write_colours(tmp_path)
    path = tmp_path / "spec.json"
    path.write_text(small_spec().model_dump_json())
    return path


def call(trainer: Trainer, folder: Path, *arguments: object) -> Finished:
    env = {"KRSP_HOME": str(folder / "home"), "KRSP_WORKDIR": str(folder)}
    return trainer(*arguments, env=env)


def test_validate_loads_nothing_heavy(spec: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "validate", str(spec), "--json"],
        env=process_environment({"KRSP_WORKDIR": str(spec.parent)}),
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert HEAVY.isdisjoint(modules)


def test_validate_counts_rows_and_names_the_hashes(trainer: Trainer, spec: Path) -> None:
    done = call(trainer, spec.parent, "validate", spec, "--json")
    found = json.loads(done.output)
    assert done.code == 0
    assert (found["ok"], found["rows"]) == (True, 200)
    assert found["rows_train"] + found["rows_eval"] == 200
    assert found["spec_sha256"] == spec_hash(small_spec())


def test_validate_names_every_fault_of_a_spec(trainer: Trainer, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("{method: sft, recipe: x, name: X, data: {}, model: {}, budget: {}}")
    done = call(trainer, tmp_path, "validate", path)
    assert done.code == 2
    for place in ("name:", "data.train:", "model:", "budget:"):
        assert place in done.errors
    assert "Traceback" not in done.errors


def test_validate_names_the_lines_of_bad_rows(trainer: Trainer, spec: Path) -> None:
    (spec.parent / "colours.jsonl").write_text('{"question": "a"}\n{bad\n')
    words = call(trainer, spec.parent, "validate", spec)
    values = json.loads(call(trainer, spec.parent, "validate", spec, "--json").output)
    assert words.code == 2
    assert "colours.jsonl, line 1: " in words.errors
    assert "colours.jsonl, line 2: " in words.errors
    assert (values["ok"], values["count"], len(values["faults"])) == (False, 2, 2)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "does not exist"), ("", "is empty"), ("{}\n", "line 1")]
)
def test_run_refuses_bad_data_at_once_with_exit_code_2(
    trainer: Trainer, spec: Path, content: str | None, said: str
) -> None:
    data = spec.parent / "colours.jsonl"
    data.unlink() if content is None else data.write_text(content)
    done = call(trainer, spec.parent, "run", spec, "--output", spec.parent / "out")
    last = read_progress(spec.parent / "out")[-1]
    assert done.code == 2
    assert last.kind == "failure"
    assert last.failure.kind == "bad_data"
    assert said in last.failure.message
    assert "Traceback" not in done.errors


def test_run_refuses_a_bad_spec_in_the_progress_file_too(trainer: Trainer, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text("{}")
    done = call(trainer, tmp_path, "run", path, "--output", tmp_path / "out", "--progress", "json")
    assert done.code == 2
    assert json.loads(done.output)["failure"]["kind"] == "bad_spec"
    assert done.output == (tmp_path / "out" / "progress.jsonl").read_text()


def test_a_failed_run_leaves_a_redacted_line_and_the_trace_in_the_log(
    trainer: Trainer, spec: Path
) -> None:
    """A cache that is a file is nothing that the trainer foresees."""
    (spec.parent / "home").mkdir()
    (spec.parent / "home" / "cache").write_text("in the way")
    done = call(trainer, spec.parent, "run", spec, "--output", spec.parent / "out")
    last = read_progress(spec.parent / "out")[-1]
    assert done.code == 1
    assert last.kind == "failure"
    assert last.failure.kind == "bug"
    assert str(spec.parent) not in last.failure.message
    assert "Traceback" in done.errors


def test_estimate_gives_numbers_and_sentences(trainer: Trainer, spec: Path) -> None:
    words = call(trainer, spec.parent, "estimate", spec)
    values = json.loads(call(trainer, spec.parent, "estimate", spec, "--json").output)
    assert words.code == 0
    assert "30,240" in words.output
    assert values["parameters"] == 30_240
    assert values["seconds_low"] < values["seconds"] < values["seconds_high"]


def test_recipes_are_listed(trainer: Trainer) -> None:
    listed = trainer("recipes", "--json").output.splitlines()
    names = [json.loads(line)["name"] for line in listed]
    assert names[0] == "tiny-sft"  # what a newcomer should start with
    files = (resources.files("trainer") / "recipes").iterdir()
    assert names[1:] == sorted({file.name.removesuffix(".yaml") for file in files} - {"tiny-sft"})


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["submit", "x"]])
def test_a_wrong_call_says_how_to_call(trainer: Trainer, arguments: list[str]) -> None:
    done = trainer(*arguments)
    assert done.code == 2
    assert "usage: python -m trainer" in done.errors


def test_help_names_every_verb(trainer: Trainer) -> None:
    text = trainer("--help").output
    assert all(verb in text for verb in VERBS)


@pytest.fixture
def snapshot(trainer: Trainer, tmp_path: Path) -> dict[str, Any]:
    done = trainer("snapshot", "--output", tmp_path / "code", "--vso")
    values, command = done.output.splitlines()
    found: dict[str, Any] = json.loads(values)
    name = "##vso[task.setvariable variable=codeSha256;isOutput=true]"
    assert command == name + found["code_sha256"]
    return found


def submit(trainer: Trainer, spec: Path, *more: object) -> Finished:
    code = spec.parent / "code"
    target = ("--target", "local", "--run-id", "run-20261123-a2b3c4")
    return call(trainer, spec.parent, "submit", spec, *target, "--code", code, *more)


def test_submit_writes_a_job_that_runs_the_snapshots_code(
    trainer: Trainer, spec: Path, snapshot: dict[str, Any]
) -> None:
    done = submit(trainer, spec, "--code-sha256", snapshot["code_sha256"])
    job = JobRequest.model_validate_json(Path(json.loads(done.output)["job"]).read_bytes())
    asked = subprocess.run(
        [job.command[0], "-c", "import trainer; print(trainer.__file__)"],
        cwd=job.cwd,
        env={**process_environment({}), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.code == 0
    assert asked.stdout.strip() == f"{job.cwd}/trainer/__init__.py"
    assert job.cwd.endswith(snapshot["code_sha256"])
    assert job.spec_sha256 == spec_hash(small_spec())
    assert (job.sku, job.gpus) == ("local-cpu", 0)
    assert job.env["KRSP_RUN_ID"] == job.run_id == "run-20261123-a2b3c4"


def test_submitting_again_changes_nothing_and_another_spec_is_refused(
    trainer: Trainer, spec: Path, snapshot: dict[str, Any]
) -> None:
    first = json.loads(submit(trainer, spec).output)
    before = Path(first["job"]).read_bytes()
    again = submit(trainer, spec)
    spec.write_text(small_spec(name="other").model_dump_json())
    other = submit(trainer, spec)
    assert first["submitted"] is True
    assert json.loads(again.output)["submitted"] is False
    assert (other.code, Path(first["job"]).read_bytes()) == (2, before)
    assert "submitted with another spec" in other.errors


def test_code_that_changed_after_its_check_is_refused(
    trainer: Trainer, spec: Path, snapshot: dict[str, Any]
) -> None:
    (spec.parent / "code" / "trainer" / "run.py").write_text("raise SystemExit\n")
    done = submit(trainer, spec, "--code-sha256", snapshot["code_sha256"])
    assert done.code == 2
    assert "has changed" in done.errors
    assert not (spec.parent / "home" / "jobs").exists()


@pytest.mark.parametrize("run_id", ["../../etc", "Run", "", "a/b"])
def test_a_run_id_that_is_a_path_is_refused(
    trainer: Trainer, spec: Path, snapshot: dict[str, Any], run_id: str
) -> None:
    done = submit(trainer, spec, "--run-id", run_id)
    assert done.code == 2
    assert "is not a run id" in done.errors


def test_azure_without_its_variables_names_each_of_them(
    trainer: Trainer, spec: Path, snapshot: dict[str, Any]
) -> None:
    done = submit(trainer, spec, "--target", "azureml")
    assert done.code == 2
    for name in ("KRSP_WORKSPACE", "KRSP_BOT_URL", "KRSP_GRANT_PUBLIC_KEY", "KRSP_TRAINER_IMAGE"):
        assert f"{name} is not set" in done.errors


def test_the_snapshot_knows_its_commit(snapshot: dict[str, Any], tmp_path: Path) -> None:
    kept = json.loads((tmp_path / "code" / "snapshot.json").read_text())
    assert kept == snapshot
    assert snapshot["commit"] is None or len(snapshot["commit"]) == 40
    assert (ROOT / "trainer" / "run.py").read_bytes() == (
        tmp_path / "code" / "trainer" / "run.py"
    ).read_bytes()
