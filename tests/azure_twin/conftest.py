"""The twin, and Microsoft's SDK as its client."""

import importlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.azure_twin import world
from tests.azure_twin.credentials import TwinCredential
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.fixtures import azure as azure  # noqa: PLC0414 - a fixture of this folder
from tests.azure_twin.fixtures import twin as twin  # noqa: PLC0414
from tests.azure_twin.jobsdk import Workbench


@pytest.fixture(scope="session")
def ml_module() -> Any:
    """Return azure.ai.ml, which warns of its own parts when it is imported."""
    logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("azure.ai.ml")


@pytest.fixture
def ml(azure: RunningTwin, ml_module: Any) -> Iterator[Any]:
    """Return the SDK's client of the workspace, with the pipeline's rights."""
    azure.control.call("jobs.pace", seconds=0.05)
    credential = TwinCredential(azure.control, world.PIPELINE_IDENTITY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield ml_module.MLClient(
            credential,
            world.SUBSCRIPTION,
            world.RESOURCE_GROUP,
            world.WORKSPACE,
            show_progress=False,
        )


@pytest.fixture
def bench(azure: RunningTwin, ml: Any, ml_module: Any, tmp_path: Path) -> Iterator[Workbench]:
    """Return what submits jobs; none of them is left running."""
    bench = Workbench(azure, ml, ml_module, tmp_path)
    yield bench
    azure.control.call("jobs.cancel")
    for name in bench.submitted:
        bench.finish(name)


@pytest.fixture
def reference() -> Path:
    """Return Microsoft's schemas and samples; they lie beside the repository, not in it."""
    folder = Path(__file__).parents[3] / "shared" / "reference"
    if not folder.is_dir():
        pytest.skip("Microsoft's schemas are not here (../shared/reference)")
    return folder
