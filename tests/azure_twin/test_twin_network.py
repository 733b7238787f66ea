"""What leaves and what fails: the proxy's refusals, and each kind of fault."""

import time

import pytest
import requests
from azure.core import PipelineClient
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline import policies
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest

from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin

PATH = f"{world.WORKSPACE_PATH}/computes/cpu-small"
URL = f"https://management.azure.com{PATH}?api-version=2023-08-01-preview"
ARM = "https://management.azure.com"


def ask(azure: RunningTwin, url: str = URL, timeout: float = 10) -> requests.Response:
    token = azure.control.mint(world.PIPELINE_IDENTITY, ARM)
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://pypi.org/simple/",
        "https://dc.services.visualstudio.com/v2/track",
        "http://169.254.169.254/metadata/identity/oauth2/token",
    ],
)
def test_another_name_is_refused_and_written_down(azure: RunningTwin, url: str) -> None:
    try:
        status = requests.get(url, timeout=5).status_code
    except requests.exceptions.ProxyError:
        status = 403
    assert status == 403
    host = url.split("/")[2]
    assert any(host in one for one in azure.control.refused_hosts())


def test_a_known_name_without_a_service_says_so(azure: RunningTwin) -> None:
    assert requests.get("https://graph.microsoft.com/v1.0/me", timeout=5).status_code == 501


def test_a_client_without_the_authority_trusts_nothing(azure: RunningTwin) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(URL, timeout=5, verify="/etc/ssl/certs/ca-certificates.crt")


def test_a_status_comes_as_often_as_ordered(azure: RunningTwin) -> None:
    azure.control.fault(
        path="/computes/cpu-small", method="GET", status=429, headers={"Retry-After": "7"}, times=2
    )
    first, second, third = (ask(azure) for _ in range(3))
    assert (first.status_code, second.status_code, third.status_code) == (429, 429, 200)
    assert first.headers["Retry-After"] == "7"
    assert first.json()["error"]["code"] == "TooManyRequests"


def test_a_fault_can_let_requests_pass_first(azure: RunningTwin) -> None:
    azure.control.fault(path="/computes", status=503, after=1)
    assert [ask(azure).status_code for _ in range(3)] == [200, 503, 200]


@pytest.mark.parametrize("kind", ["cut_before", "timeout_before"])
def test_a_request_cut_before_has_no_effect(azure: RunningTwin, kind: str) -> None:
    assert ask(azure, url=cut_put(azure, kind)).status_code == 404


@pytest.mark.parametrize("kind", ["cut_after", "timeout_after"])
def test_a_request_cut_after_has_its_effect(azure: RunningTwin, kind: str) -> None:
    assert ask(azure, url=cut_put(azure, kind)).status_code == 200


def cut_put(azure: RunningTwin, kind: str) -> str:
    """Put an environment, which goes wrong as `kind` says; return its address."""
    name = kind.replace("_", "-")
    url = URL.replace("computes/cpu-small", f"environments/{name}/versions/1")
    azure.control.fault(path=name, method="PUT", kind=kind, seconds=0.2)
    token = azure.control.mint(world.PIPELINE_IDENTITY, ARM)
    headers = {"Authorization": f"Bearer {token}"}
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.put(url, headers=headers, json={"properties": {"image": "x"}}, timeout=10)
    return url


def test_a_held_request_runs_into_the_client_s_own_limit(azure: RunningTwin) -> None:
    azure.control.fault(path="/computes", kind="timeout_before", seconds=2)
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(azure, timeout=0.3)


def test_a_slow_answer_is_right_and_late(azure: RunningTwin) -> None:
    azure.control.fault(path="/computes", kind="slow", seconds=0.4)
    began = time.monotonic()
    assert ask(azure).status_code == 200
    assert time.monotonic() - began >= 0.4


def test_azure_devops_can_answer_with_its_sign_in_page(azure: RunningTwin) -> None:
    azure.control.fault(host="dev.azure.com", kind="html_sign_in")
    answer = requests.get("https://dev.azure.com/krsp-lab/_apis/projects", timeout=5)
    assert answer.status_code == 203
    assert "Sign In" in answer.text


def test_a_token_can_expire_on_the_way(azure: RunningTwin) -> None:
    azure.control.fault(path="/computes", kind="expired_token")
    answer = ask(azure)
    assert answer.status_code == 401
    assert "expired" in answer.headers["WWW-Authenticate"]


def sdk(azure: RunningTwin, retries: int) -> PipelineClient:
    retry = policies.RetryPolicy(retry_total=retries, retry_backoff_factor=0.01)
    return PipelineClient(ARM, policies=[retry], transport=RequestsTransport())


def test_the_sdk_s_own_retry_overcomes_a_cut(azure: RunningTwin) -> None:
    token = azure.control.mint(world.PIPELINE_IDENTITY, ARM)
    request = HttpRequest("GET", URL, headers={"Authorization": f"Bearer {token}"})
    azure.control.fault(path="/computes", kind="cut_before")
    with sdk(azure, retries=1) as client:
        assert client.send_request(request).status_code == 200
    azure.control.fault(path="/computes", kind="cut_before")
    with (
        sdk(azure, retries=0) as client,
        pytest.raises((ServiceRequestError, ServiceResponseError)),
    ):
        client.send_request(request)


def test_faults_end_with_the_test(azure: RunningTwin) -> None:
    azure.control.fault(path="/computes", status=500, times=99)
    assert ask(azure).status_code == 500
    azure.control.reset()
    assert ask(azure).status_code == 200


def test_the_log_tells_who_asked_what(azure: RunningTwin) -> None:
    azure.control.label("the log")
    ask(azure)
    (entry,) = azure.requests(label="the log", path="/computes/")
    assert (entry["method"], entry["status"]) == ("GET", 200)
    assert entry["client_id"] == world.PIPELINE_IDENTITY
    assert entry["action"] == "Microsoft.MachineLearningServices/workspaces/computes/read"
    assert entry["answer"]["name"] == "cpu-small"
