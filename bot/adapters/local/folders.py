"""Where runs live below KRSP_HOME."""

import re
from pathlib import Path

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def run_folder(home: Path, kind: str, run_id: str) -> Path:
    """Return the folder of a run among the `kind` (`jobs`, `pipelines`).

    What cannot be a run id gets a folder that never exists: nothing outside is ever touched.
    """
    return home / kind / (run_id if _RUN_ID.fullmatch(run_id) else ".none")
