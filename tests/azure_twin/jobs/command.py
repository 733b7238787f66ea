"""From a job to its command line and environment, as Azure ML makes them."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.azure_twin import world
from tests.azure_twin.jobs.record import Job

PROGRAMS = Path(sys.executable).parent
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
_PLACEHOLDER = re.compile(r"\$\{\{\s*(inputs|outputs)\.(\w+)\s*\}\}")


class CommandError(Exception):
    """A command that names an input or output that the job does not have."""


def command_line(command: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    """Return the command, filled; `$[[...]]` goes where an input of it is missing."""

    def optional(match: re.Match[str]) -> str:
        wanted = [name for kind, name in _PLACEHOLDER.findall(match[1]) if kind == "inputs"]
        return match[1] if all(name in inputs for name in wanted) else ""

    def fill(match: re.Match[str]) -> str:
        values = inputs if match[1] == "inputs" else outputs
        if match[2] not in values:
            raise CommandError(f"The command uses {match[0]}, which the job does not have.")
        return values[match[2]]

    return _PLACEHOLDER.sub(fill, _OPTIONAL.sub(optional, command))


def node_environment(job: Job, *, home: Path, cores: int) -> dict[str, str]:
    """Return what each process of a job finds, before the job's own variables."""
    api = f"{world.REGION}.api.azureml.ms"
    return {
        "PATH": f"{PROGRAMS}:{SYSTEM_PATH}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(home),
        "PYTHONUNBUFFERED": "1",
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ROOT_RUN_ID": job.name,
        "AZUREML_EXPERIMENT_NAME": job.experiment,
        "AZUREML_ARM_SUBSCRIPTION": world.SUBSCRIPTION,
        "AZUREML_ARM_RESOURCEGROUP": world.RESOURCE_GROUP,
        "AZUREML_ARM_WORKSPACE_NAME": world.WORKSPACE,
        "AZUREML_ARM_PROJECT_NAME": job.experiment,
        "AZUREML_WORKSPACE_ID": world.WORKSPACE_ID,
        "AZUREML_WORKSPACE_SCOPE": world.WORKSPACE_PATH,
        "AZUREML_SERVICE_ENDPOINT": f"https://{api}",
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"https://{api}/discovery",
        "AZUREML_NODE_COUNT": str(job.nodes),
        "AZUREML_RUN_TOKEN_PASS": "",
        "MLFLOW_TRACKING_URI": f"azureml://{api}/mlflow/v1.0{world.WORKSPACE_PATH}",
        "MLFLOW_RUN_ID": job.name,
        "MLFLOW_EXPERIMENT_NAME": job.experiment,
        "NUMBER_OF_PROCESSORS": str(cores),
    }


def image_environment(programs: str) -> dict[str, str]:
    """Return what the image brings: the folder `programs` goes before ours on the PATH."""
    return {"PATH": f"{programs}:{PROGRAMS}:{SYSTEM_PATH}"} if programs else {}


def rank_environment(job: Job, *, node: int, local: int, port: int) -> dict[str, str]:
    """Return what PyTorch's distribution adds for one process of a node."""
    if (job.asked.get("distribution") or {}).get("distributionType") != "PyTorch":
        return {}
    return {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "NODE_RANK": str(node),
        "RANK": str(node * job.processes + local),
        "LOCAL_RANK": str(local),
        "LOCAL_WORLD_SIZE": str(job.processes),
        "WORLD_SIZE": str(job.nodes * job.processes),
        "NCCL_SOCKET_IFNAME": "lo",
        "GLOO_SOCKET_IFNAME": "lo",
        "AZ_BATCHAI_NUM_GPUS_TO_USE": str(job.processes),
    }


def log_name(process: int, *, processes: int) -> str:
    """Return the log of a process: the number has as many digits as the largest needs."""
    if processes == 1:
        return "user_logs/std_log.txt"
    return f"user_logs/std_log_process_{process:0{len(str(processes - 1))}d}.txt"


def library_environment() -> dict[str, str]:
    """Return the switches of libraries that keep a test's job from the network."""
    names = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM", "HF_HOME")
    return {name: os.environ[name] for name in names if name in os.environ}
