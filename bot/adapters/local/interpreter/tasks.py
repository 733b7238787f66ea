"""The tasks that are known here: what each makes of its inputs."""

import re
from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.shape import boolean, check_keys, text
from bot.adapters.local.interpreter.source import Mapping

_AZURE_CLI = frozenset(
    {
        "addSpnToEnvironment",
        "arguments",
        "azureSubscription",
        "failOnStandardError",
        "inlineScript",
        "scriptLocation",
        "scriptPath",
        "scriptType",
        "useGlobalConfig",
        "visibleAzLogin",
        "workingDirectory",
    }
)
_PYTHON = frozenset({"addToPath", "architecture", "versionSpec"})
_PYTHON_SPEC = re.compile(r"\d+(\.(\d+|x)){0,2}")


@dataclass(frozen=True)
class Action:
    """What a kind of step makes of its entry."""

    does: str
    display_name: str
    inputs: Dict[str, str]
    fail_on_stderr: bool = False


def task_action(name: str, inputs: Mapping) -> Action:
    """Return what the task `name` does with `inputs`; raises PipelineError for one unknown."""
    reader = _TASKS.get(name)
    if reader is None:
        known = ", ".join(f"`{task}`" for task in sorted(_TASKS))
        raise PipelineError(
            f"{inputs.where}: the task `{name}` is not supported here; known are: {known}."
        )
    return reader(inputs)


def python_matches(spec: str, version: tuple[int, ...]) -> bool:
    """Return whether the Python `version` is one that `spec` (3, 3.x, 3.11, 3.11.4) asks for."""
    wanted = [part for part in spec.split(".") if part != "x"]
    return [str(part) for part in version[: len(wanted)]] == wanted


def _azure_cli(inputs: Mapping) -> Action:
    check_keys(inputs, _AZURE_CLI, "AzureCLI@2")
    if text(inputs, "scriptType") != "bash":
        raise PipelineError(f"{inputs.where}: AzureCLI@2 needs `scriptType: bash` here.")
    if text(inputs, "scriptLocation", "scriptPath") == "inlineScript":
        script, path = text(inputs, "inlineScript"), ""
    else:
        script, path = "", text(inputs, "scriptPath")
    if not script and not path:
        raise PipelineError(f"{inputs.where}: AzureCLI@2 has no script to run.")
    values = {
        "script": script,
        "path": path,
        "arguments": text(inputs, "arguments"),
        "cwd": text(inputs, "workingDirectory"),
        "connection": text(inputs, "azureSubscription"),
    }
    fails = boolean(inputs, "failOnStandardError", default=False)
    return Action("bash", "AzureCLI", values, fails)


def _use_python(inputs: Mapping) -> Action:
    check_keys(inputs, _PYTHON, "UsePythonVersion@0")
    spec = text(inputs, "versionSpec", "3.x")
    if not _PYTHON_SPEC.fullmatch(spec):
        raise PipelineError(
            f"{inputs.where}: `versionSpec: {spec}` is not supported here; write `3.x`, "
            "`3.11` or `3.11.4`."
        )
    return Action("python", "UsePythonVersion", {"version": spec})


_TASKS: dict[str, Callable[[Mapping], Action]] = {
    "AzureCLI@2": _azure_cli,
    "UsePythonVersion@0": _use_python,
}
