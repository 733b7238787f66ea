"""What a run will take, by arithmetic in milliseconds: parameters, tokens, memory, time."""

from dataclasses import dataclass

from trainer.contract.spec import ModelConfig, RunSpec


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

    @property
    def hours(self) -> float:
        """Return the expected duration in hours."""
        return self.seconds / 3600


def parameter_count(config: ModelConfig) -> int:
    """Return the number of weights of a Llama-style decoder without biases."""
    hidden, mlp = config.hidden_size, config.intermediate_size or 4 * config.hidden_size
    kv_width = hidden // config.heads * (config.kv_heads or config.heads)
    block = 2 * hidden * hidden + 2 * hidden * kv_width + 3 * hidden * mlp + 2 * hidden
    embeddings = config.vocab_size * hidden * (1 if config.tie_embeddings else 2)
    return config.layers * block + embeddings + hidden
