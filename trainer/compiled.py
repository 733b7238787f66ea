"""A model as compiled code that is kept, for one number of tokens; eager from a failure on.

Shapes: B batch (always 1), T tokens, E width.
"""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._dynamo import mark_dynamic  # documented for users, for all its underscore
from torch.nn.functional import pad

from trainer.checkpoint import write_whole
from trainer.context import Context
from trainer.contract.architectures import Architecture
from trainer.contract.compiling import compiling
from trainer.contract.passes import micro_tokens
from trainer.contract.spec import RunSpec
from trainer.contract.spread import Spread

log = logging.getLogger(__name__)

FOLDER = "compiled"
WARM = "warm.json"  # written once a step was made with what lies beside it
# Where torch's compiler and Triton keep what they made; read when they first compile.
PLACES = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}
MOST = 20  # models whose code is kept, some 10 MB each: those that were trained last
_CODE = [Path(__file__).parent / name for name in ("compiled.py", "attention.py", "loss.py")]


@dataclass(frozen=True)
class CodeCache:
    """The folder of the code for one model on one machine."""

    folder: Path

    @classmethod
    def of(
        cls, cache: Path, model: Any, spec: RunSpec, *, tokens: int, is_bf16: bool
    ) -> "CodeCache":
        """Return the folder for this model, batches of `tokens`, and what computes them here."""
        config = {
            key: value
            for key, value in model.config.to_dict().items()
            if key not in {"_name_or_path", "name_or_path"}
        }
        weights = [
            (name, [*one.shape], one.requires_grad) for name, one in model.named_parameters()
        ]
        parts = (
            [torch.__version__, *_machine(), tokens, is_bf16, spec.tuning.model_dump()],
            [config, weights, *[path.read_text("utf-8") for path in _CODE]],
        )
        text = json.dumps(parts, sort_keys=True, default=str)
        return cls(cache / FOLDER / hashlib.sha256(text.encode()).hexdigest()[:32])

    @property
    def is_warm(self) -> bool:
        """Return whether a run has made a step with the code that lies there."""
        return (self.folder / WARM).is_file()

    def use(self) -> None:
        """Let this process's compiler work there."""
        for name, place in PLACES.items():
            path = self.folder / place
            path.mkdir(parents=True, exist_ok=True)
            os.environ[name] = str(path)

    def keep(self, seconds: float) -> None:
        """Note that the code is whole, and forget what was not used for longest.

        `seconds` is what the first pass took with compiling.
        """
        if self.is_warm:
            os.utime(self.folder / WARM)
        else:
            write_whole(self.folder / WARM, json.dumps({"first_pass_s": seconds}))
        used = sorted(self.folder.parent.glob(f"*/{WARM}"), key=lambda path: path.stat().st_mtime)
        for path in used[:-MOST]:
            shutil.rmtree(path.parent, ignore_errors=True)


