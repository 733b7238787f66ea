"""The settings that decide about signing in."""

import pytest

from bot.errors import SetupError
from bot.settings import load_settings

ONE, OTHER = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


def test_services_that_may_call_are_named_by_client_id_and_none_by_default():
    assert load_settings({}).service_clients == ()
    given = load_settings({"KRSP_SERVICE_CLIENTS": f"{ONE}, {OTHER}"})
    assert given.service_clients == (ONE, OTHER)


@pytest.mark.parametrize("clients", ["pipeline", f"{ONE};{OTHER}", "*"])
def test_what_is_no_client_id_is_refused(clients):
    with pytest.raises(SetupError, match="KRSP_SERVICE_CLIENTS"):
        load_settings({"KRSP_SERVICE_CLIENTS": clients})


def test_a_session_key_is_long_and_never_shown():
    with pytest.raises(SetupError, match=r"KRSP_SESSION_KEY.*32 bytes") as refused:
        load_settings({"KRSP_SESSION_KEY": "my-short-key"})
    assert "my-short-key" not in str(refused.value)
    key = "k" * 32
    settings = load_settings({"KRSP_SESSION_KEY": key})
    assert settings.session_key.get_secret_value() == key
    assert key not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KRSP_SESSION_HOURS", "0"),
        ("KRSP_SESSION_HOURS", "25"),
        ("KRSP_ROLE_HOURS", "-1"),
        ("KRSP_ROLE_HOURS", "721"),
    ],
)
def test_a_sign_in_is_never_good_for_ever(name, value):
    with pytest.raises(SetupError, match=name):
        load_settings({name: value})
