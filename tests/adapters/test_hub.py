"""The hub as the bot asks it: once for each commit, and every refusal is a sentence."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.hub import Hub
from bot.errors import InputError, UnavailableError
from tests.loopback_hub import TOKEN, serving
from tests.loopback_hub import Hub as LoopbackHub
from trainer.contract.spec import ModelConfig, ModelSpec

CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 512,
}
SHAPE = ModelConfig(
    hidden_size=64,
    layers=2,
    heads=4,
    kv_heads=2,
    intermediate_size=128,
    vocab_size=512,
    tie_embeddings=False,
)
FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": b"{}",
    "model.safetensors": b"w" * 1000,
    "pytorch_model.bin": b"p" * 1000,
}


@pytest.fixture
def server() -> Iterator[LoopbackHub]:
    with serving(LoopbackHub()) as found:
        yield found


def adapter(server: LoopbackHub, folder: Path, **env: str) -> Hub:
    return Hub(folder, {"HF_ENDPOINT": server.address, **env})


def model(revision: str | None = None) -> ModelSpec:
    return ModelSpec(source="hf:lab/small", revision=revision)


async def test_a_branch_becomes_its_commit_which_is_asked_for_once(server, tmp_path):
    commit = server.add("lab/small", FILES)
    found = await adapter(server, tmp_path).find(model("main"))
    assert (found.commit, found.config) == (commit, SHAPE)
    assert found.bytes == 1000 + 2 + len(FILES["config.json"])
    asked = len(server.asked)
    again = await adapter(server, tmp_path, HF_HUB_OFFLINE="1").find(model(commit))
    assert again == found
    assert len(server.asked) == asked


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b""}, "only as pickles"),
        ({**FILES, "config.json": b'{"auto_map": {}}'}, "brings code of its own"),
    ],
)
async def test_a_model_that_no_run_could_use_is_refused(server, tmp_path, files, said):
    server.add("lab/small", files)
    with pytest.raises(InputError, match=said) as caught:
        await adapter(server, tmp_path).find(model())
    assert caught.value.faults[0].loc == "base"


async def test_a_mixture_of_experts_has_no_shape_that_could_be_priced(server, tmp_path):
    config = json.dumps({**CONFIG, "num_local_experts": 8}).encode()
    server.add("lab/small", {**FILES, "config.json": config})
    assert (await adapter(server, tmp_path).find(model())).config is None


async def test_a_gated_model_needs_a_token_that_no_sentence_repeats(server, tmp_path):
    server.add("lab/small", FILES, is_gated=True)
    with pytest.raises(InputError, match="is gated"):
        await adapter(server, tmp_path).find(model())
    with pytest.raises(InputError, match="does not know the token") as caught:
        await adapter(server, tmp_path, HF_TOKEN="hf_" + "x" * 34).find(model())
    assert "xxx" not in str(caught.value)
    assert (await adapter(server, tmp_path, HF_TOKEN=TOKEN).find(model())).config == SHAPE
    assert set(server.tokens_at_storage) == {""}


async def test_what_is_not_there_and_a_hub_that_is_away_are_told_apart(server, tmp_path):
    with pytest.raises(InputError, match="has no model lab/small"):
        await adapter(server, tmp_path).find(model())
    server.add("lab/small", FILES)
    with pytest.raises(InputError, match="has no revision v2"):
        await adapter(server, tmp_path).find(model("v2"))
    server.answers_only = 503
    with pytest.raises(UnavailableError, match="answered 503"):
        await adapter(server, tmp_path).find(model())
    away = Hub(tmp_path, {"HF_ENDPOINT": "http://127.0.0.1:9"})
    with pytest.raises(UnavailableError, match="does not answer"):
        await away.find(model())
    with pytest.raises(UnavailableError, match="HF_HUB_OFFLINE forbids"):
        await adapter(server, tmp_path, HF_HUB_OFFLINE="1").find(model())
