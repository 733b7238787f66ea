"""What Azure's SDKs raise, told as errors of the bot."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError
from msrest.exceptions import ClientRequestError
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError

from bot.adapters.azure.faults import (
    DEVOPS,
    ENTRA,
    Answer,
    AnswerError,
    TokenRefusedError,
    UntakenError,
    clean,
    missing_right,
    of_answer,
    retry_after_s,
    wrapped,
)
from bot.errors import (
    AccessError,
    BotError,
    ConflictError,
    InputError,
    NotFoundError,
    SetupError,
    UnavailableError,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WHO = "the bot's identity (client id 2a8d7c4f)"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


NO_HOOKS = (
    "Access Denied: 1f needs the following permission(s) on the resource "
    "PublisherSecurity/training to perform this action: Edit subscriptions"
)
NO_JOBS = (
    "The client 'x' with object id 'y' does not have authorization to perform action "
    "'Microsoft.MachineLearningServices/workspaces/jobs/read' over scope '/subscriptions/s' or"
)


def told(error: BaseException, service: str = DEVOPS) -> BotError:
    return wrapped(error, "look for the run", service, WHO)


def answered(status: int, message: str = "", code: str = "") -> BotError:
    return of_answer(Answer(status, code, message), "look for the run", DEVOPS, WHO)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (203, TokenRefusedError),
        (302, TokenRefusedError),
        (400, InputError),
        (401, TokenRefusedError),
        (403, AccessError),
        (404, NotFoundError),
        (408, UnavailableError),
        (409, ConflictError),
        (412, ConflictError),
        (429, UntakenError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[BotError]) -> None:
    assert type(answered(status)) is kind


def test_a_failure_of_the_service_may_have_had_its_effect() -> None:
    assert not isinstance(answered(503), UntakenError)


def test_an_error_of_ours_is_passed_on() -> None:
    error = NotFoundError("gone")
    assert told(error) is error


def test_a_missing_right_is_named_with_who_lacks_it() -> None:
    said = (
        "TF215106: Access denied. id-krsp-bot needs Queue builds permissions for build pipeline "
        "11:train in team project training to perform the action. For more information, contact "
        "the Azure DevOps administrator."
    )
    sentence = str(answered(403, said))
    assert "`Queue builds`" in sentence
    assert WHO in sentence


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (
            NO_HOOKS,
            "`Edit subscriptions`",
        ),
        (
            NO_JOBS,
            "`Microsoft.MachineLearningServices/workspaces/jobs/read` on /subscriptions/s",
        ),
        ("No.", None),
    ],
)
def test_rights_are_read_from_what_services_say(said: str, right: str | None) -> None:
    assert missing_right(said) == right


def test_somebody_who_is_no_member_is_told_apart_from_a_bad_token() -> None:
    said = "TF400813: The user '2a8d' is not authorized to access this resource."
    assert "member" in str(answered(401, said))
    assert "did not accept the token" in str(answered(203))


@pytest.mark.parametrize(
    ("error", "is_untaken"),
    [
        (ServiceRequestError("no route"), False),
        (ServiceResponseError("cut"), False),
        (ClientRequestError("x", requests.ConnectTimeout()), True),
        (ClientRequestError("x", requests.ReadTimeout()), False),
        (requests.exceptions.ChunkedEncodingError("cut"), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
        (
            ClientRequestError(
                "x",
                requests.ConnectionError(
                    MaxRetryError(None, "/", NewConnectionError(None, "refused"))  # type: ignore[arg-type]
                ),
            ),
            True,
        ),
        (requests.ReadTimeout(ReadTimeoutError(None, "/", "slow")), False),  # type: ignore[arg-type]
    ],
)
def test_an_outage_says_whether_the_request_can_have_been_taken(
    error: BaseException, is_untaken: bool
) -> None:
    found = told(error)
    assert isinstance(found, UnavailableError)
    assert isinstance(found, UntakenError) is is_untaken


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("90002", "KRSP_TENANT_ID"),
        ("700016", "different directories"),
        ("7000222", "expired"),
        ("7000215", "its value, not its id"),
        ("700213", "subject"),
        ("500011", "KRSP_TENANT_ID"),
        ("999999", "login.microsoftonline.com/error"),
    ],
)
def test_codes_of_entra_are_said_in_words(code: str, words: str) -> None:
    found = told(ClientAuthenticationError(f"AADSTS{code}: No. Trace ID: 1"), ENTRA)
    assert isinstance(found, AccessError)
    assert words in str(found)
    assert f"AADSTS{code}" in str(found)


def test_entra_that_is_not_well_is_an_outage() -> None:
    found = told(ClientAuthenticationError("AADSTS90033: A transient error has occurred."), ENTRA)
    assert type(found) is UnavailableError


def test_a_machine_without_the_identity_is_told_so() -> None:
    found = told(CredentialUnavailableError("ManagedIdentityCredential: no managed identity"))
    assert isinstance(found, AccessError)
    assert "no managed identity" in str(found)


def test_an_answer_of_arm_is_read_from_its_error() -> None:
    error = HttpResponseError("Not allowed: (X) y")
    error.status_code = 404
    assert isinstance(told(error), NotFoundError)


def test_what_nobody_knows_is_a_setup_error_with_its_words() -> None:
    assert isinstance(told(ValueError("odd")), SetupError)
    assert "odd" in str(told(ValueError("odd")))


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"Bearer {JWT}"),
        AnswerError(Answer(400, "", f"token {JWT} client_secret=abcdefghij0123456789")),
        AnswerError(Answer(403, "", f"Authorization: Bearer {JWT}")),
        ClientAuthenticationError(f"AADSTS7000215: {JWT}"),
    ],
)
def test_no_secret_is_ever_repeated(error: Exception) -> None:
    assert JWT not in str(told(error))
    assert "abcdefghij0123456789" not in str(told(error))


def test_a_services_words_are_cut_short_before_its_ids() -> None:
    assert clean("It failed.\n Trace ID: 123 Correlation ID: 4") == "It failed."
    assert len(clean("x " * 900)) < 410


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Mon, 23 Nov 2026 09:01:00 GMT"}, 60.0),
        ({"Retry-After": "Mon, 23 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
        ({"X-RateLimit-Delay": "1.5"}, 1.5),
        ({"Retry-After": "1", "x-ms-retry-after-ms": "2500"}, 2.5),
        ({"Retry-After": "999999"}, 900.0),
    ],
)
def test_a_wished_pause_is_read_in_each_of_its_forms(
    headers: dict[str, Any], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds
