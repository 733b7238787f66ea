"""Learning from preferences in two processes is learning in one."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.launch import ended, killed_at_the_end, seats, start
from tests.trainer.preferred import preference_spec, write_preferences
from tests.trainer.small import read_progress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_two_processes_learn_the_same_preferences_as_one(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    """Each asks the base model about half of the rows, and steps are averaged over all of them."""
    write_preferences(tmp_path)
    body = preference_spec("dpo", model={"source": str(small_run.output / "model")})
    spec = tmp_path / "spec.json"
    micro = {"tokens_per_step": 512, "micro_tokens": 128}
    spec.write_text(json.dumps({**body.model_dump(mode="json"), "batch": micro}))
    env = {"KRSP_HOME": str(tmp_path), "KRSP_WORKDIR": str(tmp_path), "MLFLOW_TRACKING_URI": ""}
    arguments = ["run", str(spec), "--output"]
    two = [start([*arguments, str(tmp_path / "two")], {**env, **seat}) for seat in seats(2)]
    with killed_at_the_end(*two):
        assert [ended(process)[0] for process in two] == [0, 0]
    assert trainer(*arguments, tmp_path / "one", env=env).code == 0
    results = [read_progress(tmp_path / name)[-1] for name in ("one", "two")]
    one, two_found = results
    assert (one.kind, two_found.kind) == ("result", "result")
    assert two_found.eval_loss == pytest.approx(one.eval_loss, rel=1e-4)
    assert two_found.metrics == pytest.approx(one.metrics, rel=1e-3)
    weights = [load_file(tmp_path / name / "model/model.safetensors") for name in ("one", "two")]
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=2e-3)
