"""One real run from the command line, looked at from all sides."""

import json

import pytest
import torch
from mlflow import MlflowClient
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.trainer.conftest import SmallRun
from tests.trainer.small import small_spec
from trainer.attempt import REPORT
from trainer.contract.memory import memory_of
from trainer.contract.spec import spec_hash
from trainer.export import logits


def test_the_loss_falls_below_what_guessing_a_colour_would_give(small_run: SmallRun) -> None:
    (result,) = small_run.of("result")
    assert result.first_eval_loss == pytest.approx(5.69, abs=0.15)  # ln(300): knows nothing
    assert result.eval_loss < 0.75
    assert result.loss < 1.0


def test_the_file_tells_the_whole_run_in_order(small_run: SmallRun) -> None:
    phases = [line.phase.value for line in small_run.of("phase")]
    assert phases == ["data", "evaluate", "train", "evaluate", "export"]
    assert [line.step for line in small_run.of("eval")] == [0, 20, 40]
    assert [line.step for line in small_run.of("checkpoint")] == [10, 20, 30, 40]
    assert small_run.lines[-1].kind == "result"
    assert all(a.at <= b.at for a, b in zip(small_run.lines, small_run.lines[1:], strict=False))


def test_step_lines_end_at_the_total_with_tokens_that_only_grow(small_run: SmallRun) -> None:
    steps = small_run.of("step")
    tokens = [line.tokens for line in steps]
    assert (steps[-1].step, steps[-1].total, steps[-1].eta_s) == (40, 40, 0.0)
    assert tokens == sorted(set(tokens))
    assert all(line.tokens_per_s > 0 and line.grad_norm > 0 for line in steps)
    assert steps[-1].lr < 0.001 < max(line.lr for line in steps) <= 0.01


def test_the_data_line_accounts_for_every_row(small_run: SmallRun) -> None:
    (data,) = small_run.of("data")
    assert data.rows == 200 == data.rows_kept + data.rows_eval
    assert 0 < data.trained_tokens < data.tokens
    assert data.longest <= 64


def test_the_written_model_loads_and_judges_as_reported(small_run: SmallRun) -> None:
    folder = small_run.output / "model"
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert (folder / "model.safetensors").is_file()
    turns = [{"role": "user", "content": "What colour is thing 7?"}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    start = tokenizer(text + "It is", add_special_tokens=False, return_tensors="pt")["input_ids"]
    likeliest = tokenizer.decode(logits(model, start)[-1].argmax())
    assert likeliest.strip() in {"red", "green", "blue", "white", "black"} | set("rgbw")


def test_samples_say_what_the_model_answers(small_run: SmallRun) -> None:
    samples = small_run.of("sample")
    assert [sample.step for sample in samples] == [0, 20, 40]
    assert samples[-1].text.startswith("It is ")


def test_the_card_names_data_code_and_result(small_run: SmallRun) -> None:
    card = (small_run.output / "model" / "README.md").read_text()
    (data,) = small_run.of("data")
    (result,) = small_run.of("result")
    for part in (data.sha256, f"{result.eval_loss:.4f}", torch.__version__, "run-20261123-small2"):
        assert part in card


def test_the_report_is_the_result_line(small_run: SmallRun) -> None:
    report = json.loads((small_run.output / REPORT).read_text())
    (result,) = small_run.of("result")
    expected = json.loads(result.model_dump_json())
    assert {**report, "at": 0, "attempt": 1} == {**expected, "at": 0, "attempt": 1}


def test_only_the_newest_checkpoints_stay(small_run: SmallRun) -> None:
    left = sorted(path.name for path in (small_run.output / "checkpoints").iterdir())
    assert left == ["step-00000030", "step-00000040"]


# MLflow 3.17 uses a loader that SQLAlchemy 2.1 calls old.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_mlflow_holds_lineage_and_metrics_under_our_run_id(small_run: SmallRun) -> None:
    client = MlflowClient(f"sqlite:///{small_run.home}/mlflow.db")
    experiment = client.get_experiment_by_name("krsp")
    (run,) = client.search_runs(
        [experiment.experiment_id], "tags.`krsp.run_id` = 'run-20261123-small2'"
    )
    (result,) = small_run.of("result")
    (data,) = small_run.of("data")
    assert run.info.run_id == result.mlflow_run_id
    assert run.info.status == "FINISHED"
    assert run.data.metrics["eval_loss"] == pytest.approx(result.eval_loss)
    assert run.data.tags["krsp.data_sha256"] == data.sha256
    assert run.data.tags["krsp.version.torch"] == torch.__version__
    assert run.data.params["optim.lr"] == "0.01"
    assert len(run.data.params) <= 50


def test_mlflow_holds_the_very_spec(small_run: SmallRun) -> None:
    (found,) = (small_run.home / "mlartifacts").rglob("spec.json")
    assert small_spec().model_validate_json(found.read_text()) == small_spec()
    card = (small_run.output / "model" / "README.md").read_text()
    assert spec_hash(small_spec()) in card


def test_what_is_said_is_for_reading(small_run: SmallRun) -> None:
    assert "held-out loss 5." in small_run.said
    assert "{" not in small_run.said


def test_the_memory_estimate_is_of_the_right_size(small_run: SmallRun) -> None:
    (result,) = small_run.of("result")
    spec = small_spec()
    assert spec.model.config is not None
    expected = memory_of(spec.model.config, spec).total
    assert 0.6 < result.peak_memory_bytes / expected < 1.6
