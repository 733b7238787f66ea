"""How a run spreads over its processes follows from what they hold and what it needs."""

import math
from pathlib import Path

import pytest
import torch

from tests.trainer.small import context_of, small_spec, write_colours
from tests.trainer.spread import carry_out, spread_spec
from trainer.contract.counts import parameter_count
from trainer.contract.estimate import estimate
from trainer.contract.methods import SHARDED_METHODS, method_names
from trainer.contract.passes import micro_tokens
from trainer.contract.spec import ModelConfig, canonical_json
from trainer.contract.spread import USABLE, WHOLE, Spread, choose, in_words

NEED = {
    WHOLE: 100,
    Spread(is_sharded=True): 60,
    Spread(recomputes=True): 70,
    Spread(is_sharded=True, recomputes=True): 30,
}
LARGE = ModelConfig(hidden_size=4096, layers=32, heads=32, kv_heads=8, vocab_size=32_000)


@pytest.mark.parametrize(
    ("processes", "room", "found"),
    [
        (1, 100, WHOLE),
        (1, 99, Spread(recomputes=True)),
        (1, 1, Spread(recomputes=True)),
        (2, 100, WHOLE),
        (2, 99, Spread(is_sharded=True)),
        (2, 59, Spread(is_sharded=True, recomputes=True)),
        (2, 1, Spread(is_sharded=True, recomputes=True)),
    ],
)
def test_left_open_the_cheapest_spread_that_fits_is_taken(
    processes: int, room: int, found: Spread
) -> None:
    memory = math.ceil(room / USABLE)
    assert choose(small_spec(), NEED.__getitem__, processes=processes, memory_bytes=memory) == found


@pytest.mark.parametrize(
    ("compute", "processes", "found"),
    [
        ({"sharding": "none"}, 2, Spread(recomputes=True)),
        ({"sharding": "full"}, 2, Spread(is_sharded=True, recomputes=True)),
        ({"activation_checkpointing": "off"}, 2, Spread(is_sharded=True)),
        ({"sharding": "full", "activation_checkpointing": "off"}, 1, WHOLE),
    ],
)
def test_what_the_spec_says_is_done_even_where_it_does_not_fit(
    compute: dict[str, str], processes: int, found: Spread
) -> None:
    spec = small_spec(compute=compute)
    assert choose(spec, NEED.__getitem__, processes=processes, memory_bytes=1) == found


def test_nothing_is_shared_out_where_the_need_is_not_known() -> None:
    assert choose(small_spec(), None, processes=2, memory_bytes=100) == WHOLE


def test_a_single_process_is_told_that_there_is_nobody_to_share_with() -> None:
    spec = small_spec(compute={"sharding": "full"})
    assert "nobody to share" in in_words(spec, WHOLE, processes=1)


def test_a_large_model_is_shared_out_among_eight_gpus_and_the_plan_says_so() -> None:
    compute = {"sku": "Standard_ND96amsr_A100_v4"}
    spec = small_spec(model={"config": LARGE.model_dump()}, compute=compute)
    found = estimate(spec)
    assert found.spread == "8 processes, each holds its share of the model (FSDP2)."
    assert 80 * 2**30 > found.memory_bytes > 16 * parameter_count(LARGE) / 8
    assert not found.warnings
    copied = small_spec(
        model={"config": LARGE.model_dump()}, compute={**compute, "sharding": "none"}
    )
    assert "This needs about" in " ".join(estimate(copied).warnings)


def test_a_step_left_to_the_trainer_holds_the_same_tokens_in_any_number_of_processes() -> None:
    spec = small_spec(batch={"tokens_per_step": 4096})
    assert [micro_tokens(spec, ranks) * ranks for ranks in (1, 2, 4)] == [4096] * 3
    assert micro_tokens(small_spec(), 16) == 64  # a whole sequence must fit


def test_methods_that_were_not_shown_to_shard_are_refused_or_left_whole() -> None:
    others = set(method_names()) - set(SHARDED_METHODS)
    assert others
    for method in others:
        spec = small_spec(model={"source": "base"}).model_copy(update={"method": method})
        assert choose(spec, NEED.__getitem__, processes=2, memory_bytes=1).is_sharded is False
        with pytest.raises(ValueError, match=r"compute\.sharding full is offered for"):
            type(spec).model_validate({**spec.model_dump(), "compute": {"sharding": "full"}})


def test_a_spec_from_before_keeps_its_text() -> None:
    text = canonical_json(small_spec())
    assert "sharding" not in text
    assert "activation_checkpointing" not in text


@pytest.mark.slow
def test_recomputing_holds_less_for_the_backward_pass_and_learns_the_same(tmp_path: Path) -> None:
    kept: dict[str, int] = {}
    losses = {}
    for setting in ("off", "on"):
        spec = spread_spec(
            compute={"activation_checkpointing": setting}, budget={"steps": 2}, model=DEEP
        )
        folder = tmp_path / setting
        folder.mkdir()
        write_colours(folder)
        kept[setting] = 0

        def count(tensor: torch.Tensor, setting: str = setting) -> torch.Tensor:
            kept[setting] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            losses[setting] = carry_out(context_of(spec, folder))["losses"]
    assert losses["on"] == losses["off"]
    assert kept["on"] < 0.4 * kept["off"]


DEEP = {"config": {"hidden_size": 32, "layers": 6, "heads": 2, "vocab_size": 300}}
