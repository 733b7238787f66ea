"""The table of rights: what is made of it is up to date, and it allows what the product calls."""

from pathlib import Path

import pytest

from manifests.azure.roles import JSON, PAGE, CustomRole, Right, as_json, as_page, load, missing
from tests.azure_twin.roles import GRANTED
from tests.azure_twin.world import BOT_IDENTITY, COMPUTE_IDENTITY, PIPELINE_IDENTITY

ML = "Microsoft.MachineLearningServices/workspaces"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
TABLE = load()


def test_what_bicep_loads_is_made_of_the_table() -> None:
    assert JSON.read_text("utf-8") == as_json(TABLE), "run python -m manifests.azure.roles"


def test_the_reference_page_is_made_of_the_table() -> None:
    assert PAGE.read_text("utf-8") == as_page(TABLE), "run python -m manifests.azure.roles"
    assert "unproven on azure" in PAGE.read_text("utf-8").lower()


def test_every_right_is_explained_and_named_once() -> None:
    for name, identity in TABLE.items():
        for role in identity.roles:
            rights = [action for right in role.rights for action in right.actions]
            assert len(rights) == len(set(rights)), (name, role.role)
            assert all(right.why for right in role.rights)
            assert all(right.actions or right.data_actions for right in role.rights)


@pytest.mark.parametrize("action", ["*", f"{ML}/*", f"{ML}/*/read", f"{ML}/jobs/*"])
def test_a_wildcard_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match="actions"):
        Right(call="c", actions=(action,), why="w")


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(ValueError, match="scope"):
        CustomRole.model_validate({"role": "r", "scope": "tenant", "rights": []})


def test_the_bot_can_start_no_job_and_change_no_model_or_endpoint() -> None:
    for role in TABLE["bot"].roles:
        assert not [one for one in role.actions if one.endswith(("/write", "/delete"))]
        assert all(one.endswith("/read") for one in role.data_actions)


def test_nobody_reads_keys() -> None:
    actions = {one.lower() for i in TABLE.values() for role in i.roles for one in role.actions}
    assert not [one for one in actions if "listkeys" in one or "listaccountsas" in one]
    # azure-ai-ml asks before each upload, and is told that there are none.
    secrets = f"{ML}/datastores/listsecrets/action".lower()
    assert secrets not in {one.lower() for role in TABLE["bot"].roles for one in role.actions}


def test_what_microsofts_list_does_not_know_is_in_no_role_definition() -> None:
    unknown = [
        action
        for identity in TABLE.values()
        for role in identity.roles
        for right in role.rights
        if not right.deployed
        for action in right.actions
    ]
    assert unknown == [f"{ML}/codes/versions/startPendingUpload/action"]
    assert not [one for one in unknown if one in as_json(TABLE)]


def test_a_call_that_no_role_allows_is_named() -> None:
    seen = [
        ("bot", f"{ML}/jobs/read"),
        ("bot", f"{ML}/jobs/write"),
        ("pipeline", f"{ML}/JOBS/write"),
        ("compute", f"data:{BLOBS}/write"),
        ("endpoint", f"data:{BLOBS}/write"),
        ("stranger", f"{ML}/read"),
    ]
    assert missing(TABLE, seen) == [
        f"bot: {ML}/jobs/write",
        f"endpoint: data:{BLOBS}/write",
        f"stranger: {ML}/read",
    ]


def test_the_twin_knows_the_identities_of_the_table() -> None:
    assert set(GRANTED) == {BOT_IDENTITY, PIPELINE_IDENTITY, COMPUTE_IDENTITY}
    assert {"bot", "pipeline", "compute"} <= set(TABLE)


def test_no_file_of_ours_grants_a_role_of_an_owner(repository: Path) -> None:
    owners = {
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
        "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
        "f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    }
    for path in (repository / "manifests" / "azure").rglob("*.bicep"):
        text = path.read_text("utf-8")
        assert [name for guid, name in owners.items() if guid in text] == [], path.name
