"""The app registration's files say the same words as the code that reads the tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.web.sign_in.claims import PERSON_ROLES, SCOPE, SERVICE_ROLE

EVENT_GRID = "AzureEventGridSecureWebhookSubscriber"


@pytest.fixture(scope="module")
def roles(repository: Path) -> list[dict[str, Any]]:
    text = (repository / "manifests/azure/app-roles.json").read_text("utf-8")
    body: list[dict[str, Any]] = json.loads(text)
    return body


def test_people_and_services_get_the_roles_that_the_bot_knows(roles: list[dict[str, Any]]) -> None:
    who = {role["value"]: role["allowedMemberTypes"] for role in roles}
    assert {name for name, kinds in who.items() if kinds == ["User"]} == set(PERSON_ROLES)
    assert who[SERVICE_ROLE] == ["Application"]  # no person can be given the pipelines' rights
    assert set(who) == {*PERSON_ROLES, SERVICE_ROLE, EVENT_GRID}


def test_every_role_and_scope_has_an_id_of_its_own(
    repository: Path, roles: list[dict[str, Any]]
) -> None:
    api = json.loads((repository / "manifests/azure/app-api.json").read_text("utf-8"))["api"]
    (scope,) = api["oauth2PermissionScopes"]
    ids = [one["id"] for one in (*roles, scope)]
    assert len(set(ids)) == len(ids)
    assert scope["value"] == SCOPE
    granted = {
        one for app in api["preAuthorizedApplications"] for one in app["delegatedPermissionIds"]
    }
    assert granted == {scope["id"]}


def test_tokens_are_of_version_2_as_the_bot_insists(repository: Path) -> None:
    api = json.loads((repository / "manifests/azure/app-api.json").read_text("utf-8"))["api"]
    assert api["requestedAccessTokenVersion"] == 2


def test_the_guide_assigns_the_ids_that_are_made(
    repository: Path, roles: list[dict[str, Any]]
) -> None:
    guide = (repository / "docs/how-to/deploy-to-azure.md").read_text("utf-8")
    for role in roles:
        if role["value"] in {SERVICE_ROLE, EVENT_GRID}:
            assert role["id"] in guide
