"""Our pipeline files: valid for Azure, and no text of a person ever becomes part of a script."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import Plan, plan
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Sequence

FILE = "azure-pipelines/train.yml"
SPEC = base64.urlsafe_b64encode(b'{"name": "$(rm -rf /)"}').decode().rstrip("=")
GIVEN = {"runKey": "run-20261123-a2b3c4", "spec": SPEC, "target": "local"}
FILES = [
    "ci.yml",
    "deploy.yml",
    "promote.yml",
    "scheduled.yml",
    "templates/deploy.yml",
    "templates/install.yml",
    "templates/trainer.yml",
    "train.yml",
]


def expanded(repository: Path, **changes: str) -> Mapping:
    return load(repository, FILE, {**GIVEN, **changes}, {}, groups=frozenset({"krsp"}))


def planned(repository: Path, **changes: str) -> Plan:
    return plan(expanded(repository, **changes))


def texts(node: Node, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with the key that it stands under."""
    if isinstance(node, Scalar):
        yield key, node.text
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from texts(item, key)
    else:
        for name, value in node.entries:
            yield from texts(value, name.text)


@pytest.mark.parametrize("name", FILES)
def test_microsofts_checker_finds_nothing_wrong(
    repository: Path, faults: Callable[..., list[str]], name: str
) -> None:
    assert faults(repository / "azure-pipelines" / name) == []


def test_microsofts_checker_would_find_something_wrong(
    tmp_path: Path, faults: Callable[..., list[str]]
) -> None:
    file = tmp_path / "bad.yml"
    file.write_text("jobs:\n- job: a\n  nope: 1\n  steps:\n  - bash: x\n")
    assert faults(file) == [f"{file}:3: Unexpected property nope"]


def test_every_pipeline_file_is_checked(repository: Path) -> None:
    folder = repository / "azure-pipelines"
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yml"))
    assert found == sorted(FILES)


def test_the_local_run_validates_prepares_and_submits(repository: Path) -> None:
    stages = planned(repository).stages
    assert [(stage.name, stage.depends_on) for stage in stages] == [
        ("validate", ()),
        ("prepare", ("validate",)),
        ("submit", ("prepare",)),
    ]


def test_the_run_is_named_by_its_key(repository: Path) -> None:
    assert planned(repository).number == GIVEN["runKey"]


@pytest.mark.parametrize("target", ["local", "azureml"])
def test_the_spec_stands_in_the_environment_alone(repository: Path, target: str) -> None:
    holders = {key for key, text in texts(expanded(repository, target=target)) if SPEC in text}
    assert holders == {"KRSP_SPEC"}


@pytest.mark.parametrize("target", ["local", "azureml"])
def test_no_parameter_becomes_part_of_a_script(repository: Path, target: str) -> None:
    found = expanded(repository, target=target, runKey="MARK-KEY")
    scripts = [text for key, text in texts(found) if key in {"bash", "inlineScript", "arguments"}]
    assert len(scripts) >= 5
    assert not [script for script in scripts if SPEC in script or "MARK-KEY" in script]


def test_nothing_is_installed_or_signed_in_locally(repository: Path) -> None:
    keys = {key for key, _ in texts(expanded(repository))}
    assert "task" not in keys
    assert not [text for _, text in texts(expanded(repository)) if "pip install" in text]


def test_azure_installs_and_signs_in_where_it_talks_to_azure(repository: Path) -> None:
    found = list(texts(expanded(repository, target="azureml", serviceConnection="krsp-prod")))
    tasks = [text for key, text in found if key == "task"]
    assert tasks == ["UsePythonVersion@0"] * 3 + ["AzureCLI@2"]
    assert [text for key, text in found if key == "azureSubscription"] == ["krsp-prod"]


def test_the_azure_form_is_one_that_the_interpreter_can_run(repository: Path) -> None:
    stages = planned(repository, target="azureml").stages
    does = {step.does for stage in stages for job in stage.jobs for step in job.steps}
    assert does == {"bash", "checkout", "download", "publish", "python"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "moon"}, "`moon` is not one of `local`, `azureml`"),
        ({"spec": ""}, "the parameter `spec` needs a value"),
        ({"runKey": ""}, "the parameter `runKey` needs a value"),
        ({"other": "x"}, "there is no parameter `other`"),
    ],
)
def test_wrong_parameters_are_refused(
    repository: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(PipelineError, match=message):
        planned(repository, **changes)


def test_every_step_has_a_name_for_people(repository: Path) -> None:
    steps = [s for stage in planned(repository).stages for j in stage.jobs for s in j.steps]
    assert not [step.where for step in steps if step.display_name in {"Bash", "CmdLine"}]


def test_every_job_has_a_time_limit_of_its_own(repository: Path) -> None:
    jobs = [job for stage in planned(repository).stages for job in stage.jobs]
    assert {job.timeout_min for job in jobs} == {15.0}


def test_the_shell_script_is_valid_bash(repository: Path) -> None:
    script = repository / "azure-pipelines" / "templates" / "trainer.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
