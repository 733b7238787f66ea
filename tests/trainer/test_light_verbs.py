"""The pipeline's first stages install three packages: their verbs must need no other."""

import base64
import json
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.trainer.small import ROOT, process_environment, small_spec
from trainer.contract.spec import canonical_json

# Prints which packages of site-packages were loaded.
LOADED = """
import json, sys
from trainer.__main__ import main
code = main(sys.argv[1:])
files = {name.partition(".")[0]: getattr(module, "__file__", None) or ""
         for name, module in sys.modules.items()}
found = sorted(name for name, file in files.items() if "site-packages" in file)
print(json.dumps([code, found]))
"""
# What each is called when it is imported; an editable install of ours brings its own finder.
IMPORTED = {
    "pydantic-core": "pydantic_core",
    "PyYAML": "yaml",
    "annotated-types": "annotated_types",
}


def installed(repository: Path) -> set[str]:
    """Return what `packages: contract` installs, with all that comes along."""
    text = (repository / "azure-pipelines" / "templates" / "install.yml").read_text()
    script = next(line for line in text.splitlines() if "--constraint requirements.lock" in line)
    wanted = script.partition("requirements.lock")[2].split()
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            needs = map(Requirement, requires(name) or [])
            wanted += [one.name for one in needs if one.marker is None]
    return {IMPORTED.get(name, name.replace("-", "_")) for name in found}


@pytest.mark.parametrize("verb", ["validate", "snapshot"])
def test_checking_and_freezing_load_nothing_but_the_contracts_packages(
    repository: Path, tmp_path: Path, verb: str
) -> None:
    spec = canonical_json(small_spec(data={"train": {"uri": "azureml:d:1"}, "max_length": 64}))
    encoded = base64.urlsafe_b64encode(spec.encode()).decode()
    rest = ["env:SPEC"] if verb == "validate" else ["--output", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, verb, *rest],
        cwd=ROOT,
        env=process_environment({"SPEC": encoded}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    ours = {name for name in loaded if name.startswith(("__editable__", "_distutils"))}
    assert code == 0, done.stderr
    assert set(loaded) - ours <= installed(repository)


def test_only_the_last_stage_installs_the_sdks(repository: Path) -> None:
    stages = yaml.safe_load((repository / "azure-pipelines" / "train.yml").read_text())["stages"]
    wanted = {
        stage["stage"]: step["parameters"].get("packages", "all")
        for stage in stages
        for step in stage["jobs"][0]["steps"]
        if step.get("template") == "templates/install.yml"
    }
    assert wanted == {"validate": "contract", "prepare": "contract", "submit": "all"}