def _machine() -> tuple[object, ...]:
    """Return what compiled code is made for: the device, and on a CPU the number of threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name(), torch.version.cuda
    cpu = torch.cpu.get_capabilities()
    return cpu.get("cpu_name"), torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()


class CompiledCore:
    """What stands between a batch and its hidden states, compiled for batches of `tokens`.

    A batch is filled up with a sequence of its own, so that one graph serves all; the number of
    sequences alone may differ. Called in training only: judging and sampling have other shapes.
    """

    def __init__(self, core: Any, *, tokens: int, cache: CodeCache) -> None:
        self._core, self._tokens, self.cache = core, tokens, cache
        self.is_proven = False
        cache.use()
        torch.compiler.reset()  # what an earlier attempt of this process compiled is not ours
        self._compiled: Any = torch.compile(core, dynamic=False)

    @property
    def is_on(self) -> bool:
        """Return whether compiled code is used; not any more after a failure."""
        return self._compiled is not None

    def hidden(self, **batch: Any) -> Tensor:
        """Return the hidden states, [B, T, E], of a packed batch."""
        tokens = batch["input_ids"].shape[1]
        if self._compiled is None or tokens > self._tokens:
            states: Tensor = self._core(**batch).last_hidden_state
            return states
        filled: Tensor = self._compiled(**fill(batch, self._tokens)).last_hidden_state
        return filled[:, :tokens]

    def prove(self, seconds: float) -> None:
        """Take note that the first forward and backward pass went well, and how long it took."""
        self.is_proven = True
        self.cache.keep(seconds)

    def give_up(self) -> None:
        """Go on without compiled code."""
        self._compiled, self.is_proven = None, True


@dataclass(frozen=True)
class Plan:
    """What decides whether a model is compiled, beside its spec.

    `tokens` are those of the whole run; `before` is what it did up to its checkpoint.
    """

    allows: Architecture
    spread: Spread
    tokens: int
    is_bf16: bool
    before: bool | None = None


def compiled_core(context: Context, model: Any, plan: Plan) -> tuple[CompiledCore | None, str]:
    """Return the compiled core of a causal model or None, and why in a sentence."""
    spec, tokens = context.spec, micro_tokens(context.spec, context.ranks)
    cache = CodeCache.of(context.cache, model, spec, tokens=tokens, is_bf16=plan.is_bf16)
    found = compiling(
        spec.compute.compile,
        tokens=plan.tokens,
        is_bf16=plan.is_bf16,
        is_warm=cache.is_warm,
        before=plan.before if context.compiles is None else context.compiles,
        cannot=_cannot(plan, context.ranks),
    )
    if not found.compiles:
        return None, found.why
    return CompiledCore(model.base_model, tokens=tokens, cache=cache), found.why


def _cannot(plan: Plan, ranks: int) -> str:
    """Return why not, as the end of a sentence; none of these was ever measured or proven here."""
    if not plan.allows.packs:
        return "its rows are padded, and each batch has a shape of its own"
    if not plan.allows.has_plain_head:
        return "its output layer is more than a matrix"
    if ranks > 1:
        return "it is offered for runs of one process"
    if plan.spread.recomputes:
        return "its activations are computed again in the backward pass"
    return ""


def fill(batch: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Return the packed batch with one more sequence, so that it has just as many `tokens`.

    Nothing is learned from it: its hidden states are cut off again.
    """
    missing = tokens - batch["input_ids"].shape[1]
    found = dict(batch)
    if missing:
        positions_BT = torch.arange(missing, device=batch["position_ids"].device)[None]
        found["input_ids"] = pad(batch["input_ids"], (0, missing))
        found["position_ids"] = torch.cat([batch["position_ids"], positions_BT], 1)
        found["cu_seq_lens_q"] = pad(batch["cu_seq_lens_q"], (0, 1), value=tokens)
    # One tensor under two names, always: a graph is made for what is the same and what is not.
    found["cu_seq_lens_k"] = found["cu_seq_lens_q"]
    mark_dynamic(found["cu_seq_lens_q"], 0)
    # A number in a graph is part of it: the longest sequence that there can be serves all.
    found |= {"max_length_q": tokens, "max_length_k": tokens}
    return found


def first_pass(
    core: CompiledCore, step: Callable[[], Tensor], undo: Callable[[], None]
) -> tuple[Tensor, str]:
    """Make the first forward and backward pass; return its loss, and why it was made again.

    Whatever goes wrong in it may be the compiler, of which there are many kinds on many machines:
    only the same pass without it tells. `undo` takes back what a failed pass has left.
    """
    chance, began = torch.get_rng_state(), time.perf_counter()
    try:
        loss = step()
    except Exception as error:
        log.warning("compiling failed", exc_info=error)
        core.give_up()
        torch.set_rng_state(chance)
        undo()
        return step(), f"Not compiled after all: {_reason(error)}."
    core.prove(time.perf_counter() - began)
    return loss, ""


def _reason(error: Exception) -> str:
    """Return the first line of what the compiler says."""
    line = next((one.strip() for one in str(error).splitlines() if one.strip()), "")
    return f"{type(error).__name__}, {line[:200].rstrip('.')}"
