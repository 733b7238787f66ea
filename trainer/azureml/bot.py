"""Ask the bot's API with this process's token: the one way in which a pipeline speaks to it."""

import json
from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from pydantic import BaseModel

from trainer.azureml.errors import AwayError, explained, said_by

# Answers after which asking again later may help.
PASSING = frozenset({408, 429, 500, 502, 503, 504})


def ask_bot(
    path: str,
    body: BaseModel,
    *,
    bot_url: str,
    app_id: str = "",
    credential: TokenCredential | None = None,
) -> HttpResponse:
    """Return the bot's answer, whatever its status. What is asked may be repeated, and is.

    Without a credential no token goes along: the local profile knows its machine. Raises
    `AwayError` when nobody answers.
    """
    headers = {"Accept": "application/json"}
    if credential is not None:
        try:
            token = credential.get_token(f"api://{app_id}/.default").token
        except AzureError as error:
            raise explained(error, "getting a token for the bot") from error
        headers["Authorization"] = f"Bearer {token}"
    asked = HttpRequest("POST", bot_url.rstrip("/") + path, json=body.model_dump(), headers=headers)
    policies = [UserAgentPolicy("krsp-trainer"), RetryPolicy(retry_total=5, retry_backoff_max=30)]
    try:
        client: Any = PipelineClient(
            bot_url, policies=policies
        )  # its types take no request of its own
        with client:
            answer: HttpResponse = client.send_request(
                asked, retry_on_methods=frozenset({"POST"}), connection_timeout=10, read_timeout=30
            )
            answer.read()
            return answer
    except AzureError as error:
        raise AwayError(
            f"The bot at {bot_url} does not answer: {said_by(error)}",
            remedy="Run this again once the bot answers: nothing was started.",
        ) from error


def said(answer: HttpResponse) -> str:
    """Return the bot's own sentence from its problem+json, else the status."""
    try:
        detail = answer.json().get("detail")
    except (json.JSONDecodeError, AttributeError, UnicodeDecodeError):
        detail = None
    return str(detail or f"it answered {answer.status_code}")
