"""The product in the azure profile on the twin: its settings, and what Azure is told of it."""

import http.cookiejar
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bot.adapters.grant_signer import GrantSigner, new_key
from bot.demo import Place
from tests.azure_twin import world
from tests.azure_twin.fixtures import ROOT, RunningTwin
from tests.azure_twin.teams import IDS

IMAGE = f"krsplab.azurecr.io/krsp-trainer@sha256:{'0' * 64}"
SERVER_IMAGE = f"krsplab.azurecr.io/krsp-server@sha256:{'1' * 64}"
HOOKS_PASSWORD = "only-of-the-twin"
SKU = "Standard_DS3_v2"


@dataclass(frozen=True)
class AzurePlace(Place):
    """Where the bot listens and writes, and the twin that it takes for Azure."""

    twin: RunningTwin
    settings: dict[str, str] = field(default_factory=dict)
    alone_below: float = 1.0  # EUR: what a researcher may start without anybody's approval
    unattended_below: float = 0.1  # EUR: what may start when a commit or a schedule asks
    grant_key: str = field(default_factory=new_key, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of the bot."""
        return {
            **super().environment,
            **self.twin.bot_environment,
            "KRSP_PROFILE": "azure",
            "KRSP_TENANT_ID": world.TENANT,
            "KRSP_SUBSCRIPTION_ID": world.SUBSCRIPTION,
            "KRSP_RESOURCE_GROUP": world.RESOURCE_GROUP,
            "KRSP_WORKSPACE": world.WORKSPACE,
            "KRSP_BOT_APP_ID": world.BOT_APP,
            "KRSP_IDENTITY_CLIENT_ID": world.BOT_IDENTITY,
            "KRSP_DEVOPS_URL": world.DEVOPS_URL,
            "KRSP_DEVOPS_PROJECT": world.PROJECT,
            "KRSP_TRAIN_PIPELINE_ID": str(world.PIPELINES["train"]),
            "KRSP_PROMOTE_PIPELINE_ID": str(world.PIPELINES["promote"]),
            "KRSP_TRAINER_IMAGE": IMAGE,
            "KRSP_GRANT_KEY": self.grant_key.replace("\n", "\\n"),
            "KRSP_SERVICE_CLIENTS": world.PIPELINE_IDENTITY,
            "KRSP_HOOKS_PASSWORD": HOOKS_PASSWORD,
            "KRSP_POLICY_FILE": str(self.policy_file),
            "KRSP_SWEEP_S": "1",
            "KRSP_CARD_EVERY_S": "2",
            **self.settings,
        }

    @property
    def policy_file(self) -> Path:
        return self.home / "policy.yaml"

    def prepare(self) -> None:
        """Write the policy, and tell the twin's Azure DevOps where the bot is."""
        self.home.mkdir(parents=True, exist_ok=True)
        example = ROOT / "manifests" / "azure" / "policy.example.yaml"
        policy = yaml.safe_load(example.read_text("utf-8"))
        policy["default_machine"] = SKU
        policy["start_alone_below"]["researcher"] = self.alone_below
        policy["start_unattended_below"] = self.unattended_below
        self.policy_file.write_text(yaml.safe_dump(policy), encoding="utf-8")
        call = self.twin.control.call
        call("devops.group", name="krsp", variables=self.group)
        serve = [
            *("env", "KRSP_HOST=127.0.0.1", "KRSP_PORT={port}"),
            *("bash", str(ROOT / "manifests" / "images" / "serve.sh")),
        ]
        call("serving.image", image="krsp-server", command=serve)

    @property
    def group(self) -> dict[str, str]:
        """Return the variable group that the pipelines read."""
        return {
            "KRSP_SUBSCRIPTION_ID": world.SUBSCRIPTION,
            "KRSP_RESOURCE_GROUP": world.RESOURCE_GROUP,
            "KRSP_WORKSPACE": world.WORKSPACE,
            "KRSP_TRAINER_IMAGE": IMAGE,
            "KRSP_SERVER_IMAGE": SERVER_IMAGE,
            "KRSP_BOT_URL": self.bot_url,
            "KRSP_BOT_APP_ID": world.BOT_APP,
            "KRSP_GRANT_PUBLIC_KEY": GrantSigner(self.grant_key).public_text,
        }

    def sign_in(self, person: str) -> urllib.request.OpenerDirector:
        """Sign `alex`, `megan` or `nestor` in as a browser does; return who carries the cookie."""
        self.twin.control.sign_in(IDS[person][0])
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
        )
        with opener.open(f"{self.bot_url}/auth/sign-in?return_to=/runs", timeout=30) as answer:
            landed = urlsplit(answer.url)
        if landed.path != "/runs":
            raise AssertionError(f"{person} was not signed in: {answer.url}")
        return opener
