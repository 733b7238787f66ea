"""A model that is there is judged as its run has judged it, beside its base, or not at all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trainer.conftest import SmallRun
from tests.trainer.small import COLOURS, read_progress
from trainer.__main__ import main
from trainer.contract.progress import ResultLine

Evaluate = Callable[..., int]
TASK = """
task: colours
dataset_path: json
dataset_kwargs: {data_files: {test: asked.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: answer
"""


@pytest.fixture
def evaluate(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Return the verb, with the small run's home."""
    monkeypatch.setenv("KRSP_HOME", str(small_run.home))
    monkeypatch.setenv("KRSP_WORKDIR", str(small_run.home))
    return lambda *arguments: main(["evaluate", *map(str, arguments)])


def test_a_runs_model_has_the_loss_that_its_run_reported(
    small_run: SmallRun, evaluate: Evaluate, tmp_path: Path
) -> None:
    assert evaluate(small_run.spec.parent.name, "--output", tmp_path) == 0
    report = ResultLine.model_validate_json((tmp_path / "report.json").read_text())
    (result,) = small_run.of("result")
    assert report.eval_loss == pytest.approx(result.eval_loss, rel=1e-4)
    assert report.model_sha256 == result.model_sha256
    assert (report.steps, report.first_eval_loss) == (0, report.eval_loss)
    kinds = [line.kind for line in read_progress(tmp_path)]
    assert kinds == ["phase", "eval", "sample", "result"]


def test_other_rows_and_tasks_are_asked_of_the_base_as_well(
    small_run: SmallRun, evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"question": f"What colour is thing {n}?", "answer": "So what."} for n in range(30)]
    (small_run.home / "other.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = [
        {
            "question": f"What colour is thing {n}?",
            "choices": [f"It is {colour}." for colour in COLOURS],
            "answer": n % 5,
        }
        for n in range(5)
    ]
    (small_run.home / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    (small_run.home / "colours.yaml").write_text(TASK)
    model = small_run.output / "model"
    arguments = ("--data", "other.jsonl", "--tasks", "colours.yaml", "--prompts", "--base", model)
    assert evaluate(model, *arguments, "--json") == 0
    found = ResultLine.model_validate_json(capsys.readouterr().out)
    (result,) = small_run.of("result")
    assert found.eval_loss > result.eval_loss + 1
    assert found.first_eval_loss == found.eval_loss
    assert found.metrics == found.first_metrics
    assert 0 <= found.metrics["colours/acc"] <= 1


def test_a_model_that_nobody_knows_needs_rows_to_be_judged_by(
    small_run: SmallRun,
    evaluate: Evaluate,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = tmp_path / "found"
    shutil.copytree(small_run.output / "model", model)
    (model / "lineage.json").unlink()
    assert evaluate(model) == 2
    assert "no lineage that says which rows were held out" in capsys.readouterr().out
    assert evaluate(model, "--data", "colours.jsonl", "--compare-base") == 2
    assert "Nothing says what base model" in capsys.readouterr().out
    assert evaluate(model, "--data", "colours.jsonl", "--max-rows", 20) == 0
    assert "judged; held-out loss 0." in capsys.readouterr().out
