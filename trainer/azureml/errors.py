"""What Azure refused or failed to do, in words for the person who reads the pipeline's page.

TrainerError
  RefusedError  it will not become better by itself: a name, a right, a limit    exit 2
  AwayError     Azure or the bot does not answer as it should; later it may      exit 69
"""

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from typing_extensions import override

from trainer.contract.failure import FailureKind
from trainer.errors import TrainerError

# sysexits.h: a service is unavailable.
EX_UNAVAILABLE = 69
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST = 300  # characters of a service's message: the rest is ids and traces


class RefusedError(TrainerError):
    """The job cannot be submitted as it stands."""

    kind = FailureKind.BAD_SPEC


class AwayError(TrainerError):
    """Something that we depend on does not answer; nothing is lost by trying again."""

    @property
    @override
    def exit_code(self) -> int:
        return EX_UNAVAILABLE


def explained(error: AzureError, doing: str) -> TrainerError:
    """Return a library's error as one of ours; `doing` completes "while ..."."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    said = said_by(error)
    if isinstance(error, ClientAuthenticationError) or status == 401:
        return RefusedError(
            f"Azure did not accept the pipeline's identity while {doing}: {said}",
            remedy="Check the service connection and its federated credential.",
        )
    if isinstance(error, ServiceRequestError | ServiceResponseError) or status in _PASSING:
        return AwayError(
            f"Azure did not answer as it should while {doing}: {said}",
            remedy="Run this stage again later: the same job is never submitted twice.",
        )
    if status == 403:
        return RefusedError(
            f"The pipeline's identity has no right to what it did while {doing}: {said}",
            remedy="An administrator must assign its role (docs/how-to/deploy-to-azure.md).",
        )
    if "quota" in said.lower():
        return RefusedError(
            f"The subscription's quota is used up: {said}",
            remedy="Choose another machine, wait for running jobs, or ask for more quota.",
        )
    if status == 409:
        return RefusedError(
            f"Something of that name is there already and differs, found while {doing}: {said}",
            remedy="Delete it in the workspace, or give the run an id of its own.",
        )
    return RefusedError(
        f"Azure refused what was asked while {doing}: {said}",
        remedy="Correct the spec, the clusters' file or the workspace, then run it again.",
    )


def said_by(error: AzureError) -> str:
    """Return what the service said, in one line that is not too long."""
    inner = getattr(error, "error", None)
    text = str(getattr(inner, "message", None) or error.message or type(error).__name__)
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def has_code(error: HttpResponseError, code: str) -> bool:
    """Return whether the service's answer names `code`; Azure ML nests its own codes deeply."""
    try:
        return error.response is not None and code in error.response.text()
    except (AzureError, UnicodeDecodeError):  # the body was cut off
        return False
