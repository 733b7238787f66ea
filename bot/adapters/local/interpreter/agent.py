"""What a run is given from outside, and the variables that Azure's agent would define."""

import os
import platform
import sys
import zlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.local.interpreter.plan import Job, Stage
from bot.adapters.local.interpreter.status import Outcome, Result
from bot.adapters.local.interpreter.variables import Variable
from bot.adapters.local.interpreter.workspace import Revision, Workspace
from bot.adapters.local.processes import MARK, inherited


async def _always_open(_stage: Stage) -> Result | None:
    return None


def _no_variables(_stage: str, _job: str) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Service:
    """What a service around the run adds to it; on one machine there is none, and no check.

    `gate` is asked before a stage begins and returns None to let it, else what becomes of it.
    `connections` are what a signed-in step finds in its environment, by service connection.
    `earlier` holds the stages that ran in an earlier attempt and keep their outcome.
    """

    variables: tuple[Variable, ...] = ()
    job_variables: Callable[[str, str], Mapping[str, str]] = _no_variables
    connections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    gate: Callable[[Stage], Coroutine[Any, Any, Result | None]] = _always_open
    earlier: Mapping[str, Outcome] = field(default_factory=dict)
    log_prefix: Callable[[], str] = str


NO_SERVICE = Service()


@dataclass(frozen=True)
class Setting:
    """Where and for whom a run happens. `home` is what steps find as KRSP_HOME, if given.

    `mark` is carried by every process of the run (see `bot.adapters.local.processes`).
    """

    run_id: str
    repository: Path
    pipeline: str
    folder: Path
    home: Path | None
    requested_by: str
    revision: Revision
    environment: Mapping[str, str]
    mark: str
    grace_s: float
    service: Service = NO_SERVICE

    @property
    def build_id(self) -> str:
        """Return a number for `Build.BuildId`, always the same for a run."""
        return str(zlib.crc32(self.run_id.encode()))


def base_environment(
    environment: Mapping[str, str], home: Path | None, mark: str
) -> dict[str, str]:
    """Return what every step finds: what we inherited, and this Python first on the PATH.

    `mark` is how a supervisor's processes are known, should it die before them.
    """
    kept = inherited(environment)
    programs = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), kept.get("PATH", os.defpath)])
    return {
        **kept,
        "PATH": path,
        **({} if home is None else {"KRSP_HOME": str(home)}),
        MARK: mark,
        "TF_BUILD": "True",
    }


def run_variables(setting: Setting) -> dict[str, str]:
    """Return what is known before anything runs; `${{ variables }}` may name these."""
    return {
        "Build.BuildId": setting.build_id,
        "Build.DefinitionName": Path(setting.pipeline).stem,
        "Build.Reason": "Manual",
        "Build.RequestedFor": setting.requested_by,
        "Build.SourceBranch": setting.revision.branch,
        "Build.SourceBranchName": setting.revision.branch.rpartition("/")[2],
        "Build.SourceVersion": setting.revision.commit,
        **{each.name: each.value for each in setting.service.variables if not each.secret},
    }


def job_variables(stage: Stage, job: Job, workspace: Workspace) -> dict[str, str]:
    """Return what is known once a job has its workspace."""
    return {
        "Agent.BuildDirectory": str(workspace.root),
        "Agent.JobName": job.display_name,
        "Agent.MachineName": platform.node(),
        "Agent.Name": "local",
        "Agent.OS": platform.system(),
        "Agent.TempDirectory": str(workspace.temporary),
        "Build.ArtifactStagingDirectory": str(workspace.artifacts),
        "Build.BinariesDirectory": str(workspace.binaries),
        "Build.SourcesDirectory": str(workspace.sources),
        "Build.StagingDirectory": str(workspace.artifacts),
        "Pipeline.Workspace": str(workspace.root),
        "System.DefaultWorkingDirectory": str(workspace.sources),
        "System.JobDisplayName": job.display_name,
        "System.JobName": job.name,
        "System.StageDisplayName": stage.display_name,
        "System.StageName": stage.name,
        **({"Environment.Name": job.environment} if job.environment else {}),
    }
