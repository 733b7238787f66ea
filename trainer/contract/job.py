"""The job file that `python -m trainer submit --target local` leaves for whoever runs jobs."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class JobRequest(BaseModel):
    """One job to run: `KRSP_HOME/jobs/<run id>/job.json`, written atomically, never changed.

    `env` is added to the environment of the one who starts it; `cwd` is the code snapshot.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    command: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    submitted_at: float
    sku: str
    gpus: int
    spec_sha256: str
    code_sha256: str


def job_folder(home: Path, run_id: str) -> Path:
    """Return the folder of a local job below `home` (`KRSP_HOME`)."""
    return home / "jobs" / run_id


def output_folder(home: Path, run_id: str) -> Path:
    """Return where the job's trainer writes: progress, checkpoints, model."""
    return job_folder(home, run_id) / "output"
