"""Models of Hugging Face's hub: how they are named, which files are needed, what a refusal means.

The bot asks the hub for a plan and the trainer for a run; both go by these rules.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HUB = "hf:"
ENDPOINT = "https://huggingface.co"
MAIN = "main"
# The hub forbids `--` and `..` as well.
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_NAME = re.compile(rf"{_PART}/{_PART}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_COMMIT = re.compile(r"[0-9a-f]{40}")

# What transformers reads of a model's folder, and nothing else: no pickles, no code, no copies of
# the weights for other libraries.
CONFIG = "config.json"
_BESIDE = frozenset({CONFIG, "generation_config.json", "chat_template.jinja", "chat_template.json"})
_TOKENIZER = frozenset(
    {
        *("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt"),
        *("merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    }
)
# One of these is the tokenizer itself.
_WORDS = (
    ("tokenizer.json",),
    ("tokenizer.model",),
    ("spiece.model",),
    ("vocab.json", "merges.txt"),
    ("vocab.txt",),
)
WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


class HubError(Exception):
    """A model of the hub cannot be had; `remedy` says what to do, `is_away` that it may pass."""

    def __init__(self, message: str, *, remedy: str, is_away: bool = False) -> None:
        super().__init__(message)
        self.message, self.remedy, self.is_away = message, remedy, is_away


@dataclass(frozen=True)
class HubFile:
    """A file at one commit, and what its content hashes to: sha256, else git's id of a blob."""

    name: str
    size: int
    sha256: str | None
    blob_id: str | None


def is_commit(revision: str | None) -> bool:
    """Return whether the revision is a commit in full: a branch or a tag can change."""
    return _COMMIT.fullmatch(revision or "") is not None


def pin_fault(source: str | None, revision: str | None) -> str | None:
    """Return in words what is wrong with a spec's source and revision, or None."""
    if source is None or not source.startswith(HUB):
        if revision is None:
            return None
        return f"`revision` belongs to a model of the hub ({HUB}<owner>/<name>)"
    if not _is_name(source.removeprefix(HUB)):
        return f"{source!r} is not {HUB}<owner>/<name>"
    if revision is not None and (not _REVISION.fullmatch(revision) or ".." in revision):
        return f"revision {revision!r} is no commit, branch or tag"
    return None


def _is_name(name: str) -> bool:
    """Return whether the hub could have a model of that name."""
    return _NAME.fullmatch(name) is not None and "--" not in name and ".." not in name


def needed_files(
    name: str, files: Iterable[HubFile], *, with_tokenizer: bool = True
) -> tuple[HubFile, ...]:
    """Return what a run needs of a model's files, weights last. Raises `HubError`."""
    there = {file.name: file for file in files}
    weights = _weights(name, there)
    if CONFIG not in there:
        raise HubError(
            f"The model {name} has no {CONFIG}: it is none that transformers saved.",
            remedy="Choose a model with weights in the layout of transformers.",
        )
    if with_tokenizer and not any(all(part in there for part in words) for words in _WORDS):
        raise HubError(
            f"The model {name} has no tokenizer.",
            remedy="Set model.tokenizer to the folder of the one that belongs to it.",
        )
    wanted = _BESIDE | _TOKENIZER if with_tokenizer else _BESIDE
    beside = [file for place, file in sorted(there.items()) if place in wanted]
    return (*beside, *weights)


def _weights(name: str, there: Mapping[str, HubFile]) -> list[HubFile]:
    if WHOLE in there:
        return [there[WHOLE]]
    shards = [file for place, file in sorted(there.items()) if _SHARD.fullmatch(place)]
    if INDEX in there and shards:
        return [there[INDEX], *shards]
    if "adapter_config.json" in there:
        raise HubError(
            f"The model {name} is an adapter, not a whole model.",
            remedy="Name the model that it belongs to, or one that it was merged into.",
        )
    pickles = [place for place in sorted(there) if place.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    what = f"only as pickles ({pickles[0]})" if pickles else "in no layout that is read here"
    raise HubError(
        f"The model {name} has its weights {what}, not as safetensors.",
        remedy="Choose a revision or a copy of it with safetensors: a pickle can run code and is "
        "not loaded.",
    )


def refusal(name: str, revision: str, status: int, *, code: str = "", said: str = "") -> HubError:
    """Return what an answer of the hub means: `code` and `said` are its X-Error headers."""
    if code == "GatedRepo":
        return HubError(
            f"The model {name} is gated: its owner lets in only who has accepted its terms.",
            remedy="Accept them on the model's page with the account whose token is HF_TOKEN, or "
            "choose another model.",
        )
    if status == 401 and "redential" in said:
        return HubError("The hub does not know the token in HF_TOKEN.", remedy="Renew the token.")
    if code == "RevisionNotFound":
        return HubError(
            f"The model {name} has no revision {revision}.",
            remedy="Name a commit, a branch or a tag of it.",
        )
    if code == "RepoNotFound" or status in (401, 404):
        return HubError(
            f"The hub has no model {name}, or does not show it to everybody.",
            remedy="Check the name; a private model needs a token in HF_TOKEN that may read it.",
        )
    if status == 403:
        return HubError(
            f"The hub does not let us read {name}.",
            remedy="Check what the token HF_TOKEN may read.",
        )
    return HubError(
        f"The hub answered {status} when it was asked for {name}.",
        remedy="Try again in a few minutes.",
        is_away=True,
    )


def away(endpoint: str, why: str) -> HubError:
    """Return what it means that nobody answers."""
    return HubError(
        f"The hub at {endpoint} does not answer ({why}).",
        remedy="Check that this machine reaches it (HF_ENDPOINT names a mirror, HTTPS_PROXY a "
        "proxy), or name the folder of a model.",
        is_away=True,
    )


def files_of(siblings: Iterable[Mapping[str, object]]) -> tuple[HubFile, ...]:
    """Return the files as `/api/models/<name>/revision/<revision>?blobs=true` lists them."""
    found = []
    for one in siblings:
        lfs = one.get("lfs")
        size, blob = one.get("size"), one.get("blobId")
        sha256 = lfs.get("sha256") if isinstance(lfs, Mapping) else None
        found.append(
            HubFile(
                str(one.get("rfilename", "")),
                size if isinstance(size, int) else 0,
                str(sha256) if sha256 else None,
                str(blob) if blob else None,
            )
        )
    return tuple(found)
