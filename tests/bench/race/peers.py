"""LLaMA-Factory in an environment of its own: it asks for older libraries than ours."""

import subprocess
import sys
from pathlib import Path

import torch

LLAMA_FACTORY = "llamafactory==0.9.5"
# What it needs for text: by itself it would bring torchaudio and torchvision, and with them a torch
# for CUDA of some gigabytes. The bounds are its own.
NEEDS = (
    "accelerate<=1.11.0",
    "datasets<=4.0.0",
    "peft==0.18.1",
    "transformers<=5.6.0",
    "trl<=0.24.0",
    "tyro<0.9.0",
    "torchdata==0.11.0",
    *("omegaconf", "sentencepiece", "tiktoken", "fire", "einops", "scipy", "pandas", "protobuf"),
    *("pyyaml", "pydantic", "fastapi", "uvicorn", "sse-starlette", "matplotlib", "hf-transfer"),
)
READY = "ready.txt"  # inside what it stands for


class NotInstalledError(Exception):
    """The environment could not be made; the message says why."""


def llama_factory(cache: Path) -> Path:
    """Return the Python that has it, made on the first call (1.5 GB, some minutes)."""
    folder = cache / "llama-factory"
    python = folder / "bin" / "python"
    if (folder / READY).is_file():
        return python
    _call(sys.executable, "-m", "venv", "--clear", str(folder))
    pip = (str(python), "-m", "pip", "install", "--quiet")
    build = f"torch=={torch.__version__}"
    _call(*pip, build)
    _call(*pip, build, *NEEDS)
    _call(*pip, "--no-deps", LLAMA_FACTORY)
    (folder / READY).write_text(f"{LLAMA_FACTORY}, {build}\n", "utf-8")
    return python


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise NotInstalledError(f"{' '.join(command[:4])} ...: {last}")
