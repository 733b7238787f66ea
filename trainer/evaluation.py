"""Judge a model that is there: loss on held-out rows, tasks, answers, and its base beside it."""

import argparse
import importlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase

from trainer.base import Places, checked_config, find_base
from trainer.contract.data import Data, DataSource
from trainer.contract.evaluation import Evaluation
from trainer.contract.faults import SpecError, faults_of
from trainer.contract.goal import against_goal
from trainer.contract.hub import HUB
from trainer.contract.passes import AUTO_MICRO_TOKENS
from trainer.contract.progress import EvalLine, Phase, PhaseLine, ResultLine, SampleLine
from trainer.contract.spec import ModelSpec, RunSpec
from trainer.data.gather import gather
from trainer.data.read import RowReader
from trainer.data.rows import Row
from trainer.data.split import Seen
from trainer.errors import BadDataError, BadSpecError
from trainer.export import ADAPTER
from trainer.hardware import peak_memory_bytes
from trainer.judge import answer, held_out_loss, perplexity
from trainer.lineage import LINEAGE, LineageFile, changes, read_lineage
from trainer.loss import install_scoring
from trainer.method import find_method
from trainer.model import Model, load_model
from trainer.progress import Progress
from trainer.tasks import find_tasks
from trainer.tokens.cache import fingerprint
from trainer.tokens.encode import encode
from trainer.tokens.packing import PackedBatches, pack
from trainer.tokens.padding import PaddedBatches
from trainer.tokens.tokenizer import load_tokenizer
from trainer.verify import model_of
from trainer.weights import model_hash

# Whose loss on plain rows means what its run said; the others judge by a reference.
LANGUAGE = ("sft", "pretrain")


@dataclass(frozen=True)
class Questions:
    """What models are judged by, the same for all of them. Rows are held out for all of them."""

    rows: Sequence[Row]
    data: Data
    chat: bool
    tasks: Any  # `TaskJudge`, or None
    prompts: Sequence[str]
    sample_tokens: int


@dataclass(frozen=True)
class Answers:
    """What one model came to; `words` is which tokenizer its loss counts in."""

    loss: float
    words: str
    metrics: dict[str, float] = field(default_factory=dict)


def evaluate(options: argparse.Namespace, home: Path, progress: Progress) -> ResultLine:
    """Judge the model, and its base where that is asked for; report each as a run does.

    The result has no training in it: no steps, no tokens. Its `first_*` figures are the base's;
    without one they are the model's own.
    """
    folder = model_of(options.model, home)
    known = read_lineage(folder) if (folder / LINEAGE).is_file() else None
    if known is not None and (found := changes(folder, known)):
        note = f"not as its run has written it: {'; '.join(found)}"
        progress.write(PhaseLine, phase=Phase.DATA, note=note)
    spec = RunSpec.model_validate(known.spec) if known is not None else None
    base = _base(options, folder, spec, home, progress)
    is_adapter = (folder / ADAPTER).is_file()
    tokenizer = load_tokenizer(folder)
    asked = _questions(options, tokenizer, base if is_adapter else folder, known, spec)
    first = None
    if base is not None and (options.base or options.compare_base):
        progress.write(PhaseLine, phase=Phase.EVALUATE, note=f"the base model, {base.name}")
        first = _judge(_loaded(base, asked.data), load_tokenizer(base), asked, progress)
    progress.write(PhaseLine, phase=Phase.EVALUATE, note=f"the model, {folder.name}")
    module = _loaded(folder, asked.data, base=base if is_adapter else None)
    last = _judge(module, tokenizer, asked, progress)
    result = _result(folder, first, last)
    if spec is not None and options.data is None:  # The goal is about the run's own rows.
        result = against_goal(result, spec.goal)
    return progress.write(ResultLine, **result.model_dump(exclude={"at", "attempt", "kind"}))


def _base(
    options: argparse.Namespace,
    folder: Path,
    spec: RunSpec | None,
    home: Path,
    progress: Progress,
) -> Path | None:
    """Return the base model to compare with, or that an adapter needs. Raises `BadSpecError`."""
    source = options.base or (spec.model.source if spec is not None else None)
    if source is None and (folder / ADAPTER).is_file():
        source = json.loads((folder / ADAPTER).read_bytes()).get("base_model_name_or_path")
    if source is None and options.compare_base:
        raise BadSpecError(
            f"Nothing says what base model {folder.name} was made of.",
            remedy="Name it with --base, or leave --compare-base out.",
        )
    wanted = options.base or options.compare_base or (folder / ADAPTER).is_file()
    if source is None or not wanted:
        return None
    given = dict(options.input).get("base")
    if given is not None:
        return Path(given)

    def say(note: str) -> None:
        progress.write(PhaseLine, phase=Phase.DATA, note=note)

    model = spec.model if spec is not None and source == spec.model.source else _named(source)
    places = Places(home, _workdir(), home / "cache", options.hub_is_off)
    return find_base(model, places, say)


