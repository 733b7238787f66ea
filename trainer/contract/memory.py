"""The memory that training takes, part by part: weights, gradients, optimizer, activations, loss.

Activations are counted from the tensors that autograd keeps in the blocks of transformers' Llama
under our attention; tests/trainer/test_memory_model.py holds the count against the tensors.
"""

import math
from dataclasses import dataclass

from trainer.contract.counts import block_weights, mlp_width, parameter_count, trained_count
from trainer.contract.machines import machine
from trainer.contract.passes import micro_tokens
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.contract.spread import WHOLE, Spread

# Interpreter, torch, transformers and TRL as loaded, before any model (measured).
LOADED_BYTES = 700_000_000
# Rows of logits that the loss holds at once, and copies of them (see trainer/loss.py).
LOSS_CHUNK, LOSS_COPIES = 1024, 3
# What glibc's heap keeps in holes between what lives, measured on decoders of 256 x 8 with 2,048
# and 4,096 tokens: in share of the activations, and with adapters in share of their outputs, each
# of which is the sum of two passing tensors.
HOLES, ADAPTER_HOLES = 0.27, 1.5
# How far measured peaks have been from the estimate.
RANGE_MEMORY = (0.75, 1.25)


@dataclass(frozen=True)
class Memory:
    """The most bytes that one of a run's processes holds, by what they are for."""

    loaded: int  # the interpreter and its libraries, or a GPU's own context
    weights: int
    gradients: int
    optimizer: int
    activations: int
    loss: int
    spread: int = 0  # what sharing the work out over processes adds

    @property
    def total(self) -> int:
        """Return their sum: all lie in memory together at the end of a forward pass."""
        of_model = self.weights + self.gradients + self.optimizer
        return self.loaded + of_model + self.activations + self.loss + self.spread


def memory_of(
    config: ModelConfig, spec: RunSpec, *, processes: int = 1, spread: Spread = WHOLE
) -> Memory:
    """Return what one of a run's processes holds.

    Weights 4 bytes each; a gradient and two Adam moments of 4 for each that learns. Sharding
    leaves each process its part of them, and beside it the block at work and the embeddings
    whole, with their gradients. Activation checkpointing keeps of each block what went into it,
    and one block's activations at a time.
    """
    count, trained = parameter_count(config), trained_count(config, spec)
    parts = processes if spread.is_sharded else 1
    added = 0
    if spread.is_sharded:
        added = 8 * (count - (config.layers - 1) * block_weights(config))
    elif processes > 1:
        added = 4 * trained  # DDP's buckets hold the gradients once more
    micro = micro_tokens(spec, processes)
    logits = LOSS_COPIES * min(micro, LOSS_CHUNK) * config.vocab_size
    head = config.vocab_size * config.hidden_size if spec.tuning.kind == "full" else 0
    return Memory(
        loaded=LOADED_BYTES,
        weights=math.ceil(4 * count / parts),
        gradients=math.ceil(4 * trained / parts),
        optimizer=math.ceil(8 * trained / parts),
        activations=math.ceil(micro * _activations(config, spec, spread)),
        loss=4 * (logits + head),
        spread=added,
    )


def _activations(config: ModelConfig, spec: RunSpec, spread: Spread) -> float:
    """Return the bytes kept for one token through all blocks, holes between them included."""
    node = machine(spec.compute.sku)
    on_gpu = node is None or node.gpus > 0
    of_block = _bytes_on_gpu(config, spec) if on_gpu else 4 * kept_of_block(config, spec)
    if not on_gpu:
        of_block += 4 * _holes(config, spec)
    if spread.recomputes:
        return 4 * config.layers * config.hidden_size + of_block
    return config.layers * of_block


def kept_of_block(config: ModelConfig, spec: RunSpec) -> float:
    """Return how many numbers a block keeps for the backward pass, for each token, in fp32.

    Full: what goes into and out of both norms (and through them), query, key, value, output of
    attention; in the MLP gate, its activation, up, and their product. A frozen matrix keeps no
    input, an adapter does, and with dropout the mask beside it.
    """
    hidden, mlp, tuning = config.hidden_size, mlp_width(config), spec.tuning
    edges = 2 + config.heads  # both norms' scales, attention's log-sum-exp
    if tuning.kind == "full":
        return 10 * hidden + 4 * mlp + edges
    if tuning.targets == "all-linear":
        own = (18, 5) if tuning.dropout else (8, 4)
        return own[0] * hidden + own[1] * mlp + 7 * tuning.r + edges
    own_hidden = 14 if tuning.dropout else 7
    return own_hidden * hidden + 3 * mlp + 4 * tuning.r + edges


def _bytes_on_gpu(config: ModelConfig, spec: RunSpec) -> float:
    """Return the bytes of a block and token under bf16 autocast: matrices in 2, norms in 4.

    Each matrix gets a copy of its input in bf16. Counted, not measured: no GPU was at hand.
    """
    kept = 2 * kept_of_block(config, spec)
    return kept + 16 * config.hidden_size


def _holes(config: ModelConfig, spec: RunSpec) -> float:
    if spec.tuning.kind == "full":
        return HOLES * kept_of_block(config, spec)
    outputs = 4 * config.hidden_size
    if spec.tuning.targets == "all-linear":
        outputs += config.hidden_size + 2 * mlp_width(config)
    return ADAPTER_HOLES * outputs
