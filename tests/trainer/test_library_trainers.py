"""What we rely on in the trainers of transformers and TRL that they do not promise to keep."""

import inspect
from typing import Any

import pytest
import trl

TRAINERS = (trl.SFTTrainer, trl.DPOTrainer, trl.KTOTrainer)
COMPARING = (trl.DPOTrainer, trl.KTOTrainer)
# Private methods that ours override or call, and their parameters.
SIGNATURES = {
    "compute_loss": ("self", "model", "inputs", "return_outputs", "num_items_in_batch"),
    "_get_grad_norm": ("self", "model", "grad_norm"),
    "_save_checkpoint": ("self", "model", "trial"),
    "_get_num_items_in_batch": ("self", "batch_samples", "device"),
    "_load_from_checkpoint": ("self", "resume_from_checkpoint", "model"),
    "_load_optimizer_and_scheduler": ("self", "checkpoint"),
}
OF_COMPARING = {
    "_prepare_dataset": ("self", "dataset", "processing_class", "args", "dataset_name"),
    "_precompute_ref_logps": ("self", "dataset", "name", "batch_size"),
    "compute_ref_log_probs": ("self", "model", "inputs"),
}


def parameters(kind: Any, name: str) -> tuple[str, ...]:
    return tuple(inspect.signature(getattr(kind, name)).parameters)


@pytest.mark.parametrize("kind", TRAINERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", SIGNATURES)
def test_a_method_that_ours_overrides_has_the_parameters_that_we_know(kind: Any, name: str) -> None:
    assert parameters(kind, name) == SIGNATURES[name]


@pytest.mark.parametrize("kind", COMPARING, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", OF_COMPARING)
def test_a_method_of_preferences_has_the_parameters_that_we_know(kind: Any, name: str) -> None:
    assert parameters(kind, name) == OF_COMPARING[name]


@pytest.mark.parametrize("kind", TRAINERS, ids=lambda kind: kind.__name__)
def test_saving_a_checkpoint_is_what_transformers_does_but_for_a_model_card(kind: Any) -> None:
    """Ours leaves the library's out and calls transformers' own."""
    source = inspect.getsource(kind._save_checkpoint)
    assert source.count("super()._save_checkpoint(model, trial)") == 1
    assert "create_model_card" in source


@pytest.mark.parametrize("kind", COMPARING, ids=lambda kind: kind.__name__)
def test_a_loss_of_preferences_is_a_mean_over_the_rows_of_a_pass(kind: Any) -> None:
    """Ours weighs each pass by its rows, and tells transformers not to divide again."""
    assert kind.loss_is_scaled_for_ga is False
