"""Leave a job file as the trainer's `submit` does; the job is a quick worker instead of torch."""

import base64
import json
import os
import shutil
import sys
import time
from pathlib import Path

from trainer.contract.job import JobRequest, job_folder

home, run_id = Path(os.environ["KRSP_HOME"]), os.environ["KRSP_RUN_ID"]
folder = job_folder(home, run_id)
spec = json.loads(base64.urlsafe_b64decode(os.environ["SPEC"] + "=="))
steps = spec["budget"]["steps"]
# The pipeline's checkout is gone when the job runs, so the code comes along.
code, checkout = folder / "code", Path(__file__).parents[3]
shutil.copytree(checkout / "trainer" / "contract", code / "trainer" / "contract")
shutil.copy(checkout / "trainer" / "__init__.py", code / "trainer")
shutil.copy(Path(__file__).with_name("work.py"), code)
job = JobRequest(
    run_id=run_id,
    command=(sys.executable, "work.py", str(folder.resolve() / "output"), str(steps)),
    cwd=str(code.resolve()),
    env={},
    submitted_at=time.time(),
    sku="local-cpu",
    gpus=0,
    spec_sha256="0" * 64,
    code_sha256="0" * 64,
)
part = folder / "job.json.part"
part.write_text(job.model_dump_json(), "utf-8")
part.rename(folder / "job.json")
