"""What a Llama-style decoder has and does, counted: weights, adapters, arithmetic for a token."""

from trainer.contract.preference import PREFERENCE_METHODS
from trainer.contract.spec import ModelConfig, RunSpec


def parameter_count(config: ModelConfig) -> int:
    """Return the number of weights of a Llama-style decoder without biases."""
    hidden = config.hidden_size
    embeddings = config.vocab_size * hidden * (1 if config.tie_embeddings else 2)
    return config.layers * block_weights(config) + embeddings + hidden


def lora_parameter_count(config: ModelConfig, spec: RunSpec) -> int:
    """Return the number of adapter weights: rank times (inputs + outputs) of each target."""
    hidden, mlp, kv_width = config.hidden_size, mlp_width(config), _kv_width(config)
    sides = [(hidden, hidden), (hidden, kv_width), (hidden, kv_width), (hidden, hidden)]
    if spec.tuning.targets == "all-linear":
        sides += [(hidden, mlp), (hidden, mlp), (mlp, hidden)]
    return config.layers * sum(spec.tuning.r * (a + b) for a, b in sides)


def trained_count(config: ModelConfig, spec: RunSpec) -> int:
    """Return the number of weights that learn."""
    if spec.tuning.kind == "full":
        return parameter_count(config)
    return lora_parameter_count(config, spec)


def training_flops_per_token(
    config: ModelConfig,
    spec: RunSpec,
    *,
    scored: float | None = None,
    attended: float | None = None,
) -> float:
    """Return multiplications and additions for one token, forward and backward.

    6 for each weight in a matrix (2 forward, 4 backward; arXiv:2001.08361), 4 where the weight
    itself stands still; the output matrix counts for the tokens that are scored. Attention adds
    12 for each layer, unit of width and position looked at (arXiv:2204.02311, appendix B), of
    which a causal model sees half a sequence. Nothing that is computed twice counts twice.

    `scored` is the share of tokens that the output matrix is asked about, `attended` the mean
    number of positions that a token looks at, where the data has been counted; else the first is
    all of them or half (answers), the second half of the longest sequence.

    Where answers are compared, the base model reads each token too, forward alone (2 and 4); KTO
    has both models read the other answer of its KL term besides. TRL scores every position there.
    """
    compares = spec.method in PREFERENCE_METHODS
    if compares:
        scored = 1.0
    elif scored is None:
        scored = 1.0 if spec.data.loss_on == "all" or spec.method == "pretrain" else 0.5
    if attended is None:
        attended = spec.data.max_length / 2
    matrices = config.layers * _block_matrices(config)
    head = scored * config.vocab_size * config.hidden_size
    looking = config.layers * config.hidden_size * attended
    reading = 2 * (matrices + head) + 4 * looking
    more = {"dpo": 1, "kto": 3}.get(spec.method, 0) * reading
    return (4 if spec.tuning.kind == "lora" else 6) * (matrices + head) + 12 * looking + more


def block_weights(config: ModelConfig) -> int:
    """Return the number of weights of one decoder block."""
    return _block_matrices(config) + 2 * config.hidden_size


def mlp_width(config: ModelConfig) -> int:
    """Return the width of a block's MLP."""
    return config.intermediate_size or 4 * config.hidden_size


def _block_matrices(config: ModelConfig) -> int:
    hidden = config.hidden_size
    return 2 * hidden * hidden + 2 * hidden * _kv_width(config) + 3 * hidden * mlp_width(config)


def _kv_width(config: ModelConfig) -> int:
    return config.hidden_size // config.heads * (config.kv_heads or config.heads)
