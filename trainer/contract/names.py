"""Names: a run's id, and the name of each time that it is submitted."""

import re

RUN_ID = re.compile(r"^[a-z0-9][a-z0-9-]{0,63}$")
_AGAIN = re.compile(r"^(?P<run_id>.+)-r(?P<number>[2-9]|[1-9][0-9])$")


def run_id_of(name: str) -> str:
    """Return the run's id of a pipeline run's or job's name: `<id>`, `<id>-r2`, `<id>-r3` ..."""
    found = _AGAIN.match(name)
    return found["run_id"] if found else name


def submission_of(name: str) -> int:
    """Return how often the run had been submitted with this name, this time included."""
    found = _AGAIN.match(name)
    return int(found["number"]) if found else 1


def job_name(run_id: str, submission: int) -> str:
    """Return the name of the run's `submission`: a job's name is spent once it has ended."""
    return run_id if submission == 1 else f"{run_id}-r{submission}"
