"""Endpoints and deployments: they answer, they fail, and traffic says who answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError

from tests.azure_twin import world
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.waiting import eventually

SAID = {"messages": [{"role": "user", "content": "hello"}]}
ROUTES = {
    "liveness_route": {"path": "/health", "port": 8000},
    "readiness_route": {"path": "/health", "port": 8000},
    "scoring_route": {"path": "/v1/chat/completions", "port": 8000},
}


@dataclass
class Site:
    """One endpoint, and what a test does with it."""

    twin: RunningTwin
    ml: Any
    entities: Any
    folder: Path
    name: str
    model: str

    def deploy(self, name: str, **variables: str) -> str:
        """Bring up a deployment and return its state; a failure raises."""
        deployment = self.entities.ManagedOnlineDeployment(
            name=name,
            endpoint_name=self.name,
            model=self.model,
            instance_type="Standard_NC4as_T4_v3",
            instance_count=1,
            environment_variables=variables,
            environment=self.entities.Environment(
                name="serve", version="1", image="cr.example/serve:1", inference_config=ROUTES
            ),
        )
        made = self.ml.online_deployments.begin_create_or_update(deployment).result()
        return str(made.provisioning_state)

    def traffic(self, **shares: int) -> dict[str, int]:
        endpoint = self.ml.online_endpoints.get(self.name)
        endpoint.traffic = shares
        made = self.ml.online_endpoints.begin_create_or_update(endpoint).result()
        found: dict[str, int] = made.traffic
        return found

    def invoke(self, deployment: str | None = None) -> dict[str, Any]:
        path = self.folder / "request.json"
        path.write_text(json.dumps(SAID), encoding="utf-8")
        answer = self.ml.online_endpoints.invoke(
            self.name, request_file=str(path), deployment_name=deployment
        )
        found: dict[str, Any] = json.loads(answer)
        return found

    def processes(self) -> list[str]:
        return [
            one["name"] for one in self.twin.control.processes() if f" {self.name}/" in one["name"]
        ]


@pytest.fixture
def make_site(
    azure: RunningTwin, ml: Any, ml_module: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Any]:
    made = []
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "w.bin").write_text("weights", encoding="utf-8")

    def make(auth_mode: str = "key") -> Site:
        entities = ml_module.entities
        name = f"e{abs(hash(request.node.name)) % 10**8}-{len(made)}"
        model = ml.models.create_or_update(
            entities.Model(name=name, path=str(tmp_path / "model"), type="custom_model")
        )
        endpoint = entities.ManagedOnlineEndpoint(name=name, auth_mode=auth_mode)
        ml.online_endpoints.begin_create_or_update(endpoint).result()
        made.append(name)
        return Site(azure, ml, entities, tmp_path, name, f"azureml:{name}:{model.version}")

    yield make
    for name in made:
        ml.online_endpoints.begin_delete(name).result()


@pytest.fixture
def site(make_site: Any) -> Site:
    made: Site = make_site()
    return made


def score(site: Site, credential: str | None = "key", deployment: str = "") -> requests.Response:
    """Score without the SDK: its `invoke` keeps a deployment named once for all later calls."""
    host = f"{site.name}.{world.REGION}.inference.ml.azure.com"
    if credential == "key":
        credential = site.ml.online_endpoints.get_keys(site.name).primary_key
    headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
    if deployment:
        headers["azureml-model-deployment"] = deployment
    return requests.post(f"https://{host}/score", json=SAID, headers=headers, timeout=10)


def said(site: Site, deployment: str = "") -> str:
    answer: str = score(site, deployment=deployment).json()["choices"][0]["message"]["content"]
    return answer


def test_a_deployment_answers_once_it_has_traffic(site: Site) -> None:
    site.deploy("blue", ECHO_ANSWER="I am blue")
    with pytest.raises(HttpResponseError, match="No deployment takes traffic"):
        site.invoke()
    assert site.traffic(blue=100) == {"blue": 100}
    assert site.invoke()["choices"][0]["message"]["content"] == "I am blue"


def test_a_request_may_name_its_deployment(site: Site) -> None:
    site.deploy("blue", ECHO_ANSWER="I am blue")
    site.deploy("green", ECHO_ANSWER="I am green")
    site.traffic(blue=100)
    assert (said(site), said(site, "green")) == ("I am blue", "I am green")
    site.traffic(blue=0, green=100)
    assert said(site) == "I am green"
    assert score(site, deployment="red").status_code == 404


def test_shares_of_traffic_reach_both(site: Site) -> None:
    site.deploy("blue", ECHO_ANSWER="blue")
    site.deploy("green", ECHO_ANSWER="green")
    site.traffic(blue=50, green=50)
    assert {said(site) for _ in range(20)} == {"blue", "green"}


@pytest.mark.parametrize(
    ("shares", "message"), [({"blue": 50}, "adds up to 50"), ({"red": 100}, "does not have: red")]
)
def test_wrong_traffic_is_refused_and_changes_nothing(
    site: Site, shares: dict[str, int], message: str
) -> None:
    site.deploy("blue")
    site.traffic(blue=100)
    with pytest.raises(HttpResponseError, match=message):
        site.traffic(**shares)
    assert site.ml.online_endpoints.get(site.name).traffic == {"blue": 100}


def test_a_server_that_ends_fails_its_deployment_with_its_log(site: Site) -> None:
    with pytest.raises(HttpResponseError, match="could not be loaded"):
        site.deploy("blue", ECHO_CRASH="1")
    held = site.ml.online_deployments.get("blue", site.name)
    assert held.provisioning_state == "Failed"
    assert "could not be loaded" in site.ml.online_deployments.get_logs("blue", site.name, 50)
    with pytest.raises(HttpResponseError, match="failed: blue"):
        site.traffic(blue=100)


def test_a_server_that_never_becomes_ready_fails_its_deployment(site: Site) -> None:
    site.twin.control.call("serving.ready_within", seconds=1)
    with pytest.raises(HttpResponseError, match="readiness probe failed"):
        site.deploy("blue", ECHO_UNHEALTHY="1")
    assert site.processes() == []


def test_a_deployment_with_traffic_stays(site: Site) -> None:
    site.deploy("blue")
    site.traffic(blue=100)
    with pytest.raises(HttpResponseError, match="still takes 100 %"):
        site.ml.online_deployments.begin_delete("blue", site.name).result()
    site.traffic(blue=0)
    site.ml.online_deployments.begin_delete("blue", site.name).result()
    assert eventually(lambda: site.processes() == [])


def test_two_changes_at_once_are_a_conflict(site: Site) -> None:
    site.twin.control.fault(path="/health", kind="slow")
    deployment = site.entities.ManagedOnlineDeployment(
        name="blue",
        endpoint_name=site.name,
        model=site.model,
        instance_type="Standard_NC4as_T4_v3",
        instance_count=1,
        environment_variables={"ECHO_UNHEALTHY": "1"},
        environment=site.entities.Environment(
            name="serve", version="1", image="cr.example/serve:1", inference_config=ROUTES
        ),
    )
    site.twin.control.call("serving.ready_within", seconds=3)
    poller = site.ml.online_deployments.begin_create_or_update(deployment)
    with pytest.raises(HttpResponseError, match="Another operation is in progress"):
        site.traffic(blue=0)
    with pytest.raises(HttpResponseError, match="readiness"):
        poller.result()


def test_the_quota_limits_deployments_too(site: Site) -> None:
    site.twin.control.call("quota.set", family="Standard NCASv3_T4 Family", cores=12)
    site.deploy("blue")
    with pytest.raises(HttpResponseError, match="Not enough quota"):
        site.deploy("green")


def test_only_a_right_key_scores(site: Site) -> None:
    site.deploy("blue")
    site.traffic(blue=100)
    keys = site.ml.online_endpoints.get_keys(site.name)
    asked = [score(site, one).status_code for one in (keys.primary_key, keys.secondary_key)]
    assert asked == [200, 200]
    assert [score(site, one).status_code for one in ("wrong", None)] == [401, 401]


def test_with_entra_only_who_may_score_scores(make_site: Any, azure: RunningTwin) -> None:
    site = make_site("aad_token")
    site.deploy("blue")
    site.traffic(blue=100)

    def status(client_id: str, audience: str = "https://ml.azure.com") -> int:
        return score(site, azure.control.mint(client_id, audience)).status_code

    assert status(world.BOT_IDENTITY) == 200
    assert status(world.COMPUTE_IDENTITY) == 403
    assert status(world.BOT_IDENTITY, "https://storage.azure.com") == 401
    azure.control.call("roles.set", client_id=world.BOT_IDENTITY, actions=[])
    assert status(world.BOT_IDENTITY) == 403


def test_a_program_stands_for_an_image(site: Site) -> None:
    script = site.folder / "serve.py"
    script.write_text(
        """
import http.server, os, pathlib, sys
class Here(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        model = pathlib.Path(os.environ["AZUREML_MODEL_DIR"])
        body = sorted(one.name for one in model.rglob("*"))
        self.send_response(200); self.end_headers(); self.wfile.write(repr(body).encode())
    do_POST = do_GET
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Here).serve_forever()
""",
        encoding="utf-8",
    )
    command = ["{python}", str(script), "{port}"]
    site.twin.control.call("serving.image", image="cr.example/serve", command=command)
    site.deploy("blue")
    site.traffic(blue=100)
    assert score(site).text == "['model', 'w.bin']"
