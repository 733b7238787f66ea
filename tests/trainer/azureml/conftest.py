"""Submitting to the twin's workspace, granted by a bot that is a few lines on loopback."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.grant_signer import GrantSigner, new_key
from tests.adapters.azure.ml_world import ml_module
from tests.azure_twin import world as names
from tests.azure_twin.fixtures import RunningTwin
from tests.azure_twin.fixtures import azure as azure  # noqa: PLC0414 - a fixture of this folder
from tests.azure_twin.fixtures import twin as twin  # noqa: PLC0414
from tests.trainer.small import small_spec
from trainer.contract.grant import LIFETIME_S, GrantClaims
from trainer.contract.names import run_id_of
from trainer.contract.spec import RunSpec
from trainer.snapshot import take_snapshot

IMAGE = "acr.example/krsp-trainer@sha256:" + "ab" * 32
KEY = GrantSigner(new_key())
CLUSTER = "cpu-small"


@dataclass
class Granter:
    """A bot that grants what it is asked, or what a test wants it to answer."""

    signer: GrantSigner = KEY
    status: int = 200
    body: dict[str, Any] | None = None
    change: dict[str, Any] = field(default_factory=dict)  # of the claims, against the request
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.status != 200 or self.body is not None:
            return self.status, self.body or {"detail": "The bot says no."}
        at = int(time.time())
        claims = {
            "sub": asked["name"],
            "run_id": run_id_of(asked["name"]),
            **{key: asked[key] for key in ("spec_sha256", "code_sha256", "image")},
            "requester": "id-ada",
            "iat": at,
            "exp": at + LIFETIME_S,
            **self.change,
        }
        return 200, {"grant": self.signer.sign(GrantClaims.model_validate(claims))}


@pytest.fixture
def granter() -> Iterator[Granter]:
    made = Granter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.asked.append(asked)
            made.tokens.append(self.headers.get("Authorization", ""))
            status, body = made.answer(asked)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clusters_file(tmp_path: Path) -> Path:
    path = tmp_path / "clusters.yaml"
    path.write_text(f"- {{sku: Standard_DS3_v2, priority: dedicated, cluster: {CLUSTER}}}\n")
    return path


@pytest.fixture
def submit_environment(
    azure: RunningTwin, granter: Granter, clusters_file: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Return the environment of the pipeline's last stage; this process has it too."""
    ml_module()
    logging.getLogger("azure.ai.ml._telemetry").setLevel(logging.ERROR)
    found = {
        **azure.pipeline_environment,
        "KRSP_SUBSCRIPTION_ID": names.SUBSCRIPTION,
        "KRSP_RESOURCE_GROUP": names.RESOURCE_GROUP,
        "KRSP_WORKSPACE": names.WORKSPACE,
        "KRSP_TRAINER_IMAGE": IMAGE,
        "KRSP_BOT_URL": granter.url,
        "KRSP_BOT_APP_ID": names.BOT_APP,
        "KRSP_GRANT_PUBLIC_KEY": KEY.public_text,
        "KRSP_CLUSTERS_FILE": str(clusters_file),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a snapshot of the trainer, and its hash."""
    folder = tmp_path_factory.mktemp("code")
    return folder, str(take_snapshot(folder)["code_sha256"])


@pytest.fixture
def azure_spec() -> Callable[..., RunSpec]:
    """Return small specs for the twin's cluster of CPUs."""

    def make(**changes: Any) -> RunSpec:
        compute = {"sku": "Standard_DS3_v2", **changes.pop("compute", {})}
        data = {"train": {"uri": "builtin:python-qa"}, "max_length": 64, **changes.pop("data", {})}
        return small_spec(compute=compute, data=data, **changes)

    return make
