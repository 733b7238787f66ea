"""Jobs for tests, made by Microsoft's SDK."""

import itertools
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.waiting import eventually

FINAL = {"Completed", "Failed", "Canceled"}
ARTIFACTS = f"https://{world.STORAGE}.blob.core.windows.net/{world.ARTIFACT_STORE}"
_NUMBERS = itertools.count(1)


@dataclass
class Workbench:
    """Submits scripts as jobs and looks after them. `ml` is the SDK's client."""

    twin: RunningTwin
    ml: Any
    module: Any  # azure.ai.ml
    folder: Path
    submitted: list[str] = field(default_factory=list)

    def name(self, prefix: str = "job") -> str:
        return f"{prefix}-{next(_NUMBERS)}"

    def code(self, script: str) -> Path:
        folder = self.folder / f"code-{next(_NUMBERS)}"
        folder.mkdir()
        (folder / "main.py").write_text(textwrap.dedent(script), encoding="utf-8")
        return folder

    def command(self, name: str, script: str, **more: Any) -> Any:
        """Return a job that runs `script`, on one node of the small cluster unless told."""
        environment = self.module.entities.Environment(name="trainer", version="1", image="cr/t:1")
        options = {
            "code": str(self.code(script)),
            "command": "python main.py",
            "environment": environment,
            "compute": "cpu-small",
            "experiment_name": "tests",
            "display_name": name,
            "tags": {"run": name},
            **more,
        }
        return self.module.command(name=name, **options)

    def submit(self, script: str, **more: Any) -> str:
        """Submit and return the job's name."""
        name = more.pop("name", None) or self.name()
        self.ml.jobs.create_or_update(self.command(name, script, **more))
        self.submitted.append(name)
        return name

    def status(self, name: str) -> str:
        status = self.ml.jobs.get(name).status
        return str(getattr(status, "value", status))  # the SDK's enumeration, or a word

    def until(self, name: str, *statuses: str) -> str:
        """Wait until the job has one of the statuses; an end that is none of them fails."""

        def look() -> str | None:
            status = self.status(name)
            assert status in statuses or status not in FINAL, (status, self.log(name))
            return status if status in statuses else None

        return eventually(look, within_s=60, every_s=0.2)

    def finish(self, name: str) -> str:
        return self.until(name, *FINAL)

    def blob(self, name: str, path: str, **headers: str) -> requests.Response:
        """Read an artifact of a job as the bot does: by token, and maybe by range."""
        token = self.twin.control.mint(world.BOT_IDENTITY, "https://storage.azure.com")
        return requests.get(
            f"{ARTIFACTS}/ExperimentRun/dcid.{name}/{path}",
            headers={"Authorization": f"Bearer {token}", "x-ms-version": "2021-12-02", **headers},
            timeout=10,
        )

    def log(self, name: str) -> str:
        answer = self.blob(name, "user_logs/std_log.txt")
        return answer.text if answer.ok else ""

    def history(self, name: str) -> dict[str, Any]:
        """Return the run as run history has it."""
        token = self.twin.control.mint(world.BOT_IDENTITY, "https://management.azure.com")
        base = f"https://{world.REGION}.api.azureml.ms/history/v1.0{world.WORKSPACE_PATH}"
        answer = requests.get(
            f"{base}/runs/{name}", headers={"Authorization": f"Bearer {token}"}, timeout=10
        )
        found: dict[str, Any] = answer.json()
        return found
