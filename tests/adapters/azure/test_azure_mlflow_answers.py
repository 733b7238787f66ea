"""What MLflow's exceptions leave of an answer: the status that tells a denial from an absence."""

from typing import Any

import pytest

from bot.adapters.azure.mlflow import answer_of

PAGE = "<!DOCTYPE html><html><head><title>Sign In</title></head></html>"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ExpiredAuthenticationToken", 401),
        ("InvalidAuthenticationToken", 401),
        ("AuthorizationFailed", 403),
        ("TooManyRequests", 429),
        ("SomethingElse", 500),
    ],
)
def test_an_error_of_azure_itself_keeps_its_code_and_words(code: str, status: int) -> None:
    body: dict[str, Any] = {"error": {"code": code, "message": "No."}}
    found = answer_of(500, "INTERNAL_ERROR", f"Response: {body}", body)
    assert (found.status, found.code, found.message) == (status, code, "No.")


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (f"API request to endpoint x failed with error code 401 != 200. Body: '{PAGE}'", 401),
        (f"API request to endpoint x failed with error code 203 != 200. Body: '{PAGE}'", 203),
        (f"... was successful but the response body was not valid. Body: '{PAGE}'", 203),
    ],
)
def test_a_page_is_not_shown_to_a_person(message: str, status: int) -> None:
    found = answer_of(500, "INTERNAL_ERROR", message, None)
    assert found.status == status
    assert "html" not in found.message.lower()


def test_what_mlflow_itself_answers_stays_as_it_is() -> None:
    body = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such run."}
    found = answer_of(404, "RESOURCE_DOES_NOT_EXIST", "No such run.", body)
    assert (found.status, found.message) == (404, "No such run.")
