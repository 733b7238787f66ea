"""Settings: everything wrong is named at once, with what to do."""

import pytest

from bot.errors import SetupError
from bot.settings import load_people, load_policy, load_settings

ONE = "{id: a, tenant: t, name: A, role: admin}"


def test_nothing_set_is_a_usable_local_profile():
    settings = load_settings({})
    assert (settings.profile, settings.host, settings.port) == ("local", "127.0.0.1", 3978)
    assert settings.public_url == "http://127.0.0.1:3978"


def test_all_faults_are_named_at_once():
    with pytest.raises(SetupError) as refused:
        load_settings(
            {
                "KRSP_PORT": "99999",
                "KRSP_HOST": "10.0.0.1",
                "KRSP_SLOTS": "many",
                "KRSP_COLOUR": "x",
            }
        )
    said = str(refused.value)
    for name in ("KRSP_PORT", "KRSP_HOST", "KRSP_SLOTS", "KRSP_COLOUR"):
        assert name in said


def test_the_local_profile_listens_on_this_machine_only():
    with pytest.raises(SetupError, match="no sign-in"):
        load_settings({"KRSP_HOST": "10.0.0.1"})


def test_the_azure_profile_names_all_that_it_lacks_at_once():
    with pytest.raises(SetupError) as refused:
        load_settings({"KRSP_PROFILE": "azure", "KRSP_SIGN_IN": "off", "KRSP_PORT": "0"})
    said = str(refused.value)
    for name in ("KRSP_TENANT_ID", "KRSP_GRANT_KEY", "KRSP_PUBLIC_URL", "KRSP_PORT"):
        assert name in said
    assert "does not start with sign-in off" in said


def test_settings_of_others_are_left_alone():
    assert load_settings({"PORT": "1", "KRSP_PLAYGROUND_PORT": "56150"}).port == 3978


def test_the_shipped_policy_and_people_can_be_used():
    settings = load_settings({})
    policy, people = load_policy(settings.policy_file), load_people(settings.people_file)
    assert policy.approvers
    assert {person.role for person in people} >= set(policy.approvers)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("people: [{id: a, tenant: t, name: A, role: boss}]", "people.0.role"),
        ("people: [{id: a, tenant: t}]", "people.0.name"),
        ("people: {", "no valid YAML"),
        (f"people: [{ONE}, {ONE}]", "the id a twice"),
    ],
)
def test_a_bad_people_file_says_where(tmp_path, text, hint):
    path = tmp_path / "people.yaml"
    path.write_text(text)
    with pytest.raises(SetupError, match=hint):
        load_people(path)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("version: 2", "version"),
        ("version: 1\ncurrency: EUR\nprices: {a: -1}\nnever_above: 1", "prices.a"),
        ("version: 1\ncurrency: EUR\nprices: {}\nnever_above: 1\nlimit: 3", "limit"),
    ],
)
def test_a_bad_policy_file_says_where(tmp_path, text, hint):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(SetupError, match=hint):
        load_policy(path)


def test_pages_without_sign_in_cannot_be_given_an_address_that_others_reach():
    with pytest.raises(SetupError, match=r"KRSP_PUBLIC_URL.*act as anybody"):
        load_settings({"KRSP_PUBLIC_URL": "https://tunnel.example"})
    assert load_settings({"KRSP_PUBLIC_URL": "http://localhost:9/"}).public_url.endswith(":9")