def _named(source: str) -> ModelSpec:
    """Return the model; of the hub as `hf:<owner>/<name>@<commit>`. Raises `SpecError`."""
    name, _, revision = source.partition("@") if source.startswith(HUB) else (source, "", "")
    try:
        return ModelSpec(source=name, revision=revision or None)
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error


def _questions(
    options: argparse.Namespace,
    tokenizer: PreTrainedTokenizerBase,
    whole: Path | None,
    known: LineageFile | None,
    spec: RunSpec | None,
) -> Questions:
    assert whole is not None
    method = options.method or (spec.method if spec is not None else None)
    method = method or ("sft" if tokenizer.chat_template else "pretrain")
    rows, data = _rows(options, method, checked_config(whole), known, spec)
    own = spec.eval if spec is not None else Evaluation()
    names = own.tasks if options.tasks is None else tuple(options.tasks)
    tasks = find_tasks(names, _workdir())
    return Questions(
        rows=rows,
        data=data,
        chat=find_method(method).CHAT,
        tasks=importlib.import_module("trainer.lm_tasks").TaskJudge(tasks) if tasks else None,
        prompts=own.prompts if options.prompts is None else tuple(options.prompts),
        sample_tokens=own.sample_tokens,
    )


def _rows(
    options: argparse.Namespace,
    method: str,
    config: dict[str, Any],
    known: LineageFile | None,
    spec: RunSpec | None,
) -> tuple[Sequence[Row], Data]:
    """Return the rows to judge by, and how they are encoded."""
    if options.data is None and (spec is None or known is None):
        raise BadSpecError(
            "This model has no lineage that says which rows were held out.",
            remedy="Give rows to judge it by: --data FILE.",
        )
    if method not in LANGUAGE:
        raise BadSpecError(
            f"The loss of {method} is measured against a reference, not on rows alone.",
            remedy="Give rows to judge the model by as a language model: --method sft --data FILE.",
        )
    if options.data is None:
        assert spec is not None
        assert known is not None
        gathered = gather(spec, _workdir(), dict(options.input))
        if gathered.identity != known.data_sha256:
            raise BadDataError(
                f"The data has changed since {known.run_id}: which rows it held out is not known.",
                remedy="Bring back the data of then, or give rows to judge by: --data FILE.",
            )
        return gathered.split.held_out, spec.data
    longest = min(512, int(config.get("max_position_embeddings") or 512))
    source = DataSource(uri=options.data)
    data = spec.data if spec is not None else Data(train=source, max_length=longest)
    seen = Seen(options.max_rows)
    for row in RowReader(source, find_method(method).ROWS, _workdir()):
        seen.add(row)
    return tuple(seen.smallest(options.max_rows).values()), data


def _loaded(folder: Path, data: Data, *, base: Path | None = None) -> Model:
    model = load_model(base or folder, max_length=data.max_length)
    module = model.module
    if base is not None:
        adapted = importlib.import_module("peft").PeftModel.from_pretrained(module, folder)
        module = adapted.merge_and_unload()
    install_scoring(module, has_plain_head=model.allows.has_plain_head)
    return Model(module.to("cuda" if torch.cuda.is_available() else "cpu"), model.allows)


def _judge(
    model: Model, tokenizer: PreTrainedTokenizerBase, asked: Questions, progress: Progress
) -> Answers:
    """Return a model's figures, reported like those of a run's step 0."""
    sequences = encode(asked.rows, tokenizer, asked.data)
    kind = PackedBatches if model.allows.packs else PaddedBatches
    capacity = max(AUTO_MICRO_TOKENS, asked.data.max_length)
    batches = kind(sequences, pack(sequences.lengths, capacity=capacity, seed=0))
    loss = held_out_loss(model.module, batches)
    metrics = {}
    if asked.tasks is not None:
        metrics = asked.tasks.judge(model.module, tokenizer, chat=asked.chat)
    progress.write(EvalLine, step=0, loss=loss, perplexity=perplexity(loss), metrics=metrics)
    for prompt in asked.prompts:
        text = answer(
            model.module, tokenizer, prompt, chat=asked.chat, max_tokens=asked.sample_tokens
        )
        progress.write(SampleLine, step=0, prompt=prompt, text=text)
    return Answers(loss, fingerprint(tokenizer), metrics)


def _result(folder: Path, first: Answers | None, last: Answers) -> ResultLine:
    # A loss a token means another thing with other tokens.
    comparable = first is not None and first.words == last.words
    return ResultLine(
        at=0.0,
        steps=0,
        tokens=0,
        train_s=0.0,
        loss=last.loss,
        eval_loss=last.loss,
        eval_perplexity=perplexity(last.loss),
        first_eval_loss=first.loss if first is not None and comparable else last.loss,
        peak_memory_bytes=peak_memory_bytes(),
        model=str(folder.absolute()),
        model_sha256=model_hash(folder),
        metrics=last.metrics,
        first_metrics=first.metrics if first is not None else {},
    )


def _workdir() -> Path:
    return Path(os.environ.get("KRSP_WORKDIR", ".")).absolute()
