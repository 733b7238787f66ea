"""Who may do what in the twin's Azure DevOps, which versions it takes, and how it limits."""

import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, DeserializationError
from azure.devops.connection import Connection
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.build.models import Build
from azure.identity import AzurePipelinesCredential, ManagedIdentityCredential
from msrest.authentication import BasicAuthentication

from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.sdk import sdk
from tests.azure_twin.entra.directory import object_id
from tests.azure_twin.world import (
    BOT_APP,
    BOT_IDENTITY,
    DEVOPS_APP,
    DEVOPS_URL,
    PIPELINE_IDENTITY,
    PROJECT,
    SERVICE_CONNECTION_ID,
    TENANT,
)

SLEEPER = """
steps:
  - checkout: none
  - bash: while true; do sleep 0.1; done
    displayName: Sleep
"""
SIGNED_IN = """
steps:
  - checkout: none
  - task: AzureCLI@2
    displayName: Signed in
    inputs:
      azureSubscription: krsp-training
      scriptType: bash
      scriptLocation: inlineScript
      inlineScript: python azure-pipelines/signed_in.py
    env:
      SYSTEM_ACCESSTOKEN: $(System.AccessToken)
"""
SIGNS_IN = """
import os
import jwt
from azure.identity import AzurePipelinesCredential
credential = AzurePipelinesCredential(
    tenant_id=os.environ["AZURESUBSCRIPTION_TENANT_ID"],
    client_id=os.environ["AZURESUBSCRIPTION_CLIENT_ID"],
    service_connection_id=os.environ["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
    system_access_token=os.environ["SYSTEM_ACCESSTOKEN"],
)
token = credential.get_token("https://management.azure.com/.default").token
claims = jwt.decode(token, options={"verify_signature": False})
print(claims["appid"], claims["aud"])
"""


def asked(
    token: str, path: str, *, version: str = "7.1", method: str = "GET", body: Any = None
) -> tuple[int, dict[str, str], str]:
    """Ask the twin without the package; return status, headers and text."""
    proxy = urllib.request.ProxyHandler({"https": os.environ["HTTPS_PROXY"]})
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    opener = urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=context))
    accept = f"application/json;api-version={version}" if version else "application/json"
    headers = {"Authorization": token, "Accept": accept, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    url = f"{DEVOPS_URL}{path}"
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
    try:
        with opener.open(request, timeout=30) as found:
            return found.status, dict(found.headers), found.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def test_a_managed_identity_of_the_bot_gets_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lab.twin.bot_environment.items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential(client_id=BOT_IDENTITY) as credential:
        token = credential.get_token(f"{DEVOPS_APP}/.default").token
    assert len(sdk(token).pipelines.list_pipelines(PROJECT)) >= 5


def test_a_token_for_another_audience_gets_the_sign_in_page(lab: Lab) -> None:
    token = lab.token(audience="https://management.azure.com")
    status, headers, text = asked(f"Bearer {token}", f"/{PROJECT}/_apis/pipelines")
    assert (status, headers["Content-Type"]) == (203, "text/html; charset=utf-8")
    assert "Sign In" in text
    # The package makes no error of its own of it.
    with pytest.raises(DeserializationError, match="text/html"):
        lab.of(token).pipelines.list_pipelines(PROJECT)


def test_no_token_at_all_gets_the_sign_in_page(lab: Lab) -> None:
    assert asked("", f"/{PROJECT}/_apis/pipelines")[0] == 203


def test_an_expired_token_is_refused(lab: Lab) -> None:
    claims = {"appid": BOT_IDENTITY, "oid": object_id(BOT_IDENTITY)}
    token = lab.twin.control.mint(BOT_IDENTITY, DEVOPS_APP, lifetime_s=-1, claims=claims)
    with pytest.raises(AzureDevOpsServiceError, match="expired"):
        lab.of(token).pipelines.list_pipelines(PROJECT)


def test_a_personal_access_token_is_refused(lab: Lab) -> None:
    connection = Connection(DEVOPS_URL, BasicAuthentication("", "a-pat"))
    with pytest.raises(AzureDevOpsServiceError, match="Personal Access Token"):
        connection.clients_v7_1.get_build_client()


@pytest.mark.parametrize("client_id", [BOT_APP, PIPELINE_IDENTITY])
def test_who_is_no_member_is_refused(lab: Lab, client_id: str) -> None:
    with pytest.raises(AzureDevOpsServiceError, match="TF400813") as caught:
        lab.of(lab.token(client_id)).pipelines.list_pipelines(PROJECT)
    assert caught.value.type_key == "UnauthorizedRequestException"


def test_each_right_is_needed_for_its_own_thing(lab: Lab) -> None:
    number = lab.write(SLEEPER)
    run = lab.bot.run(number)
    lab.control("rights", who=BOT_IDENTITY, revoke=["Queue builds", "Stop builds"])
    with pytest.raises(AzureDevOpsServiceError, match="needs Queue builds permissions") as caught:
        lab.bot.run(number)
    assert caught.value.type_key == "AccessDeniedException"
    with pytest.raises(AzureDevOpsServiceError, match="needs Stop builds permissions"):
        lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, run.id)
    lab.control("rights", who=BOT_IDENTITY, revoke=["View builds"])
    with pytest.raises(AzureDevOpsServiceError, match="needs View builds permissions"):
        lab.bot.builds.get_build(PROJECT, run.id)
    assert lab.bot.builds.get_builds(PROJECT) == []


