"""Run one step: its command, its log, and the orders that it gives by `##vso[...]`."""

import asyncio
import re
import shlex
import shutil
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from bot.adapters.local.interpreter import workspace as folders
from bot.adapters.local.interpreter.agent import Setting
from bot.adapters.local.interpreter.commands import RESTRICTED, Command, command
from bot.adapters.local.interpreter.process import Ended, Order, Why, run
from bot.adapters.local.interpreter.secrets import Secrets
from bot.adapters.local.interpreter.status import Result
from bot.adapters.local.interpreter.steps import Step
from bot.adapters.local.interpreter.tasks import python_matches
from bot.adapters.local.interpreter.timeline import Record, Timeline
from bot.adapters.local.interpreter.variables import Variable, Variables
from bot.adapters.local.interpreter.workspace import Workspace

_QUIET = frozenset({"task.debug", "task.logdetail", "task.setprogress"})
_RESULTS = {result.lower(): result for result in (Result.SUCCEEDED, Result.ISSUES, Result.FAILED)}


_ARTIFACT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. -]*")


@dataclass
class JobState:
    """What the steps of one job share and change."""

    setting: Setting
    workspace: Workspace
    variables: Variables
    secrets: Secrets
    timeline: Timeline
    environment: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)


class StepRunner:
    """One step of one job, from its first line to its result."""

    def __init__(self, job: JobState, step: Step, record: Record, log: TextIO) -> None:
        self._job, self._step, self._record, self._log = job, step, record, log
        self._said: Result | None = None  # by `task.complete`

    async def run(self, stop: asyncio.Event) -> Result:
        """Run it; raises OSError when the log or timeline cannot be written."""
        result = Result.FAILED
        for attempt in range(self._step.retries + 1):
            if attempt:
                self._write(f"##[warning]Attempt {attempt} failed; trying again.")
            result = await self._attempt(stop)
            if result is not Result.FAILED:
                break
        return result

    async def _attempt(self, stop: asyncio.Event) -> Result:
        self._said = None
        does = {
            "bash": self._bash,
            "python": self._python,
            "checkout": self._checkout,
            "publish": self._publish,
            "download": self._download,
        }
        try:
            return await does[self._step.does](stop)
        except (shutil.Error, OSError, ValueError) as error:
            # What the step wanted is impossible: no such folder, a full disk, a NUL in its text.
            self._fault(f"{self._step.display_name} could not be done: {error}")
            return Result.FAILED

    async def _bash(self, stop: asyncio.Event) -> Result:
        variables, inputs = self._job.variables, self._step.inputs
        cwd = self._job.workspace.sources / variables.fill(inputs.get("cwd", ""))
        if not cwd.is_dir():
            self._fault(f"The working directory {cwd} does not exist.")
            return Result.FAILED
        file = self._script_file()
        arguments = shlex.split(variables.fill(inputs.get("arguments", "")))
        bash = shutil.which("bash") or "/bin/bash"
        order = Order(
            command=(bash, "--noprofile", "--norc", str(file), *arguments),
            cwd=cwd,
            env=self._environment(),
            timeout_s=self._step.timeout_min * 60,
            grace_s=self._job.setting.grace_s,
        )
        ended = await run(order, stop, self._line, split_stderr=self._step.fail_on_stderr)
        self._record.exit_code = ended.exit_code
        return self._result(ended)

    def _script_file(self) -> Path:
        path = self._job.variables.fill(self._step.inputs.get("path", ""))
        if path:
            return self._job.workspace.sources / path
        file = self._job.workspace.temporary / f"{uuid.uuid4()}.sh"
        script = self._job.variables.fill(self._step.inputs["script"])
        file.write_text(script, encoding="utf-8")
        return file

    def _environment(self) -> dict[str, str]:
        variables = self._job.variables
        mapped = {name: variables.fill(value) for name, value in self._step.env}
        connection = variables.fill(self._step.inputs.get("connection", ""))
        signed_in = self._job.setting.service.connections.get(connection, {})
        return {**self._job.environment, **variables.environment(), **signed_in, **mapped}

    def _result(self, ended: Ended) -> Result:
        if ended.why is Why.STOPPED:
            self._fault("The operation was canceled.")
            return Result.CANCELED
        if ended.why is Why.TIMEOUT:
            self._fault(f"The step ran longer than its {self._step.timeout_min:g} minutes.")
            return Result.FAILED
        if ended.exit_code < 0:
            self._fault(f"The script was ended by signal {-ended.exit_code}.")
            return Result.FAILED
        if ended.exit_code > 0:
            self._fault(f"The script ended with exit code {ended.exit_code}.")
            return Result.FAILED
        if ended.complained:
            self._fault("The script wrote to stderr, and `failOnStderr` is set.")
            return Result.FAILED
        return self._said or Result.SUCCEEDED

    async def _checkout(self, _stop: asyncio.Event) -> Result:
        setting = self._job.setting
        count = await asyncio.to_thread(
            folders.check_out, setting.repository, self._job.workspace.sources, without=setting.home
        )
        commit = setting.revision.commit[:12] or "no commit"
        self._write(f"Copied {count} files of {setting.repository} ({commit}).")
        return Result.SUCCEEDED

    async def _publish(self, _stop: asyncio.Event) -> Result:
        variables = self._job.variables
        source = self._job.workspace.sources / variables.fill(self._step.inputs["path"])
        name, artifact = self._artifact()
        await asyncio.to_thread(folders.copy_into, source, artifact)
        self._write(f"Published {source} as {name}.")
        return Result.SUCCEEDED

    async def _download(self, _stop: asyncio.Event) -> Result:
        if self._step.inputs["artifact"]:
            names = [self._artifact()[0]]
        else:
            names = sorted(path.name for path in self._artifacts.glob("*"))
        for name in names:
            target = self._job.workspace.root / name
            await asyncio.to_thread(folders.copy_into, self._artifacts / name, target)
            self._write(f"Downloaded {name} to {target}.")
        return Result.SUCCEEDED

    def _artifact(self) -> tuple[str, Path]:
        name = self._job.variables.fill(self._step.inputs["artifact"])
        if not _ARTIFACT.fullmatch(name):
            raise ValueError(f"`{name}` cannot name an artifact")
        return name, self._artifacts / name

    @property
    def _artifacts(self) -> Path:
        return self._job.setting.folder / "artifacts"

    async def _python(self, _stop: asyncio.Event) -> Result:
        wanted, running = self._step.inputs["version"], sys.version_info[:3]
        version = ".".join(map(str, running))
        if not python_matches(wanted, running):
            self._fault(f"Python {wanted} is asked for, but this agent has only {version}.")
            return Result.FAILED
        self._write(f"Python {version} is used, for {wanted} was asked.")
        return Result.SUCCEEDED

    def _line(self, line: str) -> None:
        order = command(line)
        if order is None:
            self._write(line)
        elif self._step.target.restricted and order.name not in RESTRICTED:
            self._warn(f"The step may not use `{order.name}`: its target is restricted.")
        else:
            self._obey(order)

    def _obey(self, order: Command) -> None:
        if order.name == "task.setvariable":
            self._set_variable(order)
        elif order.name == "task.setsecret":
            self._job.secrets.add(order.message)
        elif order.name == "task.complete":
            self._complete(order)
        elif order.name == "task.logissue":
            self._issue(order)
        elif order.name == "build.addbuildtag":
            self._job.timeline.tags.append(self._job.secrets.mask(order.message.strip()))
        elif order.name not in _QUIET:
            self._warn(f"The command `{order.name}` is not supported here and was left out.")

    def _set_variable(self, order: Command) -> None:
        name = order.properties.get("variable", "").strip()
        settable = self._step.target.settable
        if not name:
            self._warn("`task.setvariable` names no variable.")
            return
        if settable is not None and name.lower() not in settable:
            self._warn(f"The step may not set the variable `{name}`: its target forbids it.")
            return
        if order.flag("isSecret"):
            self._job.secrets.add(order.message)
        if order.flag("isOutput"):
            if not self._step.name:
                self._warn(f"The output `{name}` is lost: the step has no `name`.")
                return
            name = f"{self._step.name}.{name}"
            self._job.outputs[name] = order.message
        secret, readonly = order.flag("isSecret"), order.flag("isReadOnly")
        if not self._job.variables.set(Variable(name, order.message, secret, readonly)):
            self._warn(f"The variable `{name}` is read-only and was left as it is.")

    def _complete(self, order: Command) -> None:
        result = _RESULTS.get(order.properties.get("result", "").lower())
        if result is None:
            self._warn(
                "`task.complete` needs a result of Succeeded, SucceededWithIssues or Failed."
            )
            return
        self._said = result
        if result is Result.FAILED:
            self._fault(order.message or "The step said that it failed.")

    def _issue(self, order: Command) -> None:
        if order.properties.get("type", "").lower() == "error":
            self._fault(order.message)
        else:
            self._warn(order.message)

    def _warn(self, message: str) -> None:
        self._note("warning", message)

    def _fault(self, message: str) -> None:
        self._note("error", message)

    def _note(self, kind: str, message: str) -> None:
        masked = self._job.secrets.mask(message)
        self._job.timeline.issue(self._record, kind, masked)
        self._write(f"##[{kind}]{masked}")

    def _write(self, line: str) -> None:
        prefix = self._job.setting.service.log_prefix()
        self._log.write(f"{prefix}{self._job.secrets.mask(line)}\n")
        self._log.flush()
