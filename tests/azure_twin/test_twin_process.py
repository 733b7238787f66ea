"""The twin as a process: it ends when told, and nothing that it started outlives it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests
import yaml

from tests.azure_twin import world
from tests.azure_twin.entra.directory import PEOPLE
from tests.azure_twin.fixtures import RunningTwin, running_twin
from tests.azure_twin.waiting import eventually

ARM = "https://management.azure.com"
# A child, and a child of its own that ignores a friendly end.
COMMAND = "bash -c 'trap \"\" TERM; while :; do sleep 0.2; done' & echo started; wait"


def start_job(twin: RunningTwin) -> None:
    """Submit a job that never ends, without the SDK."""
    token = twin.control.mint(world.PIPELINE_IDENTITY, ARM)

    def put(path: str, properties: dict[str, object]) -> None:
        url = f"{ARM}{world.WORKSPACE_PATH}/{path}?api-version=2025-01-01-preview"
        answer = requests.put(
            url,
            json={"properties": properties},
            headers={"Authorization": f"Bearer {token}"},
            proxies={"https": twin.environment["HTTPS_PROXY"]},
            verify=str(twin.authority),
            timeout=10,
        )
        assert answer.ok, answer.text

    put("environments/e/versions/1", {"image": "cr.example/t:1"})
    put(
        "jobs/endless",
        {
            "jobType": "Command",
            "command": COMMAND,
            "environmentId": f"{world.WORKSPACE_PATH}/environments/e/versions/1",
            "computeId": f"{world.WORKSPACE_PATH}/computes/cpu-small",
        },
    )


def descendants(twin: RunningTwin) -> list[psutil.Process]:
    return psutil.Process(twin.pid).children(recursive=True)


def names(found: list[psutil.Process]) -> set[str]:
    return {one.name() for one in found}


def are_gone(found: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(found, timeout=0.1)
    return not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["told", "killed"])
def test_nothing_outlives_the_twin(
    tmp_path: Path, end: signal.Signals, free_port: Callable[[], int]
) -> None:
    with running_twin(tmp_path / "twin", control_port=free_port()) as twin:
        start_job(twin)
        eventually(lambda: {"node", "bash", "sleep"} <= names(descendants(twin)))
        found = descendants(twin)
        os.kill(twin.pid, end)
        eventually(lambda: are_gone(found), within_s=20)


def test_two_twins_run_side_by_side(tmp_path: Path, twin: RunningTwin) -> None:
    with running_twin(tmp_path / "second") as second:
        token = twin.control.mint(world.BOT_IDENTITY, ARM)
        answer = requests.get(
            f"{ARM}{world.WORKSPACE_PATH}?api-version=2024-10-01-preview",
            headers={"Authorization": f"Bearer {token}"},
            proxies={"https": second.environment["HTTPS_PROXY"]},
            verify=str(second.authority),
            timeout=10,
        )
    assert answer.status_code == 401


def test_a_twin_that_cannot_start_says_why(tmp_path: Path, twin: RunningTwin) -> None:
    taken = twin.control.url.rsplit(":", 1)[1]
    with (
        pytest.raises(RuntimeError, match="address already in use"),
        running_twin(tmp_path / "second", control_port=taken),
    ):
        pass


def test_a_browser_without_the_proxy_signs_in_at_the_control_port(tmp_path: Path) -> None:
    login = f"https://login.microsoftonline.com/{world.TENANT}"
    with running_twin(tmp_path / "twin", local_sign_in=True) as twin:
        found = requests.get(
            f"{login}/v2.0/.well-known/openid-configuration",
            proxies={"https": twin.environment["HTTPS_PROXY"]},
            verify=str(twin.authority),
            timeout=10,
        ).json()
        query = {
            "client_id": world.BOT_APP,
            "response_type": "code",
            "redirect_uri": "http://127.0.0.1:3978/signed-in",
            "login_hint": "nestorw",
        }
        back = requests.get(
            found["authorization_endpoint"], params=query, allow_redirects=False, timeout=10
        )
    assert found["authorization_endpoint"].startswith("http://127.0.0.1:")
    assert back.status_code == 302
    assert back.headers["Location"].startswith("http://127.0.0.1:3978/signed-in?code=")


def test_the_people_are_those_of_the_local_profile(repository: Path) -> None:
    file = repository / "bot" / "defaults" / "people.yaml"
    people = yaml.safe_load(file.read_text("utf-8"))["people"]
    expected = [(one["id"], one["name"], one["role"]) for one in people]
    assert [(oid, name, role.lower()) for oid, name, _, role in PEOPLE] == expected
