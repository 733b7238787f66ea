"""Our attention and loss against torch's plain ones, in values and gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, scaled_dot_product_attention
from transformers import AutoModelForCausalLM, LlamaConfig

from trainer import attention
from trainer.attention import packed_attention, packed_flash
from trainer.loss import CHUNK, install_scoring, linear_cross_entropy
from trainer.tokens.packing import IGNORED

LENGTHS = [5, 1, 17, 9]
EDGES = torch.tensor([0, 5, 6, 23, 32], dtype=torch.int32)


def queries(heads: int) -> Tensor:
    return torch.randn(1, heads, sum(LENGTHS), 16, requires_grad=True)


def one_by_one(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    groups = query.shape[1] // key.shape[1]
    parts = [
        scaled_dot_product_attention(
            query[:, :, a:b],
            key[:, :, a:b].repeat_interleave(groups, 1),
            value[:, :, a:b].repeat_interleave(groups, 1),
            is_causal=True,
        )
        for a, b in zip(EDGES[:-1].tolist(), EDGES[1:].tolist(), strict=True)
    ]
    return torch.cat(parts, 2).transpose(1, 2)


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_packed_attention_is_attention_of_each_sequence_alone(kv_heads: int) -> None:
    torch.manual_seed(0)
    inputs = queries(4), queries(kv_heads), queries(kv_heads)
    ours, _ = packed_attention(torch.nn.Identity(), *inputs, None, cu_seq_lens_q=EDGES)
    theirs = one_by_one(*inputs)
    assert torch.allclose(ours, theirs, atol=1e-6)
    weights = torch.randn_like(ours)
    for mine, other in zip(
        torch.autograd.grad((ours * weights).sum(), inputs),
        torch.autograd.grad((theirs * weights).sum(), inputs),
        strict=True,
    ):
        assert torch.allclose(mine, other, atol=1e-5)


def test_the_operator_holds_torchs_rules_for_custom_operators() -> None:
    torch.manual_seed(0)
    arguments = (queries(2), queries(2), queries(2), EDGES, 0.25)
    torch.library.opcheck(packed_flash, arguments)


def scored_model() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=97,
        eos_token_id=None,
        bos_token_id=None,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention.register())
    install_scoring(model)
    return model


def test_a_packed_batch_scores_as_its_sequences_do_alone() -> None:
    model = scored_model()
    tokens = torch.randint(0, 97, (1, sum(LENGTHS)))
    labels = tokens.clone()
    labels[0, EDGES[:-1].long()] = IGNORED
    positions = torch.cat([torch.arange(n) for n in LENGTHS])[None]
    packed = model(
        input_ids=tokens, labels=labels, position_ids=positions, cu_seq_lens_q=EDGES, score=True
    )
    alone = 0.0
    for part in tokens[0].split(LENGTHS):
        if len(part) > 1:
            logits = model(input_ids=part[None]).logits[0, :-1]
            alone += cross_entropy(logits, part[1:], reduction="sum").item()
    assert packed.count == sum(LENGTHS) - len(LENGTHS)
    assert packed.loss.item() == pytest.approx(alone, rel=1e-5)


def test_the_loss_and_its_gradients_are_those_of_plain_cross_entropy() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(1, 2 * CHUNK + 100, 24, requires_grad=True)
    weight = torch.randn(211, 24, requires_grad=True)
    labels = torch.randint(0, 211, hidden.shape[:2])
    labels[torch.rand(labels.shape) < 0.3] = IGNORED
    ours = linear_cross_entropy(hidden, weight, labels)
    theirs = cross_entropy(
        (hidden[0, :-1] @ weight.T), labels[0, 1:], ignore_index=IGNORED, reduction="sum"
    )
    assert ours.count == int((labels[:, 1:] != IGNORED).sum())
    assert ours.loss.item() == pytest.approx(theirs.item(), rel=1e-5)
    for mine, other in zip(
        torch.autograd.grad(ours.loss / 7, (hidden, weight)),
        torch.autograd.grad(theirs / 7, (hidden, weight)),
        strict=True,
    ):
        assert torch.allclose(mine, other, atol=1e-5, rtol=1e-4)


def test_a_frozen_output_matrix_gets_no_gradient() -> None:
    hidden = torch.randn(1, 8, 4, requires_grad=True)
    weight = torch.randn(11, 4)
    linear_cross_entropy(hidden, weight, torch.randint(0, 11, (1, 8))).loss.backward()
    assert hidden.grad is not None
    assert weight.grad is None


def test_a_batch_with_nothing_to_learn_scores_zero_without_an_error() -> None:
    hidden = torch.randn(1, 8, 4, requires_grad=True)
    scored = linear_cross_entropy(hidden, torch.randn(11, 4), torch.full((1, 8), IGNORED))
    scored.loss.backward()
    assert (scored.loss.item(), scored.count) == (0.0, 0)
    assert hidden.grad is not None
    assert not hidden.grad.any()


def test_scoring_leaves_generation_as_it_was() -> None:
    model = scored_model()
    prompt = torch.tensor([[1, 2, 3]])
    generated = model.generate(prompt, max_new_tokens=5, do_sample=False, pad_token_id=0)
    greedy = prompt
    for _ in range(5):
        greedy = torch.cat([greedy, model(input_ids=greedy).logits[:, -1:].argmax(-1)], 1)
    assert generated.tolist() == greedy.tolist()
