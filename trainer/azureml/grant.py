"""Ask the bot whether a job may be submitted, and check that the answer is really its own."""

import base64
import binascii
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import RetryPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import ValidationError

from trainer.azureml.errors import AwayError, RefusedError, explained, said_by
from trainer.azureml.place import Place
from trainer.contract.grant import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    PATH,
    GrantAnswer,
    GrantClaims,
    GrantRequest,
)

_LEEWAY_S = 60  # between the bot's clock and the agent's
_POLITE = frozenset({408, 429, 500, 502, 503, 504})
_AGAIN = "Run this stage again once the bot answers: nothing was submitted."


def obtain(
    request: GrantRequest,
    place: Place,
    credential: TokenCredential,
    now: Callable[[], float] = time.time,
) -> GrantClaims:
    """Return the bot's grant for exactly this request.

    Raises `RefusedError` when the bot refuses, or its answer is forged, old or about something
    else; `AwayError` when it does not answer.
    """
    answer = _ask(request, place, credential)
    if answer.status_code in _POLITE:
        raise AwayError(
            f"The bot at {place.bot_url} answered {answer.status_code} when asked for a grant.",
            remedy=_AGAIN,
        )
    if answer.status_code != 200:
        raise RefusedError(
            f"The bot does not grant this job: {_said(answer)}",
            remedy="Ask for the run in chat or through the bot; jobs are not submitted around it.",
        )
    try:
        grant = GrantAnswer.model_validate_json(answer.text()).grant
    except ValidationError as error:
        raise _forged(f"what {place.bot_url} answered is no grant") from error
    return verified(grant, request, public_key(place.grant_public_key), now)


def verified(
    grant: str, request: GrantRequest, key: Ed25519PublicKey, now: Callable[[], float] = time.time
) -> GrantClaims:
    """Return what a grant says. Raises `RefusedError` unless it is good for `request` now."""
    try:
        said = jwt.decode(
            grant,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Times are looked at below, by a clock that can be given.
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]},
        )
        claims = GrantClaims.model_validate(said)
    except (jwt.InvalidTokenError, ValidationError) as error:
        raise _forged(str(error).split("\n", 1)[0]) from error
    if not claims.iat - _LEEWAY_S <= now() <= claims.exp + _LEEWAY_S:
        raise _forged("it is not valid at this time; check the clocks")
    if not claims.covers(request):
        raise _forged("it is for another job, spec, code or image")
    return claims


def public_key(text: str) -> Ed25519PublicKey:
    """Return the key from PEM, or from the base64 of its 32 bytes (one line, for a variable)."""
    try:
        if "BEGIN PUBLIC KEY" in text:
            found = load_pem_public_key(text.replace("\\n", "\n").encode())
            if isinstance(found, Ed25519PublicKey):
                return found
        padded = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
        raw = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
        return Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error) as error:
        raise RefusedError(
            "KRSP_GRANT_PUBLIC_KEY is no Ed25519 public key.",
            remedy="Set it to what `python -m bot grant-key` prints.",
        ) from error


def _ask(request: GrantRequest, place: Place, credential: TokenCredential) -> HttpResponse:
    policies = [UserAgentPolicy("krsp-trainer"), RetryPolicy(retry_total=5, retry_backoff_max=30)]
    try:
        token = credential.get_token(f"api://{place.bot_app_id}/.default").token
    except AzureError as error:
        raise explained(error, "getting a token for the bot") from error
    asked = HttpRequest(
        "POST",
        place.bot_url.rstrip("/") + PATH,
        json=request.model_dump(),
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
    )
    try:
        client: PipelineClient[Any, Any]
        with PipelineClient(place.bot_url, policies=policies) as client:
            # A grant changes nothing, so asking twice is harmless.
            answer: HttpResponse = client.send_request(
                asked, retry_on_methods=frozenset({"POST"}), connection_timeout=10, read_timeout=30
            )
            answer.read()
            return answer
    except AzureError as error:
        raise AwayError(
            f"The bot at {place.bot_url} does not answer: {said_by(error)}", remedy=_AGAIN
        ) from error


def _said(answer: HttpResponse) -> str:
    """Return the bot's own sentence from its problem+json, else the status."""
    try:
        detail = answer.json().get("detail")
    except (json.JSONDecodeError, AttributeError, UnicodeDecodeError):
        detail = None
    return str(detail or f"it answered {answer.status_code}")


def _forged(why: str) -> RefusedError:
    return RefusedError(
        f"The bot's grant is not good: {why}.",
        remedy="Compare KRSP_GRANT_PUBLIC_KEY, KRSP_BOT_URL and KRSP_TRAINER_IMAGE with the bot's.",
    )
