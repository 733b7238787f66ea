"""What a run is given from outside, and the variables that Azure's agent would define."""

import os
import platform
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.local.interpreter.plan import Job, Stage
from bot.adapters.local.interpreter.workspace import Revision, Workspace
from bot.adapters.local.processes import MARK, inherited


@dataclass(frozen=True)
class Setting:
    """Where and for whom a run happens. `home` is what steps find as KRSP_HOME.

    `mark` is carried by every process of the run (see `bot.adapters.local.processes`).
    """

    run_id: str
    repository: Path
    pipeline: str
    folder: Path
    home: Path
    requested_by: str
    revision: Revision
    environment: Mapping[str, str]
    mark: str
    grace_s: float

    @property
    def build_id(self) -> str:
        """Return a number for `Build.BuildId`, always the same for a run."""
        return str(zlib.crc32(self.run_id.encode()))


def base_environment(environment: Mapping[str, str], home: Path, mark: str) -> dict[str, str]:
    """Return what every step finds: what we inherited, and this Python first on the PATH.

    `mark` is how a supervisor's processes are known, should it die before them.
    """
    kept = inherited(environment)
    programs = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), kept.get("PATH", os.defpath)])
    return {
        **kept,
        "PATH": path,
        "KRSP_HOME": str(home),
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
    }
