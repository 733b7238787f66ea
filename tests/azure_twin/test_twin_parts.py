"""The parts that need no running twin: paths, commands, nodes, permissions."""

from typing import Any

import pytest

from tests.azure_twin.actions import arm_action, covers, data_plane_action
from tests.azure_twin.arm.errors import ArmError
from tests.azure_twin.arm.places import long_uri, place_of
from tests.azure_twin.blob.store import Place
from tests.azure_twin.clock import Clock
from tests.azure_twin.hosts import is_known
from tests.azure_twin.jobs.capacity import Capacity
from tests.azure_twin.jobs.command import CommandError, command_line, log_name
from tests.azure_twin.jobs.record import seconds
from tests.azure_twin.routes import Routes
from tests.azure_twin.tracking.search import matches
from tests.azure_twin.world import BLOB_STORE, WORKSPACE_PATH

ML = "Microsoft.MachineLearningServices/workspaces"


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "", f"{ML}/read"),
        ("PUT", "/jobs/j", f"{ML}/jobs/write"),
        ("POST", "/jobs/j/cancel", f"{ML}/jobs/cancel/action"),
        ("GET", "/jobs", f"{ML}/jobs/read"),
        ("PUT", "/models/m/versions/1", f"{ML}/models/versions/write"),
        ("POST", "/datastores/d/listSecrets", f"{ML}/datastores/listSecrets/action"),
        ("DELETE", "/onlineEndpoints/e/deployments/d", f"{ML}/onlineEndpoints/deployments/delete"),
    ],
)
def test_a_request_to_arm_needs_the_action_of_its_types(
    method: str, path: str, action: str
) -> None:
    assert arm_action(method, WORKSPACE_PATH + path) == action


def test_the_data_plane_s_actions_are_named() -> None:
    base = f"/history/v1.0{WORKSPACE_PATH}/runs/r"
    assert data_plane_action("GET", base) == f"{ML}/experiments/runs/read"
    assert data_plane_action("PATCH", base) == f"{ML}/experiments/runs/write"
    assert data_plane_action("GET", "/elsewhere") is None


def test_a_star_covers_what_is_below_it() -> None:
    assert covers(f"{ML}/*/read", f"{ML}/jobs/read")
    assert covers(f"{ML.upper()}/JOBS/READ", f"{ML}/jobs/read")
    assert not covers(f"{ML}/*/read", f"{ML}/jobs/write")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("management.azure.com", True),
        ("stkrsplab.blob.core.windows.net", True),
        ("chat.westeurope.inference.ml.azure.com", True),
        ("chat.eastus.inference.ml.azure.com", False),
        ("dc.services.visualstudio.com", False),
        ("management.azure.com.example.org", False),
        ("huggingface.co", False),
    ],
)
def test_a_star_in_a_host_is_one_label(host: str, known: bool) -> None:
    assert is_known(host) is known


def test_every_spelling_of_a_datastore_s_address_is_one_place() -> None:
    short = "azureml://datastores/workspaceblobstore/paths/runs/r1/"
    assert place_of(short) == place_of(long_uri(short)) == Place(BLOB_STORE, "runs/r1")
    with pytest.raises(ArmError, match="no datastore"):
        place_of("azureml://datastores/other/paths/x")
    with pytest.raises(ArmError, match="not one of this workspace"):
        place_of("https://elsewhere.blob.core.windows.net/c/x")


def test_a_command_is_filled_and_optional_parts_go() -> None:
    line = "python t.py --data ${{inputs.data}} $[[--lr ${{inputs.lr}}]] --out ${{outputs.o}}"
    filled = command_line(line, {"data": "/in"}, {"o": "/out"})
    assert filled.split() == ["python", "t.py", "--data", "/in", "--out", "/out"]
    assert "--lr 3" in command_line(line, {"data": "/in", "lr": "3"}, {"o": "/out"})
    with pytest.raises(CommandError, match="does not have"):
        command_line("${{outputs.missing}}", {}, {})


def test_logs_are_numbered_where_there_are_several() -> None:
    assert log_name(0, processes=1) == "user_logs/std_log.txt"
    assert log_name(3, processes=12) == "user_logs/std_log_process_03.txt"


@pytest.mark.parametrize(
    ("text", "expected"), [("PT1H30M", 5400), ("PT3600S", 3600), ("P1D", 86400), (None, None)]
)
def test_durations_are_read(text: str | None, expected: float | None) -> None:
    assert seconds(text) == expected


def test_nodes_go_to_who_came_first() -> None:
    capacity = Capacity(Clock())
    assert capacity.take("a", "cpu-small", 2) is None
    for job, nodes in (("b", 2), ("c", 1)):
        waiting = capacity.take(job, "cpu-small", nodes)
        assert waiting is not None
        assert waiting.code == "WaitingForNodes"
    capacity.release("a")
    assert capacity.take("c", "cpu-small", 1) is not None
    assert capacity.take("b", "cpu-small", 2) is None
    capacity.release("b")
    assert capacity.take("c", "cpu-small", 1) is None


def test_the_quota_and_the_size_of_a_cluster_are_reasons_to_wait() -> None:
    capacity = Capacity(Clock())
    capacity.limits["StandardNCADSA100v4Family"] = 24
    too_many, too_large = capacity.take("a", "a100", 2), capacity.take("b", "t4-low", 5)
    assert too_many is not None
    assert too_many.code == "InsufficientQuota"
    assert "48 cores" in too_many.message
    assert too_large is not None
    assert too_large.code == "InsufficientClusterSize"


def test_a_released_node_stays_up_for_a_while() -> None:
    clock = Clock()
    capacity = Capacity(clock)
    capacity.take("a", "cpu-small", 2)
    capacity.release("a")
    assert capacity.is_warm("cpu-small", 2)
    clock.advance(121)
    assert not capacity.is_warm("cpu-small", 1)


async def test_routes_ignore_case_and_keep_names() -> None:
    async def handler(**values: str) -> Any:
        return values

    routes = Routes()
    routes.add("GET", "/jobs/{name}", handler)
    found = routes.find("GET", "/JOBS/Run-1/")
    assert found is not None
    assert found[1] == {"name": "Run-1"}
    assert routes.find("PUT", "/jobs/x") is None
    assert routes.find("GET", "/jobs/x/y") is None


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("", True),
        ("tags.run = 'r1'", True),
        ("tags.`run` = 'r2'", False),
        ("params.lr = '0.1' and tags.run = 'r1'", True),
        ("attributes.run_id = 'j1'", True),
        ("tags.run LIKE 'r%'", True),
        ("metrics.loss > 1", False),
    ],
)
def test_runs_are_found_by_tags_parameters_and_id(expression: str, met: bool) -> None:
    run = {
        "info": {"run_id": "j1"},
        "data": {
            "tags": [{"key": "run", "value": "r1"}],
            "params": [{"key": "lr", "value": "0.1"}],
        },
    }
    assert matches(run, expression) is met
