"""Data larger than memory: what is held does not grow with the file."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.small import ROOT, process_environment, small_spec
from trainer.data.rows import Document
from trainer.tokens.arrays import GrowingArray, read_array
from trainer.tokens.tokenizer import train_tokenizer

MEGABYTE = 1_000_000
FILE_BYTES = 100 * MEGABYTE
# Prepares the data of spec.json and prints how many bytes more than before were held at most.
MEASURE = """
import json, resource, sys
from pathlib import Path
from tests.trainer.small import context_of
from trainer.contract.spec import RunSpec
from trainer.data.census import Census
from trainer.data.gather import gather
from trainer.prepare import prepare

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def prepared(name):
    spec = RunSpec.model_validate_json((folder / name).read_text())
    gathered = gather(spec, folder, census=Census(spec.data.max_length))
    return prepare(context_of(spec, folder, say=lambda _: None), gathered, None)

folder = Path(sys.argv[1])
prepared("warm.json")
before = peak()
found = prepared("spec.json")
after = peak()
batches = [found.train([{"bin": bin}]) for bin in range(0, len(found.train.bins), 500)]
print(json.dumps([after - before, found.data.tokens, found.data.rows, len(batches)]))
"""


def write_words(path: Path, size: int) -> None:
    """Write rows of 2 kB until the file has `size` bytes."""
    chance = np.random.default_rng(0)
    words = ["".join(chance.choice([*"abcdefghijklmnop"], size)) for size in [*range(2, 10)] * 99]
    with path.open("w") as file:
        while file.tell() < size:
            for text in chance.choice(words, (100, 330)).tolist():
                file.write(json.dumps({"text": " ".join(text)}) + "\n")


@pytest.mark.slow
def test_memory_stays_far_below_the_size_of_the_data(tmp_path: Path) -> None:
    write_words(tmp_path / "large.jsonl", FILE_BYTES)
    write_words(tmp_path / "warm.jsonl", MEGABYTE)
    documents = [Document(line) for line in (tmp_path / "warm.jsonl").read_text().splitlines()]
    made = train_tokenizer(documents, vocab_size=2000, max_length=512)
    made.save_pretrained(tmp_path / "tokenizer")
    for name in ("warm", "large"):
        spec = small_spec(
            method="pretrain",
            model={**small_spec().model.model_dump(), "tokenizer": "tokenizer"},
            data={"train": {"uri": f"{name}.jsonl"}, "max_length": 512},
        )
        place = "spec.json" if name == "large" else "warm.json"
        (tmp_path / place).write_text(spec.model_dump_json())
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        cwd=ROOT,
        env=process_environment({"TOKENIZERS_PARALLELISM": "true"}),
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    held, tokens, rows, batches = json.loads(done.stdout.splitlines()[-1])
    assert held < FILE_BYTES / 4, f"{held / MEGABYTE:.0f} MB held"
    assert rows > 40_000
    assert tokens > 20 * MEGABYTE
    assert batches > 10


def test_an_array_grows_on_disk_and_is_read_as_any_npy_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with GrowingArray(path, np.int32) as array:
        for piece in (np.arange(3), np.empty(0), np.arange(3, 200_000)):
            array.add(piece)
    assert np.array_equal(read_array(path), np.arange(200_000))
    assert np.load(path).dtype == np.int32
