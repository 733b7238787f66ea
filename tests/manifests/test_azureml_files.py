"""The Azure ML files, read by azure-ai-ml's own loaders."""

import contextlib
import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

# azure-ai-ml 1.35.2 uses what marshmallow has deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.RemovedInMarshmallow4Warning"),
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.ChangedInMarshmallow4Warning"),
]

DIGEST = "cr.azurecr.io/krsp-trainer@sha256:" + "a" * 64


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "manifests" / "azureml"


@pytest.fixture
def ml() -> Iterator[Any]:
    """Return azure-ai-ml, whose loaders chatter on stderr."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield importlib.import_module("azure.ai.ml")


def test_every_file_is_looked_at(folder: Path) -> None:
    assert {path.name for path in folder.glob("*.y*ml")} == {
        *("environment.yml", "serving-environment.yml", "clusters.yaml", "compute.yml"),
        *("endpoint.yml", "deployment-blue.yml", "deployment-green.yml", "data.yml"),
    }


@pytest.mark.parametrize("name", ["environment.yml", "serving-environment.yml"])
def test_an_environment_takes_its_image_as_a_parameter(ml: Any, folder: Path, name: str) -> None:
    read = ml.load_environment(folder / name, params_override=[{"image": DIGEST}])
    assert read.image == DIGEST
    assert read.build is None


@pytest.mark.parametrize("name", ["environment.yml", "serving-environment.yml"])
def test_an_image_that_nobody_has_put_in_cannot_be_pulled_by_mistake(
    ml: Any, folder: Path, name: str
) -> None:
    image = str(ml.load_environment(folder / name).image)
    assert image.startswith("registry.invalid/")
    assert "@sha256:" in image


def test_the_serving_environment_says_where_it_is_asked(ml: Any, folder: Path) -> None:
    routes = ml.load_environment(folder / "serving-environment.yml").inference_config
    asked = [routes.liveness_route, routes.readiness_route, routes.scoring_route]
    assert {route.port for route in asked} == {8000}
    assert routes.scoring_route.path == "/v1/chat/completions"


def test_the_cluster_costs_nothing_idle_and_has_an_identity(ml: Any, folder: Path) -> None:
    read = ml.load_compute(folder / "compute.yml")
    assert (read.type, read.name, read.size) == ("amlcompute", "t4-low", "Standard_NC4as_T4_v3")
    assert read.min_instances == 0
    assert read.idle_time_before_scale_down == 120
    assert read.ssh_public_access_enabled is False
    assert read.identity.type == "user_assigned"


def test_the_cluster_is_one_that_the_bot_knows(ml: Any, folder: Path) -> None:
    read = ml.load_compute(folder / "compute.yml")
    tier = {"low_priority": "low", "dedicated": "dedicated"}[read.tier]
    known = yaml.safe_load((folder / "clusters.yaml").read_text("utf-8"))
    assert {"sku": read.size, "priority": tier, "cluster": read.name} in known


def test_the_endpoint_takes_entra_tokens_alone(ml: Any, folder: Path) -> None:
    read = ml.load_online_endpoint(folder / "endpoint.yml")
    assert read.auth_mode == "aad_token"
    assert read.identity.type == "user_assigned"


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_deployment_serves_its_colour(ml: Any, folder: Path, colour: str) -> None:
    given = [{"endpoint_name": "mine", "model": "azureml:tiny:3"}]
    read = ml.load_online_deployment(folder / f"deployment-{colour}.yml", params_override=given)
    assert (read.name, read.endpoint_name, read.model) == (colour, "mine", "tiny:3")
    assert read.environment == "krsp-server:1"
    assert read.instance_count == 1


def test_blue_and_green_differ_by_their_colour_alone(folder: Path) -> None:
    blue, green = (
        yaml.safe_load((folder / f"deployment-{colour}.yml").read_text("utf-8"))
        for colour in ("blue", "green")
    )
    assert {key for key in blue if blue[key] != green[key]} == {"name"}


def test_data_has_its_hash_as_version(ml: Any, folder: Path) -> None:
    read = ml.load_data(folder / "data.yml", params_override=[{"version": "f" * 64}])
    assert (read.type, read.version) == ("uri_file", "f" * 64)
    assert read.path.startswith("azureml://datastores/")
