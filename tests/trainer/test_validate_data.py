"""`validate`: warnings and faults by file and line, what the model will see, the data card."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.small import ROOT, process_environment, small_spec
from trainer.data.gather import gather
from trainer.data.rows import question_and_answer
from trainer.preview import BEGIN, END, in_words, preview
from trainer.tokens.encode import encode
from trainer.tokens.tokenizer import train_tokenizer

PAIRS = [{"question": f"What is {n}?", "answer": f"It is {n}."} for n in range(20)]
MAIL = {"question": "Who?", "answer": "Write to ada@example.org."}
TALK = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
# Prints what was loaded of the heavy libraries.
LOADED = """
import json, sys
from trainer.__main__ import main
code = main(sys.argv[1:])
heavy = ("torch", "transformers", "numpy", "datasets", "pyarrow")
print(json.dumps([code, [name for name in heavy if name in sys.modules]]))
"""


def write(folder: Path, *rows: Any, **changes: Any) -> Path:
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = {"train": {"uri": "d.jsonl"}, "max_length": 64, **changes.pop("data", {})}
    path = folder / "spec.json"
    path.write_text(small_spec(data=data, **changes).model_dump_json())
    return path


def tokenizer_in(folder: Path) -> PreTrainedTokenizerBase:
    rows = [question_and_answer(row["question"], row["answer"]) for row in PAIRS]
    tokenizer = train_tokenizer(rows, vocab_size=400, max_length=64)
    tokenizer.save_pretrained(folder)
    return tokenizer


def model_of(folder: Path) -> dict[str, Any]:
    tokenizer_in(folder / "tokens")
    return {**small_spec().model.model_dump(exclude_none=True), "tokenizer": "tokens"}


def test_warnings_are_printed_and_counted_and_the_run_may_start(
    trainer: Trainer, tmp_path: Path
) -> None:
    spec = write(tmp_path, *PAIRS, PAIRS[3], MAIL)
    env = {"KRSP_WORKDIR": str(tmp_path)}
    said = trainer("validate", spec, env=env)
    assert said.code == 0
    assert "Warning: 1 row equal to an earlier row: d.jsonl, line 21.\n" in said.output
    assert "Warning: 1 row may hold an e-mail address: d.jsonl, line 22.\n" in said.output
    assert "ada@" not in said.output + said.errors
    found = json.loads(trainer("validate", spec, "--json", env=env).output)
    assert {one["what"]: one["count"] for one in found["warnings"]} == {
        "duplicate": 1,
        "an e-mail address": 1,
    }
    assert found["warnings"][0]["places"] == ["d.jsonl, line 21"]


def test_faults_refuse_and_each_is_named(trainer: Trainer, tmp_path: Path) -> None:
    twice = {"messages": [TALK[0], *TALK]}
    broken = {"question": "Why?", "answer": "lost \ufffd"}
    spec = write(tmp_path, *PAIRS, twice, broken, {"question": "Why?", "answer": " "})
    said = trainer("validate", spec, env={"KRSP_WORKDIR": str(tmp_path)})
    assert said.code == 2
    for line, fault in ((21, "both the user's"), (22, "U+FFFD"), (23, "`answer` is empty")):
        assert f"d.jsonl, line {line}: " in said.errors
        assert fault in said.errors


def test_rows_that_would_end_the_run_refuse_where_tokens_are_known(
    trainer: Trainer, tmp_path: Path
) -> None:
    long = {"question": "Why?", "answer": "word " * 100}
    spec = write(tmp_path, *PAIRS, long, model=model_of(tmp_path), data={"overlength": "error"})
    said = trainer("validate", spec, env={"KRSP_WORKDIR": str(tmp_path)})
    assert said.code == 2
    assert "d.jsonl, line 21: longer than 64 tokens" in said.errors


def test_checking_data_loads_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    spec = write(tmp_path, *PAIRS)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "validate", str(spec), "--card", str(tmp_path / "c.md")],
        cwd=ROOT,
        env=process_environment({"KRSP_WORKDIR": str(tmp_path)}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
    assert (tmp_path / "c.md").read_text().startswith("# Data of small\n")


def test_the_preview_marks_what_is_learned_as_training_does(
    trainer: Trainer, tmp_path: Path
) -> None:
    spec = write(tmp_path, *PAIRS, model=model_of(tmp_path))
    env = {"KRSP_WORKDIR": str(tmp_path)}
    said = trainer("validate", spec, "--preview", 2, env=env)
    assert said.code == 0, said.errors
    assert f"<|im_start|>assistant\n{BEGIN}It is " in said.output
    assert said.output.count(f".<|im_end|>{END}") == 2
    found = json.loads(trainer("validate", spec, "--preview", 2, "--json", env=env).output)
    assert [len(found["preview"]), found["preview"][0]["part"]] == [2, ""]


def shown(folder: Path, *rows: Any, **changes: Any) -> Any:
    spec = small_spec_of(write(folder, *rows, **changes))
    return spec, gather(spec, folder), preview(spec, gather(spec, folder), None, rows=3)


def small_spec_of(path: Path) -> Any:
    return type(small_spec()).model_validate_json(path.read_text())


def test_the_preview_counts_the_tokens_that_training_learns(tmp_path: Path) -> None:
    spec, gathered, found = shown(tmp_path, *PAIRS)
    rows = list(gathered.split.train)
    tokenizer = train_tokenizer(rows, vocab_size=300, max_length=64)
    sequences = encode(rows[:3], tokenizer, spec.data)
    assert [one.tokens for one in found] == sequences.lengths.tolist()
    assert sum(one.learned_tokens for one in found) == int(np.sum(sequences.learned))


@pytest.mark.parametrize("loss_on", ["answers", "all"])
def test_the_pieces_of_a_preview_are_the_whole_text(tmp_path: Path, loss_on: str) -> None:
    _, _, found = shown(tmp_path, *PAIRS, data={"loss_on": loss_on})
    text = "".join(piece.text for piece in found[0].pieces)
    assert text.startswith("<|im_start|>user\nWhat is ")
    assert [piece.learned for piece in found[0].pieces] == (
        [True] if loss_on == "all" else [False, True, False]
    )
    assert (found[0].learned_tokens == found[0].tokens) is (loss_on == "all")


def test_plain_text_is_learned_to_its_end(tmp_path: Path) -> None:
    rows = [{"text": f"Once there were {n}."} for n in range(9)]
    _, _, found = shown(tmp_path, *rows, method="pretrain")
    assert in_words(found[:1]).rstrip().endswith(f".<|endoftext|>{END}")


def test_a_run_leaves_its_data_card_with_tokens(small_run: SmallRun) -> None:
    card = (small_run.output / "data-card.md").read_text()
    (line,) = small_run.of("data")
    assert f"sha256 `{line.sha256}`" in card
    assert f"{line.tokens:,}, of which {line.trained_tokens:,} learned" in card
    assert "## Tokens of a sequence to learn" in card