def test_rights_may_be_narrowed_to_pipelines(lab: Lab) -> None:
    lab.write(SLEEPER)
    lab.control("rights", who=BOT_IDENTITY, pipelines=[12])
    with pytest.raises(AzureDevOpsServiceError, match="TF215106"):
        lab.bot.run(11)
    assert [one.id for one in lab.bot.pipelines.list_pipelines(PROJECT)] == [12]


@pytest.mark.parametrize(
    ("version", "method", "key"),
    [
        ("", "POST", "VssVersionNotSpecifiedException"),
        ("9.9", "GET", "VssVersionOutOfRangeException"),
        ("0.1", "GET", "VssVersionOutOfRangeException"),
        ("7.2", "GET", "VssInvalidPreviewVersionException"),
        ("7.1-preview.99", "GET", "VssVersionOutOfRangeException"),
        ("latest", "GET", "VssInvalidApiVersionException"),
    ],
)
def test_a_version_that_does_not_exist_is_refused(
    lab: Lab, version: str, method: str, key: str
) -> None:
    path = f"/{PROJECT}/_apis/pipelines/11/runs"
    body = {} if method == "POST" else None
    found = asked(f"Bearer {lab.token()}", path, version=version, method=method, body=body)
    assert (found[0], json.loads(found[2])["typeKey"]) == (400, key)


def test_a_version_may_stand_in_the_query_and_paths_ignore_case(lab: Lab) -> None:
    bearer = f"Bearer {lab.token()}"
    path = f"/{PROJECT.upper()}/_apis/PIPELINES?API-version=7.1"
    assert asked(bearer, path, version="")[0] == 200
    assert asked(bearer, f"/{PROJECT}/_apis/Build/builds", version="7.1-preview.7")[0] == 200


def test_a_method_or_path_that_is_not_served_says_so(lab: Lab) -> None:
    bearer = f"Bearer {lab.token()}"
    gone = asked(bearer, f"/{PROJECT}/_apis/pipelines/11", method="DELETE")
    assert gone[0] == 405
    assert asked(bearer, f"/{PROJECT}/_apis/wiki/wikis")[0] == 404


def test_a_signed_in_step_gets_azures_token_by_federation(lab: Lab) -> None:
    number = lab.write(SIGNED_IN.replace("checkout: none", "checkout: self"))
    (lab.repository / "azure-pipelines" / "signed_in.py").write_text(SIGNS_IN)
    run = lab.bot.run(number)
    assert lab.bot.ended(run.id).result == "succeeded", lab.bot.lines(run.id, "Signed in")
    [line] = lab.bot.lines(run.id, "Signed in")
    assert line.rstrip("/") == f"{PIPELINE_IDENTITY} https://management.azure.com"


def test_only_the_jobs_own_token_gets_a_federated_one(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = lab.bot.run(lab.write(SLEEPER))
    [job] = [record.id for record in lab.bot.records(run.id) if record.type == "Job"]
    plan = lab.bot.builds.get_build(PROJECT, run.id).plans[0].plan_id
    plans = f"{DEVOPS_URL}/{PROJECT}/_apis/distributedtask/hubs/build/plans"
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"{plans}/{plan}/jobs/{job}/oidctoken")
    credential = AzurePipelinesCredential(
        tenant_id=TENANT,
        client_id=PIPELINE_IDENTITY,
        service_connection_id=SERVICE_CONNECTION_ID,
        system_access_token=lab.token(),
    )
    refused = pytest.raises(ClientAuthenticationError, match="may not ask for a token of the plan")
    with credential, refused:
        credential.get_token("https://management.azure.com/.default")


def test_pip_installs_what_is_there_and_nothing_else(lab: Lab) -> None:
    number = lab.write(
        """
        steps:
          - checkout: none
          - bash: python -m pip install --quiet pytest "aiohttp>=3" . && echo installed
            displayName: Known
          - bash: python -m pip install no-such-package
            displayName: Unknown
        """
    )
    run = lab.bot.run(number)
    lab.bot.ended(run.id)
    assert lab.bot.lines(run.id, "Known") == ["installed"]
    assert "No matching distribution" in lab.bot.lines(run.id, "Unknown")[0]


def test_who_asks_too_much_is_slowed_down_and_then_blocked(lab: Lab) -> None:
    bearer, path = f"Bearer {lab.token()}", f"/{PROJECT}/_apis/pipelines"
    lab.control("set_throttle", cost=100, limit=200, delay_s=0.05)
    answers = [asked(bearer, path) for _ in range(6)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 200, 429, 429]
    assert "Retry-After" not in answers[0][1]
    assert answers[2][1]["X-RateLimit-Limit"] == "200"
    assert int(answers[4][1]["Retry-After"]) > 200
    assert json.loads(answers[4][2])["typeKey"] == "RequestBlockedException"


def test_a_blocked_client_hears_it_from_the_package(lab: Lab) -> None:
    number, bot = lab.write(SLEEPER), lab.bot
    lab.control("set_throttle", cost=1000, limit=200, delay_s=0)
    with pytest.raises(AzureDevOpsServiceError, match="TF400733") as caught:
        bot.run(number)
    assert caught.value.type_key == "RequestBlockedException"
