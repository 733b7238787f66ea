"""The preflight: its judgements in tables, and one whole examination of the twin."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.adapters.azure.doctor import (
    Doctor,
    cluster_findings,
    grant_key_finding,
    key_findings,
    storage_finding,
)
from bot.adapters.azure.doctor_devops import (
    connection_finding,
    licence_finding,
    parallelism_finding,
    permission_finding,
)
from bot.adapters.azure.findings import Finding, Level, examined, fault, has_fault, ok, warning
from bot.errors import AccessError
from bot.ports import ClusterSeen
from bot.settings import Settings
from tests.adapters.azure.azure_settings import azure_settings
from tests.adapters.azure.devops_world import DevOpsWorld
from tests.adapters.azure.ml_world import ml_module
from trainer.contract.clusters import read_clusters

URL = "https://dev.azure.com/krsp-lab"


def cluster(**values: Any) -> ClusterSeen:
    usual = {"most": 4, "busy": 0, "idle": 0, "waiting": 0, "quota": 4}
    return ClusterSeen("t4-low", "Standard_NC4as_T4_v3", "low", **{**usual, **values})


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (cluster(), Level.OK),
        (cluster(busy=3, idle=1, quota=0), Level.OK),
        (cluster(quota=2), Level.WARNING),
        (cluster(quota=None), Level.WARNING),
        (cluster(note="Its machines are A, not B."), Level.WARNING),
        (cluster(most=0, note="The workspace has no cluster t4-low."), Level.FAULT),
    ],
)
def test_a_cluster_is_judged_by_what_runs_can_have_of_it(seen: ClusterSeen, level: Level) -> None:
    (finding,) = cluster_findings([seen])
    assert finding.level is level
    assert bool(finding.remedy) == (level is not Level.OK)


@pytest.mark.parametrize(
    ("properties", "level"),
    [
        ({"allowSharedKeyAccess": False}, Level.OK),
        ({"allowSharedKeyAccess": True}, Level.WARNING),
        ({}, Level.WARNING),
        (None, Level.WARNING),
    ],
)
def test_a_storage_that_takes_keys_is_told(
    properties: Mapping[str, Any] | None, level: Level
) -> None:
    assert storage_finding({"name": "stkrsplab", "properties": properties}).level is level


def test_a_key_of_another_kind_cannot_sign_grants() -> None:
    key = generate_private_key(SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert grant_key_finding(pem).level is Level.FAULT
    assert grant_key_finding("nonsense").level is Level.FAULT


def test_keys_that_are_well_are_ok(tmp_path: Path) -> None:
    assert [each.level for each in key_findings(azure_settings(tmp_path))] == [Level.OK]


def test_no_session_key_is_a_warning(tmp_path: Path) -> None:
    found = key_findings(azure_settings(tmp_path, session_key=""))
    assert found[-1].level is Level.WARNING


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"resourceLimit": {"totalCount": 1}}, Level.OK),
        ({"resourceLimit": {"totalCount": 0}}, Level.FAULT),
        ({"resourceLimit": {}}, Level.WARNING),
        ({}, Level.WARNING),
    ],
)
def test_without_hosted_jobs_nothing_runs(said: Mapping[str, Any], level: Level) -> None:
    assert parallelism_finding(said, URL).level is level


@pytest.mark.parametrize(
    ("access", "level"),
    [
        ({"accountLicenseType": "express", "status": "active"}, Level.OK),
        ({"accountLicenseType": "stakeholder", "status": "active"}, Level.FAULT),
        ({"accountLicenseType": "express", "status": "disabled"}, Level.FAULT),
        ({}, Level.FAULT),
    ],
)
def test_the_identity_needs_a_licence(access: Mapping[str, str], level: Level) -> None:
    assert licence_finding({"accessLevel": access}).level is level


@pytest.mark.parametrize(
    ("scheme", "is_ready", "level"),
    [
        ("WorkloadIdentityFederation", True, Level.OK),
        ("ServicePrincipal", True, Level.WARNING),
        ("WorkloadIdentityFederation", False, Level.FAULT),
    ],
)
def test_a_service_connection_should_hold_no_secret(
    scheme: str, is_ready: bool, level: Level
) -> None:
    found = SimpleNamespace(is_ready=is_ready, authorization=SimpleNamespace(scheme=scheme))
    assert connection_finding("krsp-training", found).level is level


@pytest.mark.parametrize(
    ("all_of_them", "pipelines", "level"),
    [
        (None, [11], Level.OK),
        (None, [11, 12], Level.OK),
        (None, [12], Level.FAULT),
        (None, [], Level.FAULT),
        (True, [], Level.WARNING),
    ],
)
def test_a_service_connection_is_open_to_its_pipeline_only(
    all_of_them: bool | None, pipelines: list[int], level: Level
) -> None:
    said = SimpleNamespace(
        all_pipelines=None if all_of_them is None else SimpleNamespace(authorized=all_of_them),
        pipelines=[SimpleNamespace(id=number, authorized=True) for number in pipelines],
    )
    assert permission_finding("krsp-training", said, 11).level is level


async def test_a_probe_that_fails_is_a_fault_unless_one_can_look_by_hand() -> None:
    async def probe() -> list[Finding]:
        raise AccessError("No.")

    assert await examined("X", probe) == [fault("X", "No.")]
    assert await examined("X", probe, "Look.") == [
        warning("X", "It could not be read. No.", "Look.")
    ]


def test_only_a_fault_is_one() -> None:
    assert not has_fault([ok("a", "b."), warning("a", "b.")])
    assert has_fault([fault("a", "b.")])
    assert fault("a", "b.", "C.").line() == "fault    a: b. C."


async def examination(settings: Settings) -> dict[str, Finding]:
    ml_module()
    doctor = Doctor(settings, read_clusters(settings.clusters_file))
    try:
        return {finding.about: finding for finding in await doctor.examine()}
    finally:
        doctor.close()


async def test_an_examination_looks_at_everything_and_starts_nothing(
    world: DevOpsWorld, tmp_path: Path
) -> None:
    file = str(world.repository / "azure-pipelines" / "train.yml")
    found = await examination(azure_settings(tmp_path, promote_pipeline_id="0", pipeline_file=file))
    assert await world.runs() == []
    for about in ("Workspace", "Azure DevOps project", "Pipeline train", "Grant key"):
        assert found[about].level is Level.OK, found[about].line()
    for about in ("Storage", "Consent", "Teams app"):
        assert found[about].level is Level.WARNING
        assert "Look at https://" in found[about].remedy or "portal" in found[about].remedy
    assert {"Pipeline promote", "Service hooks", "Azure DevOps licence"} <= set(found)


async def test_a_file_that_refuses_what_the_bot_gives_it_is_a_fault(
    world: DevOpsWorld, tmp_path: Path
) -> None:
    world.write("train", "parameters: [{name: runKey, type: string}]\nsteps: [{bash: 'true'}]\n")
    found = await examination(azure_settings(tmp_path))
    assert found["Pipeline train"].level is Level.FAULT
    assert "Unexpected parameter" in found["Pipeline train"].sentence
