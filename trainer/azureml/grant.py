"""Ask the bot whether a job may be submitted, and check that the answer is really its own."""

import base64
import binascii
import time
from collections.abc import Callable

import jwt
from azure.core.credentials import TokenCredential
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import ValidationError

from trainer.azureml.bot import PASSING, ask_bot, said
from trainer.azureml.errors import AwayError, RefusedError
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
    answer = ask_bot(
        PATH, request, bot_url=place.bot_url, app_id=place.bot_app_id, credential=credential
    )
    if answer.status_code in PASSING:
        raise AwayError(
            f"The bot at {place.bot_url} answered {answer.status_code} when asked for a grant.",
            remedy=_AGAIN,
        )
    if answer.status_code != 200:
        raise RefusedError(
            f"The bot does not grant this job: {said(answer)}",
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
        found = jwt.decode(
            grant,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Times are looked at below, by a clock that can be given.
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]},
        )
        claims = GrantClaims.model_validate(found)
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


def _forged(why: str) -> RefusedError:
    return RefusedError(
        f"The bot's grant is not good: {why}.",
        remedy="Compare KRSP_GRANT_PUBLIC_KEY, KRSP_BOT_URL and KRSP_TRAINER_IMAGE with the bot's.",
    )
