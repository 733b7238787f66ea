"""How well the machine is used and where in the data a run is: counted, or not said at all."""

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, GPTNeoXConfig, LlamaConfig

from tests.trainer.conftest import SmallRun
from tests.trainer.faults import BadSteps, attempt_at
from tests.trainer.small import context_of, read_progress, small_spec, write_colours
from trainer.contract.counts import training_flops_per_token
from trainer.contract.machines import UTILISATION, machine, peak_flops
from trainer.contract.spec import ModelConfig
from trainer.meter import Meter, is_counted

SHAPE = ModelConfig(
    hidden_size=32, layers=2, heads=4, kv_heads=2, intermediate_size=48, vocab_size=300
)
LLAMA = LlamaConfig(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=48,
    vocab_size=300,
    tie_word_embeddings=True,
)


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 NVL", 835),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A100 80GB PCIe", 312),
        ("NVIDIA A10", 125),
        ("NVIDIA A10-24Q", 125),
        ("Tesla T4", 65),
    ],
)
def test_a_whole_chip_has_the_peak_of_its_data_sheet(name: str, tflops: float) -> None:
    assert peak_flops(name) == tflops * 1e12


@pytest.mark.parametrize(
    "name", ["NVIDIA A100-SXM4-80GB MIG 1g.10gb", "NVIDIA A10-4Q", "NVIDIA A1000", "cpu", ""]
)
def test_a_part_of_a_chip_or_an_unknown_one_has_no_peak(name: str) -> None:
    assert peak_flops(name) is None


def test_estimates_take_their_speed_from_the_same_table() -> None:
    node = machine("Standard_NC40ads_H100_v5")
    assert node is not None
    assert node.flops == pytest.approx(835e12 * UTILISATION)


def test_the_flops_of_a_token_are_those_that_torch_counts() -> None:
    tokens = 64
    model = AutoModelForCausalLM.from_config(LLAMA, attn_implementation="eager")
    rows = torch.randint(300, (1, tokens))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=rows, labels=rows).loss.backward()
    # Eager attention computes what causality masks as well: each token looks at all.
    counted = training_flops_per_token(SHAPE, small_spec(), scored=1.0, attended=tokens)
    assert counter.get_total_flops() / tokens == pytest.approx(counted, rel=1e-6)


def test_mfu_is_the_share_of_the_peak_and_nothing_where_one_half_is_unknown() -> None:
    assert Meter(flops_per_token=2e9, peak_flops=1e15).mfu(200_000.0) == pytest.approx(0.4)
    assert Meter(flops_per_token=2e9).mfu(200_000.0) is None
    assert Meter(peak_flops=1e15).mfu(200_000.0) is None


def test_the_arithmetic_of_another_architecture_is_not_taken_for_a_llamas() -> None:
    other = GPTNeoXConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        vocab_size=300,
    )
    assert is_counted(SHAPE, AutoModelForCausalLM.from_config(LLAMA))
    assert not is_counted(SHAPE, AutoModelForCausalLM.from_config(other))


def test_tokens_are_counted_for_the_source_that_their_row_is_of() -> None:
    meter = Meter(names=("train", "mix0", "mix1"), ends=(3, 4, 9))
    assert meter.of_sources([0, 2, 3, 8, 2], [5, 6, 7, 8, 9]) == [20, 7, 8]


def test_each_line_says_memory_and_place_in_the_data_and_no_mfu_on_a_cpu(
    small_run: SmallRun,
) -> None:
    steps = small_run.of("step")
    assert all(1e8 < line.memory_bytes <= line.peak_memory_bytes < 1e11 for line in steps)
    (result,) = small_run.of("result")
    assert steps[-1].peak_memory_bytes <= result.peak_memory_bytes
    (data,) = small_run.of("data")
    assert steps[-1].epoch == pytest.approx(steps[-1].tokens / data.tokens, rel=0.02)
    assert {line.mfu for line in steps} == {None}
    assert {len(line.sources) for line in steps} == {0}


def test_a_mixture_says_what_was_read_of_each_source_and_a_resume_counts_on(
    tmp_path: Path,
) -> None:
    colours = write_colours(tmp_path)
    (tmp_path / "more.jsonl").write_text(colours.read_text().replace("thing", "ball"))
    data = {
        "train": {"uri": "colours.jsonl"},
        "mix": [{"uri": "more.jsonl", "weight": 2.0}],
        "max_length": 64,
    }
    spec = small_spec(data=data, budget={"epochs": 1.0}, checkpoint={"every_steps": 4})
    context = context_of(spec, tmp_path, every_step=True)
    first = attempt_at(context, BadSteps([10]))
    with pytest.raises(Exception, match="loss became nan"):
        first.train()
    attempt_at(context).train()
    lines = read_progress(context.output)
    last = [line for line in lines if line.kind == "step"][-1]
    assert [line.step for line in lines if line.kind == "resume"] == [8]
    assert sum(last.sources.values()) == last.tokens
    assert last.epoch == 1.0
    assert 1.8 < last.sources["mix0"] / last.sources["train"] < 2.2
