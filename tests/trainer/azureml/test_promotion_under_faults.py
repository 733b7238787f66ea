"""A promotion under every fault, at each of its changes: one version, one deployment, live."""

from pathlib import Path
from typing import Any

import pytest

from tests.azure_twin.fixtures import RunningTwin
from tests.trainer.azureml.promotion_lab import Lab
from trainer.errors import TrainerError
from trainer.serving.switch import undeploy

pytestmark = pytest.mark.timeout(240)

FAULTS: dict[str, dict[str, Any]] = {
    "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
    "unavailable": {"status": 503},
    "time-out before the effect": {"kind": "timeout_before", "seconds": 0.2},
    "time-out after the effect": {"kind": "timeout_after", "seconds": 0.2},
    "cut before the effect": {"kind": "cut_before"},
    "cut after the effect": {"kind": "cut_after"},
    "expired token": {"kind": "expired_token"},
    "slow": {"kind": "slow", "seconds": 1.0},
}
CHANGES = {
    "version": "/models/",
    "endpoint": r"/onlineEndpoints/[^/]+\?",
    "deployment": "/deployments/",
}


@pytest.fixture
def lab(azure: RunningTwin, tmp_path: Path) -> Lab:
    azure.control.call("jobs.pace", seconds=0.02)
    return Lab(azure, tmp_path)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_a_change_leaves_one_version_and_one_deployment(
    lab: Lab, fault: str, change: str
) -> None:
    order = lab.order("promo-1")
    lab.azure.control.label(order.endpoint)
    lab.azure.control.fault(method="PUT", path=CHANGES[change], times=1, **FAULTS[fault])
    said = ""
    try:
        lab.promote(order)
    except TrainerError as error:
        said = str(error)
        lab.promote(order)  # as the pipeline's next run does
    assert "eyJ" not in said
    assert lab.azure.requests(
        method="PUT", label=order.endpoint, fault=FAULTS[fault].get("kind", "status")
    )
    (version,) = await lab.registry().versions(order.model)
    assert (version.version, version.stage) == (lab.run_id, "production")
    look = lab.place_of(order).site.look()
    assert {name: (c.key, c.traffic) for name, c in look.items()} == {"blue": ("promo-1", 100)}
    lab.azure.control.clear_faults()
    undeploy(lab.place_of(order).site, order.key, lab.said.append)
    assert lab.place_of(order).site.look() == {}
