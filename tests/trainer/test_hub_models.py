"""A base model of the hub: fetched once at its commit, only what is needed, or refused in words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.loopback_hub import TOKEN, Hub, serving
from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.small import small_spec, write_colours
from trainer.base import Places, find_base
from trainer.contract.architectures import config_fault
from trainer.contract.hub import HubError, HubFile, needed_files, refusal
from trainer.contract.spec import ModelSpec
from trainer.errors import BadSpecError
from trainer.lineage import read_lineage
from trainer.weights import model_hash

NAME = "lab/small"
CONFIG = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}).encode()
WEIGHTS = bytes(range(256)) * 4096  # 1 MB, never loaded here
FILES = {
    "config.json": CONFIG,
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    # What is not needed:
    "README.md": b"about it",
    "pytorch_model.bin": b"a pickle",
    "modeling_small.py": b"import os",
    "consolidated.safetensors": b"the same once more",
}
NEEDED = {"config.json", "tokenizer.json", "model.safetensors"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serving(Hub()) as found:
        monkeypatch.setenv("HF_ENDPOINT", found.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield found


def find(
    cache: Path, commit: str | None, *, off: bool = False, said: list[str] | None = None
) -> Path:
    model = ModelSpec(source=f"hf:{NAME}", revision=commit)
    places = Places(cache, cache, cache, hub_is_off=off)
    return find_base(model, places, [].append if said is None else said.append)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_only_what_is_needed_is_fetched_once_and_works_without_the_hub(
    hub: Hub, tmp_path: Path
) -> None:
    commit = hub.add(NAME, FILES)
    said: list[str] = []
    folder = find(tmp_path, commit, said=said)
    assert names(folder) == NEEDED
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert said == [f"fetching hf:{NAME} at commit {commit[:12]}: 1.0 MB in 3 files"]
    asked = len(hub.asked)
    assert find(tmp_path, commit, off=True) == folder
    assert len(hub.asked) == asked


def test_a_fetch_that_breaks_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    commit = hub.add(NAME, FILES)
    hub.cut_after = 300_000
    with pytest.raises(BadSpecError, match="does not answer"):
        find(tmp_path, commit)
    hub.cut_after, hub.asked[:] = None, []
    said: list[str] = []
    folder = find(tmp_path, commit, said=said)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched() == ["model.safetensors"]
    assert "; 2 are here already" in said[0]


def test_weights_in_shards_are_those_of_the_index(hub: Hub, tmp_path: Path) -> None:
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    whole = {**FILES, **dict.fromkeys(shards, b"w"), "model.safetensors.index.json": b""}
    del whole["model.safetensors"]
    whole["model.safetensors.index.json"] = json.dumps(index).encode()
    folder = find(tmp_path, hub.add(NAME, whole))
    assert names(folder) >= {*shards, "model.safetensors.index.json"}
    del whole[shards[1]]
    with pytest.raises(BadSpecError, match="its index names model-00002-of-00002"):
        find(tmp_path, hub.add(NAME, whole))


def test_a_file_that_came_damaged_is_refused_and_fetched_again(hub: Hub, tmp_path: Path) -> None:
    commit = hub.add(NAME, FILES)
    hub.garbles = True
    with pytest.raises(BadSpecError, match="came damaged"):
        find(tmp_path, commit)
    hub.garbles = False
    assert (find(tmp_path, commit) / "model.safetensors").read_bytes() == WEIGHTS


def test_a_gated_model_is_read_with_the_token_that_storage_and_words_never_see(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.add(NAME, FILES, is_gated=True)
    with pytest.raises(BadSpecError, match="is gated"):
        find(tmp_path, commit)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    with pytest.raises(BadSpecError, match="does not know the token") as caught:
        find(tmp_path, commit)
    assert "xxx" not in str(caught.value) + caught.value.remedy
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert names(find(tmp_path, commit)) == NEEDED
    assert set(hub.tokens_at_storage) == {""}


def without(*absent: str, **more: bytes) -> dict[str, bytes]:
    return {**{name: value for name, value in FILES.items() if name not in absent}, **more}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (without("model.safetensors"), "only as pickles"),
        (without("tokenizer.json"), "has no tokenizer"),
        (without("config.json"), r"has no config\.json"),
        ({"adapter_config.json": b"", "adapter_model.safetensors": b""}, "is an adapter"),
    ],
)
def test_files_that_make_no_model_are_refused(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(HubError, match=said):
        needed_files(NAME, [HubFile(name, 0, None, None) for name in files])


def test_a_tokenizer_of_ones_own_is_enough() -> None:
    files = [HubFile(name, 0, None, None) for name in without("tokenizer.json")]
    kept = needed_files(NAME, files, with_tokenizer=False)
    assert [file.name for file in kept] == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"auto_map": {}}, "brings code of its own"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "only causal language"),
        ({}, "of which architecture"),
    ],
)
def test_a_configuration_of_no_causal_language_model_is_refused(
    config: dict[str, Any], said: str
) -> None:
    assert said in str(config_fault(config))


@pytest.mark.parametrize(
    ("config", "said"),
    [(b'{"auto_map": {}}', "brings code of its own"), (b"[" * 100_000, "is no JSON object")],
)
def test_a_model_that_will_not_do_is_refused_before_its_weights_are_fetched(
    hub: Hub, tmp_path: Path, config: bytes, said: str
) -> None:
    commit = hub.add(NAME, {**FILES, "config.json": config})
    with pytest.raises(BadSpecError, match=said):
        find(tmp_path, commit)
    assert "model.safetensors" not in hub.fetched()


@pytest.mark.parametrize(
    ("status", "said", "is_away"),
    [
        (500, "answered 500", True),
        (429, "answered 429", True),
        (403, "does not let us read", False),
        (404, "has no model", False),
    ],
)
def test_a_hub_in_trouble_is_told_apart_from_a_model_that_is_not_there(
    status: int, said: str, is_away: bool
) -> None:
    found = refusal(NAME, "main", status)
    assert said in found.message
    assert found.is_away is is_away


def test_what_is_not_there_is_named(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSpecError, match="has no model lab/small"):
        find(tmp_path, "0" * 40)
    hub.answers_only = 503
    with pytest.raises(BadSpecError, match="answered 503"):
        find(tmp_path, "0" * 40)
    hub.answers_only = None
    commit = hub.add(NAME, FILES)
    with pytest.raises(BadSpecError, match="has no revision 0000"):
        find(tmp_path, "0" * 40)
    with pytest.raises(BadSpecError, match=r"hf:lab/small@main can change") as caught:
        find(tmp_path, None)
    assert commit in caught.value.remedy
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BadSpecError, match=r"The hub at http://127\.0\.0\.1:9 does not answer"):
        find(tmp_path, commit)


@pytest.mark.parametrize(("commit", "said"), [("0" * 40, "not in the cache"), (None, "can change")])
def test_without_the_hub_a_model_that_is_not_kept_is_refused(
    tmp_path: Path, commit: str | None, said: str
) -> None:
    with pytest.raises(BadSpecError, match=said):
        find(tmp_path, commit, off=True)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"source": "hf:small"}, "is not hf:<owner>/<name>"),
        ({"source": "hf:../../etc"}, "is not hf:<owner>/<name>"),
        ({"source": "hf:lab/small", "revision": "../x"}, "no commit, branch or tag"),
        (
            {"source": "run:run-20261123-small2", "revision": "main"},
            "belongs to a model of the hub",
        ),
    ],
)
def test_a_name_that_the_hub_cannot_have_is_refused_in_the_spec(
    model: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        ModelSpec.model_validate(model)


def test_a_run_learns_on_a_model_of_the_hub_and_says_which(
    hub: Hub, small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    model = small_run.output / "model"
    commit = hub.add(NAME, {path.name: path.read_bytes() for path in model.iterdir()})
    write_colours(tmp_path)
    source = {"source": f"hf:{NAME}", "revision": commit}
    spec = small_spec(model=source, tuning={"kind": "lora", "r": 2}, budget={"steps": 2})
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    env = {"KRSP_WORKDIR": str(tmp_path), "KRSP_HOME": str(tmp_path / "home")}
    asks = {**env, "HF_HUB_OFFLINE": "0", "HF_TOKEN": TOKEN}
    done = trainer("run", tmp_path / "spec.json", "--output", tmp_path / "output", env=asks)
    assert done.code == 0, done.output + done.errors
    assert f"fetching hf:{NAME} at commit {commit[:12]}" in done.output
    known = read_lineage(tmp_path / "output/model")
    assert known.spec["model"]["revision"] == commit
    assert known.base_sha256 == model_hash(tmp_path / f"home/cache/models/hub/lab--small/{commit}")
    card = (tmp_path / "output/model/README.md").read_text()
    assert f"base_model: {NAME}\n" in card
    assert f"hf:{NAME} at commit `{commit}`" in card
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TOKEN.encode() not in written
    told = json.loads(trainer("estimate", tmp_path / "spec.json", "--json", env=env).output)
    assert told["parameters"] > 0


def test_validate_refuses_a_model_that_is_not_pinned(trainer: Trainer, tmp_path: Path) -> None:
    write_colours(tmp_path)
    spec = small_spec(model={"source": f"hf:{NAME}", "revision": "v1"})
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    done = trainer("validate", tmp_path / "spec.json", env={"KRSP_WORKDIR": str(tmp_path)})
    assert done.code == 2
    assert f"hf:{NAME}@v1 can change" in done.errors
