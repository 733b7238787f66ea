"""A bare loop of PyTorch on our batches, attention and loss: `eager` or `compiled`; the ceiling."""

from gauge import LR, MAX_LENGTH, ROWS, STEPS, Gauge, Task

GAUGE, TASK = Gauge(), Task.given()

import json  # noqa: E402
import os  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

from trainer import attention  # noqa: E402
from trainer.compiled import fill  # noqa: E402
from trainer.loss import linear_cross_entropy  # noqa: E402
from trainer.tokens.encode import Sequences  # noqa: E402
from trainer.tokens.packing import PackedBatches, pack  # noqa: E402

TOKENS = ROWS * MAX_LENGTH


def batches(tokenizer: AutoTokenizer) -> PackedBatches:
    """Return the rows in bins of eight full rows."""
    lines = (TASK.material / "rows.jsonl").read_text("utf-8").splitlines()
    talks = [json.loads(line)["messages"] for line in lines]
    found = tokenizer.apply_chat_template(
        talks, return_dict=True, return_assistant_tokens_mask=True
    )
    lengths = np.array([len(row) for row in found["input_ids"]])
    learned = [np.array(row, dtype=bool) for row in found["assistant_masks"]]
    sequences = Sequences(
        tokens=np.concatenate(found["input_ids"]).astype(np.int32),
        learned=np.concatenate(learned),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        rows=np.arange(len(lengths)),
        targets=np.array([row.sum() for row in learned]),
        too_long=0,
        nothing_learned=0,
    )
    return PackedBatches(sequences, pack(lengths, capacity=TOKENS, seed=0))


def main() -> None:
    """Train, and tell."""
    torch.manual_seed(0)
    is_compiled = TASK.variant == "compiled"
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(TASK.scratch / "inductor")
    GAUGE.mark("imports")
    packed = batches(AutoTokenizer.from_pretrained(TASK.material / "model"))
    GAUGE.mark("encoding")
    model = AutoModelForCausalLM.from_pretrained(
        TASK.material / "model", dtype=torch.float32, attn_implementation=attention.register()
    )
    model.train()
    core = torch.compile(model.model, dynamic=False) if is_compiled else model.model
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.0, fused=True)
    GAUGE.mark("model")
    for number in range(STEPS):
        batch = packed.batch(packed.bins[number])
        tokens = batch["input_ids"].numel()
        labels = torch.nn.functional.pad(batch.pop("labels"), (0, TOKENS - tokens), value=-100)
        with torch.autocast("cpu", torch.bfloat16, enabled=TASK.is_bf16):
            hidden = core(**fill(batch, TOKENS), use_cache=False).last_hidden_state
            scored = linear_cross_entropy(hidden, model.lm_head.weight, labels)
        (scored.loss / scored.count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        GAUGE.saw(tokens, TOKENS)
        GAUGE.step()
    GAUGE.tell()


main()
