"""The images: linted, without secrets or root, and built of what the build context holds."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = ("bot", "trainer", "server")
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "manifests" / "images"


def lines(folder: Path, name: str) -> list[str]:
    text = (folder / f"{name}.Dockerfile").read_text("utf-8")
    return [one for one in text.replace("\\\n", " ").splitlines() if one and one[0] != "#"]


def test_every_dockerfile_is_looked_at(folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.Dockerfile")} == set(NAMES)


@pytest.mark.timeout(900)
@each
def test_the_linter_finds_nothing(scanner: Callable[..., Any], name: str) -> None:
    done = scanner("hadolint", f"manifests/images/{name}.Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.timeout(900)
def test_the_linter_would_find_something(scanner: Callable[..., Any], tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN sudo apt-get install x\n")
    done = scanner("hadolint", str(bad))
    assert done.returncode == 1
    assert "DL3006" in done.stdout


@each
def test_no_image_runs_as_root(folder: Path, name: str) -> None:
    users = [one.split()[1] for one in lines(folder, name) if one.startswith("USER ")]
    assert users[-1] == "10001:10001"


@each
def test_every_base_is_a_parameter_with_a_tag(folder: Path, name: str) -> None:
    text = lines(folder, name)
    bases = [one.split()[1] for one in text if one.startswith("FROM ")]
    given = dict(re.findall(r"^ARG (\w+)=(\S+)", "\n".join(text), re.MULTILINE))
    for base in bases:
        tag = given[base.strip("${}")].rpartition(":")[2]
        assert tag
        assert tag != "latest"


@each
def test_no_secret_is_built_in(folder: Path, name: str) -> None:
    said = "\n".join(one for one in lines(folder, name) if one.split()[0] in {"ARG", "ENV"})
    assert not re.search(r"secret|password|token|connection_?string|grant_key", said, re.IGNORECASE)


@each
def test_every_image_says_whether_it_is_well(folder: Path, name: str) -> None:
    assert sum(one.startswith("HEALTHCHECK ") for one in lines(folder, name)) == 1


@each
def test_what_is_copied_exists_and_is_in_the_context(
    repository: Path, folder: Path, name: str
) -> None:
    for one in lines(folder, name):
        if not one.startswith("COPY ") or "--from" in one:
            continue
        for source in [part for part in one.split()[1:-1] if not part.startswith("--")]:
            assert (repository / source).exists(), source
            assert is_sent(repository, source), source


def is_sent(repository: Path, source: str) -> bool:
    """Return whether .dockerignore lets a path through; the last pattern that fits decides."""
    sent = True
    for pattern in (repository / ".dockerignore").read_text("utf-8").splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        kept = pattern.removeprefix("!").rstrip("/")
        path = Path(source.rstrip("/"))
        if any(one.match(kept) and one.full_match_depth(kept) for one in candidates(path)):
            sent = pattern.startswith("!")
    return sent


class _Candidate:
    """A path or one of its parents, matched as Docker does: from the root of the context."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def match(self, pattern: str) -> bool:
        return self._path.match(pattern.removeprefix("**/"))

    def full_match_depth(self, pattern: str) -> bool:
        return pattern.startswith("**/") or len(self._path.parts) == len(Path(pattern).parts)


def candidates(path: Path) -> list[_Candidate]:
    return [_Candidate(one) for one in (path, *path.parents) if one.parts]


@pytest.mark.parametrize("path", [".git", ".env", "tests", "docs", ".venv", "client/node_modules"])
def test_nothing_private_or_large_is_sent_to_the_build(repository: Path, path: str) -> None:
    assert not is_sent(repository, path)


@pytest.fixture
def serve(folder: Path, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that runs serve.sh with a Python that only tells how it was called."""
    tool = tmp_path / "bin" / "python"
    tool.parent.mkdir()
    tool.write_text('#!/bin/bash\necho "$@"; ls -L "$4"\n')
    tool.chmod(0o755)

    def run(**environment: str) -> "subprocess.CompletedProcess[str]":
        path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", str(folder / "serve.sh")],
            env={"PATH": path, "TMPDIR": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_server_finds_the_model_wherever_the_asset_put_it(
    serve: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    for part in ("model/1/model", "model/1/model/checkpoint-50"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "config.json").write_text("{}")
    done = serve(AZUREML_MODEL_DIR=str(tmp_path / "model"), KRSP_MODEL_NAME="tiny")
    said, *files = done.stdout.splitlines()
    assert said == "-m transformers.cli.transformers serve tiny --host 0.0.0.0 --port 8000"
    assert files == ["checkpoint-50", "config.json"]


def test_the_server_says_that_there_is_no_model(
    serve: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path
) -> None:
    done = serve(AZUREML_MODEL_DIR=str(tmp_path))
    assert done.returncode == 2
    assert f"no model (a folder with config.json) below {tmp_path}" in done.stderr
