"""What Azure's SDKs raise, as the bot's own errors: a sentence each, and never a secret in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from azure.core import exceptions as core
from azure.identity import CredentialUnavailableError
from msrest import exceptions as rest
from urllib3 import exceptions as wire

from bot.adapters.azure.sign_in_faults import of_entra
from bot.domain.redact import redact
from bot.errors import (
    AccessError,
    BotError,
    ConflictError,
    InputError,
    NotFoundError,
    SetupError,
    UnavailableError,
)

DEVOPS = "Azure DevOps"
AZURE_ML = "Azure Machine Learning"
ENTRA = "Entra ID"

_MOST = 400  # characters of a service's own words in a sentence
_NO_PLACE = ("ProjectDoesNotExist", "HostDoesNotExist")
_LONGEST_PAUSE_S = 900.0


class UntakenError(UnavailableError):
    """The request certainly had no effect: it never left, or was turned away at the door."""


class TokenRefusedError(AccessError):
    """A token was not accepted; a new one may be."""


@dataclass(frozen=True)
class Answer:
    """An answer that is no success: what a service said, as far as it matters."""

    status: int
    code: str = ""  # ARM's `code`, Azure DevOps' `typeKey`
    message: str = ""
    retry_after_s: float | None = None


class AnswerError(Exception):
    """Carries an `Answer` out of an SDK's call; never leaves this package."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.code}")
        self.answer = answer


def wrapped(error: BaseException, doing: str, service: str, who: str) -> BotError:
    """Return the error for what went wrong while asking `service` to `doing`, as `who`.

    `doing` reads after "could not": "look for the run". `who` is `Identity.words`.
    """
    if isinstance(error, BotError):
        return error
    if isinstance(error, AnswerError):
        return of_answer(error.answer, doing, service, who)
    if isinstance(error, core.ClientAuthenticationError | CredentialUnavailableError):
        return of_entra(_said(error), _status(error), who)
    if isinstance(error, core.HttpResponseError):
        return of_answer(_answer(error), doing, service, who)
    if _is_outage(error):
        kind = UntakenError if _never_left(error) else UnavailableError
        return kind(f"{service} did not answer: could not {doing}. It is tried again.")
    said = clean(str(error)).rstrip(".") or type(error).__name__
    if service == ENTRA:
        return AccessError(f"Could not {doing}: {said}. Check KRSP_CREDENTIAL and what it needs.")
    return SetupError(f"Could not {doing} at {service}: {said}.")


def of_answer(answer: Answer, doing: str, service: str, who: str) -> BotError:
    """Return the error for an answer that is no success."""
    status, said = answer.status, clean(answer.message)
    if status in (203, 302, 401):
        return TokenRefusedError(_refused(said, doing, service, who))
    if status == 403:
        return AccessError(_forbidden(said, doing, service, who))
    if status == 404 and answer.code.startswith(_NO_PLACE):
        return SetupError(
            f"{service} does not have that organisation or project: could not {doing}. Check "
            f"KRSP_DEVOPS_URL and KRSP_DEVOPS_PROJECT. {said}"
        )
    if status == 429:
        until = f" for {answer.retry_after_s:.0f} s" if answer.retry_after_s else ""
        return UntakenError(f"{service} asks the bot to slow down{until}: could not {doing} yet.")
    kind, words = _other(status)
    return kind(f"{service} {words.format(status=status)}: could not {doing}. {said}".strip())


def _other(status: int) -> tuple[type[BotError], str]:
    if status == 404:
        return NotFoundError, "does not have it"
    if status in (409, 412):
        return ConflictError, "is at odds with that"
    if status >= 500 or status == 408:
        return UnavailableError, "answered {status} and is asked again later"
    return InputError, "refuses that ({status})"


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long a service asks to be left alone, in seconds, at most a quarter of an hour."""
    # Azure DevOps names the delay of an answer that it slowed down apart, too.
    waits = [_seconds(headers.get(name), now) for name in ("Retry-After", "X-RateLimit-Delay")]
    millis = _seconds(headers.get("x-ms-retry-after-ms") or headers.get("retry-after-ms"), now)
    waits.append(None if millis is None else millis / 1000)
    known = [wait for wait in waits if wait is not None]
    return min(max(known), _LONGEST_PAUSE_S) if known else None


def utc_now() -> datetime:
    """Return the time, for headers that name a date."""
    return datetime.now(UTC)


def clean(text: str) -> str:
    """Return a service's words in one short line, without secrets and correlation ids."""
    line = " ".join(redact(text).split())
    line = re.split(r"\s*(?:Trace ID|RequestId|Correlation ID|Activity ?Id)\s*:", line)[0]
    return line if len(line) <= _MOST else f"{line[:_MOST]}..."


def _refused(said: str, doing: str, service: str, who: str) -> str:
    if "TF400813" in said and "expired" not in said:
        return (
            f"{service} does not know {who} as a member of the organisation: could not {doing}. "
            f"An administrator adds it under Organization settings > Users."
        )
    return (
        f"{service} did not accept the token of {who}: could not {doing}. Check KRSP_TENANT_ID and "
        f"that this identity was added there (`python -m bot doctor` says more)."
    )


def _forbidden(said: str, doing: str, service: str, who: str) -> str:
    right = missing_right(said)
    lack = f"it lacks the right {right}" if right else (said or "it lacks a right")
    return f"{service} does not let {who} {doing}: {lack}. An administrator must grant it."


def missing_right(said: str) -> str | None:
    """Return the right that a refusal names, if it names one."""
    patterns = (
        r"needs the following permission\(s\).*to perform this action: (?P<right>[\w ,]+)",
        r"needs (?P<right>[A-Z][\w ]+?) permissions? .*to perform",
        r"authorization to perform action '(?P<right>[^']+)'",
        r"permission to (?P<right>[A-Z][\w ]+) is required",
    )
    for pattern in patterns:
        found = re.search(pattern, said)
        if found:
            over = re.search(r"over scope '([^']+)'", said)
            return f"`{found['right']}`" + (f" on {over[1]}" if over else "")
    return None


def _answer(error: core.HttpResponseError) -> Answer:
    headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
    code = getattr(error.error, "code", None) or headers.get("x-ms-error-code", "")
    wait = retry_after_s(headers, utc_now())
    message = getattr(error.error, "message", None) or error.message or ""
    return Answer(_status(error) or 500, str(code or ""), str(message), wait)


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _said(error: BaseException) -> str:
    return str(getattr(error, "message", "") or error)


def _is_outage(error: BaseException) -> bool:
    return isinstance(
        error,
        core.ServiceRequestError
        | core.ServiceResponseError
        | core.IncompleteReadError
        | rest.ClientRequestError
        | requests.RequestException
        | wire.HTTPError
        | OSError
        | TimeoutError,
    )


def _never_left(error: BaseException) -> bool:
    """Return whether no connection was made, so that nothing can have been taken."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, core.ServiceRequestTimeoutError | requests.ConnectTimeout):
            return True
        if isinstance(cause, wire.NewConnectionError | wire.ProxyError | wire.ConnectTimeoutError):
            return True
        cause = _cause(cause)
    return False


def _cause(error: BaseException) -> BaseException | None:
    for place in ("inner_exception", "reason", "__cause__", "__context__"):
        inner = getattr(error, place, None)
        if isinstance(inner, BaseException):
            return inner
    inner = error.args[0] if error.args else None
    return inner if isinstance(inner, BaseException) else None


def _seconds(value: str | None, now: datetime) -> float | None:
    if not value:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((until - now).total_seconds(), 0.0)
