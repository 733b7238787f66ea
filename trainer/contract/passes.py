"""How the tokens of a step are shared out among forward passes."""

import math

from trainer.contract.preference import PREFERENCE_METHODS, SEQUENCES_PER_ROW
from trainer.contract.spec import RunSpec

# Tokens in one forward pass when the spec leaves it to the trainer. On two cores a larger pass
# gains nothing, and its activations cost 0.1 to 0.3 GB per thousand tokens up to 135 M weights.
AUTO_MICRO_TOKENS = 8192


def micro_tokens(spec: RunSpec, processes: int = 1) -> int:
    """Return how many tokens one forward pass holds; at least one whole row fits.

    Left to the trainer, a step's tokens are shared out among the processes first, then evenly
    among as few passes as there can be: no step is smaller than it was said to be.
    """
    least = spec.data.max_length
    if spec.method in PREFERENCE_METHODS:
        least *= SEQUENCES_PER_ROW
    if spec.batch.micro_tokens != "auto":
        return max(spec.batch.micro_tokens, least)
    of_step = spec.batch.tokens_per_step // processes
    passes = math.ceil(of_step / AUTO_MICRO_TOKENS)
    return max(of_step // max(1, passes), least)
