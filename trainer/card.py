"""The model card: what was trained, on what, how, with which result, and how to load it."""

from trainer.contract.progress import DataLine, ResultLine
from trainer.contract.spec import RunSpec, canonical_json
from trainer.lineage import Lineage


def model_card(spec: RunSpec, data: DataLine, result: ResultLine, lineage: Lineage) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    base = spec.model.source or "none, trained from scratch"
    tuned = "low-rank adapters, merged" if spec.tuning.kind == "lora" else "all weights"
    sources = "the data above and the base model" if spec.model.source else "the data above"
    held_out = f"{result.first_eval_loss:.4f} before, {result.eval_loss:.4f} after"
    versions = ", ".join(f"{name} {version}" for name, version in lineage.versions.items())
    return f"""---
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
| Data | `{spec.data.train.uri}`, sha256 `{data.sha256}` |
| Rows | {data.rows_kept} learned, {data.rows_eval} held out |
| Steps, tokens | {result.steps}, {result.tokens} |
| Loss on held-out rows, nats a token | {held_out} (perplexity {result.eval_perplexity:.2f}) |
| Training time | {result.train_s:.0f} s |
| Code | {lineage.commit or "unknown commit"}, sha256 `{lineage.code_sha256 or "unknown"}` |
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
{canonical_json(spec)}
```
"""
