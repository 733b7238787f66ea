"""Next-token loss over the trained positions only, in pieces, without ever holding all logits.

In fine-tuning most positions carry no loss, and a vocabulary of 49,000 makes the logits the
largest tensor of a step. So only trained positions are scored, `CHUNK` at a time, and their
gradient is taken in the forward pass, as Liger Kernel does (arXiv:2410.10989).

Shapes: B batch, T tokens, N trained positions, C positions of a chunk, E width, V vocabulary.
"""

import functools
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from typing_extensions import override

from trainer.tokens.packing import IGNORED

# 1,024 rows of logits: large enough to keep the cores busy, 200 MB with a vocabulary of 49,000.
CHUNK = 1024


@dataclass
class Scored:
    """The cross-entropy in nats, summed over `count` trained positions.

    Sum and number come apart so that callers add them over micro-batches and ranks, and divide
    once: the mean of means is wrong when micro-batches count different numbers of tokens.
    """

    loss: Tensor
    count: int


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    @override
    def forward(ctx: Any, hidden_NE: Tensor, weight_VE: Tensor, target_N: Tensor) -> Tensor:
        weight = weight_VE.to(hidden_NE.dtype)
        loss = hidden_NE.new_zeros((), dtype=torch.float32)
        grad_NE = torch.empty_like(hidden_NE)
        grad_VE = None
        if ctx.needs_input_grad[1]:
            grad_VE = torch.zeros_like(weight_VE, dtype=torch.float32)
        for start in range(0, len(target_N), CHUNK):
            part = slice(start, start + CHUNK)
            hidden_CE, target_C1 = hidden_NE[part], target_N[part, None]
            logits_CV = (hidden_CE @ weight.T).float()
            sums_C1 = logits_CV.logsumexp(1, keepdim=True)
            loss += (sums_C1 - logits_CV.gather(1, target_C1)).sum()
            # d loss / d logits = softmax - one-hot.
            slope_CV = logits_CV.sub_(sums_C1).exp_()
            slope_CV.scatter_add_(1, target_C1, torch.full_like(sums_C1, -1.0))
            slope_CV = slope_CV.to(weight.dtype)
            grad_NE[part] = slope_CV @ weight
            if grad_VE is not None:
                grad_VE += (slope_CV.T @ hidden_CE).float()
        ctx.save_for_backward(grad_NE, grad_VE)
        ctx.weight_dtype = weight_VE.dtype
        return loss

    @staticmethod
    @override
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        grad_NE, grad_VE = ctx.saved_tensors
        weight_grad = None if grad_VE is None else (grad_VE * grad).to(ctx.weight_dtype)
        return grad_NE * grad.to(grad_NE.dtype), weight_grad, None


def linear_cross_entropy(hidden_BTE: Tensor, weight_VE: Tensor, labels_BT: Tensor) -> Scored:
    """Return the loss of predicting each label from the hidden state before it.

    `labels_BT` holds the token where it is a target, else `IGNORED`.
    """
    trained_BT = labels_BT[:, 1:] != IGNORED
    hidden_NE = hidden_BTE[:, :-1][trained_BT]
    target_N = labels_BT[:, 1:][trained_BT]
    device = hidden_NE.device.type
    if torch.is_autocast_enabled(device):
        hidden_NE = hidden_NE.to(torch.get_autocast_dtype(device))
    loss: Tensor = _LinearCrossEntropy.apply(hidden_NE, weight_VE, target_N)  # type: ignore[no-untyped-call]
    return Scored(loss, len(target_N))


def cross_entropy_of_logits(logits_BTV: Tensor, labels_BT: Tensor) -> Scored:
    """Return the same loss from whole logits, for output layers that are more than a matrix."""
    target_N = labels_BT[:, 1:][labels_BT[:, 1:] != IGNORED]
    logits_NV = logits_BTV[:, :-1][labels_BT[:, 1:] != IGNORED]
    return Scored(cross_entropy(logits_NV.float(), target_N, reduction="sum"), len(target_N))


def install_scoring(
    model: Any, *, has_plain_head: bool = True, core: Callable[..., Tensor] | None = None
) -> None:
    """Let `model(..., labels=..., score=True)` return `Scored` in place of logits.

    It goes through the model's own forward, so that wrappers around it (PEFT, DDP) keep working;
    without `score` nothing changes. Without a plain head (one matrix) the logits are held whole.
    `core` gives the hidden states in training, in place of the model's own core.
    """
    original = model.forward

    # The signature is kept: `generate` checks its arguments against it.
    @functools.wraps(type(model).forward)
    def forward(self: Any, *args: Any, score: bool = False, **inputs: Any) -> Any:
        if not score:
            return original(*args, **inputs)
        labels_BT = inputs.pop("labels")
        if not has_plain_head:
            logits_BTV = original(*args, use_cache=False, **inputs).logits
            return cross_entropy_of_logits(logits_BTV, labels_BT)
        if core is not None and self.training and torch.is_grad_enabled():
            hidden_BTE = core(*args, use_cache=False, **inputs)
        else:
            hidden_BTE = self.base_model(*args, use_cache=False, **inputs).last_hidden_state
        return linear_cross_entropy(hidden_BTE, self.get_output_embeddings().weight, labels_BT)

    model.forward = types.MethodType(forward, model)
