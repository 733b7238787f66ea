"""Files named in chat are read only below the policy's folders."""

import hashlib
import json

import datasets
import pytest

from bot.adapters.local.data_files import LocalDataFiles
from bot.errors import InputError
from trainer.contract.data import DataSource
from trainer.data.read import read_rows
from trainer.method import find_method


@pytest.fixture
def files(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faq.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "data" / "empty.jsonl").touch()
    (tmp_path / "data" / "folder").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "data" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return LocalDataFiles(["data"], tmp_path)


@pytest.mark.parametrize("name", ["data/faq.jsonl", "faq.jsonl", "file:data/faq.jsonl"])
async def test_a_file_below_a_root_is_found_with_its_hash(files, tmp_path, name):
    found = await files.find(name)
    body = (tmp_path / "data" / "faq.jsonl").read_bytes()
    assert found.uri == str(tmp_path / "data" / "faq.jsonl")
    assert (found.bytes, found.sha256) == (len(body), hashlib.sha256(body).hexdigest())


async def test_a_built_in_source_is_no_file(files):
    assert await files.find("builtin:python-qa") is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("data/missing.jsonl", "is not there"),
        ("data/empty.jsonl", "is empty"),
        ("data/folder", "is a folder"),
        ("secret.txt", "outside the folders"),
        ("data/../secret.txt", "outside the folders"),
        ("data/link.txt", "outside the folders"),
        ("/etc/passwd", "outside the folders"),
        ("a\0b", "no usable path"),
        ("x" * 5000, "no usable path"),
    ],
)
async def test_any_other_file_is_refused_with_the_reason(files, name, hint):
    with pytest.raises(InputError, match=hint) as refused:
        await files.find(name)
    assert refused.value.faults[0].loc == "data"


@pytest.mark.parametrize("kind", ["shards", "one", "saved"])
async def test_a_folder_is_pinned_by_the_hash_that_the_trainer_reads(files, tmp_path, kind):
    folder = tmp_path / "data" / "folder"
    rows = [{"question": f"{n}?", "answer": "Yes."} for n in range(3)]
    if kind == "saved":
        datasets.Dataset.from_list(rows).save_to_disk(str(folder), num_shards=2)
    for row in rows[: {"shards": 3, "one": 1, "saved": 0}[kind]]:
        (folder / f"{row['question'][0]}.jsonl").write_text(json.dumps(row) + "\n")
    found = await files.find("data/folder")
    read = read_rows(DataSource(uri=found.uri), find_method("sft").ROWS, tmp_path)
    assert (found.uri, found.sha256) == (str(folder), read.sha256)


async def test_a_link_in_a_folder_does_not_lead_out_of_the_roots(files, tmp_path):
    (tmp_path / "data" / "folder" / "a.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="leads elsewhere"):
        await files.find("data/folder")


async def test_without_roots_no_file_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match="the policy names none"):
        await LocalDataFiles([], tmp_path).find("a.txt")


async def test_a_models_folder_is_found_with_its_shape(files, tmp_path):
    config = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "vocab_size": 512,
    }
    (tmp_path / "data" / "folder" / "config.json").write_text(json.dumps(config))
    found = await files.find_folder("data/folder")
    assert found.uri == str(tmp_path / "data" / "folder")
    assert (found.config.layers, found.config.tie_embeddings) == (2, False)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"hidden_size": "x"}'])
async def test_a_folder_without_a_shape_says_none(files, tmp_path, text):
    (tmp_path / "data" / "folder" / "config.json").write_text(text)
    assert (await files.find_folder("folder")).config is None


@pytest.mark.parametrize(
    ("name", "hint"), [("data/faq.jsonl", "is no folder"), ("/etc", "outside the folders")]
)
async def test_what_is_no_folder_below_a_root_is_refused(files, name, hint):
    with pytest.raises(InputError, match=hint):
        await files.find_folder(name)
