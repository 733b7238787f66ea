"""`register` and `deploy` against the twin's workspace: real calls, real (small) servers."""

from pathlib import Path

import pytest

from bot.domain.promotion import DeploymentState
from tests.adapters.azure.ml_world import ml_module
from tests.azure_twin.fixtures import RunningTwin
from tests.trainer.azureml.promotion_lab import Lab
from trainer.azureml.errors import RefusedError
from trainer.azureml.registering import Registry
from trainer.azureml.serving_place import read_serving_place
from trainer.serving.errors import RolledBackError
from trainer.serving.switch import deploy, roll_back, undeploy

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def lab(azure: RunningTwin, tmp_path: Path) -> Lab:
    azure.control.call("jobs.pace", seconds=0.02)
    return Lab(azure, tmp_path)


async def test_a_model_is_registered_deployed_tested_and_switched(lab: Lab) -> None:
    order = lab.order("promo-1")
    lab.promote(order)
    (endpoint,) = [e for e in await lab.registry().endpoints() if e.name == order.endpoint]
    assert endpoint.live is not None
    assert (endpoint.live.key, endpoint.live.state) == ("promo-1", DeploymentState.READY)
    assert endpoint.url.startswith(f"https://{order.endpoint}.")
    assert endpoint.expires_at is not None
    (version,) = await lab.registry().versions(order.model)
    assert (version.version, version.stage) == (lab.run_id, "production")
    assert (version.eval_loss, version.model_sha256) == (1.25, "ef" * 32)
    undeploy(lab.place_of(order).site, order.key, lab.said.append)


def test_doing_it_twice_has_one_effect(lab: Lab) -> None:
    order = lab.order("promo-1")
    lab.promote(order)
    lab.promote(order)
    assert lab.said[-1] == "It is live already, as blue."
    assert Registry(lab.client).register(order) == (lab.run_id, False)
    assert set(lab.place_of(order).site.look()) == {"blue"}
    undeploy(lab.place_of(order).site, order.key, lab.said.append)


def test_a_second_promotion_takes_over_and_the_first_is_removed(lab: Lab) -> None:
    first, second = lab.order("promo-1"), lab.order("promo-2")
    lab.promote(first)
    lab.promote(second)
    look = lab.place_of(second).site.look()
    assert {name: (c.key, c.traffic) for name, c in look.items()} == {"green": ("promo-2", 100)}
    undeploy(lab.place_of(first).site, first.key, lab.said.append)
    assert "green" in lab.place_of(second).site.look()
    undeploy(lab.place_of(second).site, second.key, lab.said.append)
    assert lab.place_of(second).site.look() == {}


def test_a_machine_beyond_the_quota_is_told_in_words_and_rolled_back(lab: Lab) -> None:
    lab.azure.control.call("quota.set", cluster="a100", cores=24)
    order = lab.order("promo-1", machine="Standard_NC24ads_A100_v4", instances=2)
    Registry(lab.client).register(order)
    site = lab.place_of(order).site
    with pytest.raises(RolledBackError, match="quota does not suffice") as caught:
        deploy(site, order.key, lab.said.append)
    assert "nothing is served" in caught.value.message
    assert "smaller machine" in caught.value.remedy
    assert site.look() == {}


def test_a_failing_smoke_test_leaves_the_live_one_alone(lab: Lab, tmp_path: Path) -> None:
    good, bad = lab.order("promo-1"), lab.order("promo-2")
    lab.promote(good)
    (tmp_path / "mute.py").write_text(MUTE)
    command = ["{python}", str(tmp_path / "mute.py"), "{port}"]
    lab.azure.control.call("serving.image", image="krsp-server", command=command)
    with pytest.raises(RolledBackError, match="smoke test failed"):
        deploy(lab.place_of(bad).site, bad.key, lab.said.append)
    look = lab.place_of(good).site.look()
    assert {name: (c.key, c.traffic) for name, c in look.items()} == {"blue": ("promo-1", 100)}
    undeploy(lab.place_of(good).site, good.key, lab.said.append)


# Is well, and says nothing: an empty completion.
MUTE = """
import http.server, json, sys
class Mute(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send({})
    def do_POST(self): self.send({"choices": [{"message": {"content": ""}}]})
    def send(self, body):
        data = json.dumps(body).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(data)))
        self.end_headers(); self.wfile.write(data)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Mute).serve_forever()
"""


def test_rolling_back_twice_is_harmless(lab: Lab) -> None:
    order = lab.order("promo-9")
    site = lab.place_of(order).site
    assert roll_back(site, order.key, lab.said.append)
    assert roll_back(site, order.key, lab.said.append)


def test_a_version_of_another_model_is_refused(lab: Lab) -> None:
    Registry(lab.client).register(lab.order("promo-1"))
    with pytest.raises(RefusedError, match=r"has .* already"):
        Registry(lab.client).register(lab.order("promo-2", model_sha256="ab" * 32))


def test_an_endpoint_that_is_not_ours_is_left_alone(lab: Lab) -> None:
    order = lab.order("promo-1", endpoint="somebodys")
    module = ml_module()
    other = module.entities.ManagedOnlineEndpoint(name="somebodys", auth_mode="key")
    lab.client.online_endpoints.begin_create_or_update(other).result()
    with pytest.raises(RefusedError, match="not ours"):
        deploy(lab.place_of(order).site, order.key, lab.said.append)


def test_a_place_names_everything_that_is_missing() -> None:
    with pytest.raises(RefusedError, match=r"KRSP_WORKSPACE is not set; KRSP_SERVER_IMAGE"):
        read_serving_place({"KRSP_SUBSCRIPTION_ID": "s", "KRSP_RESOURCE_GROUP": "g"})
    with pytest.raises(RefusedError, match="by digest"):
        read_serving_place(
            {
                "KRSP_SUBSCRIPTION_ID": "s",
                "KRSP_RESOURCE_GROUP": "g",
                "KRSP_WORKSPACE": "w",
                "KRSP_SERVER_IMAGE": "server:latest",
            }
        )
