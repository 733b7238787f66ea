"""Every refusal and failure of the bot, each with a sentence for the person.

BotError
+-- InputError           what was typed or sent cannot be used          422
|   +-- MalformedError   the request is not even readable               400
+-- NotFoundError        no such run, draft or page                     404
+-- ForbiddenError       this person may not do this                    403
|   +-- StrangerError    nobody knows this person's role                403
+-- ConflictError        somebody or something was faster               409
+-- SetupError           settings, files or ports are not as needed     500
+-- UnavailableError     a system we depend on does not answer          503
|   +-- DiskFullError    nothing more can be written                    507
|   +-- AccessError      the bot itself lacks a right or a token        503
+-- DeliveryError        a message did not (surely) reach its thread
    +-- ThrottledError        try again after `retry_after_s`
    +-- ThreadGoneError       the conversation is dead for us
    +-- DeliveryUnknownError  it may have arrived: never send it again blindly
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldFault:
    """One thing wrong with what was sent: `loc` names the field, "" the whole."""

    loc: str
    msg: str


class BotError(Exception):
    """Base: `str(error)` is a sentence that says what happened and what to do."""

    code: str = "bot_error"
    status: int = 500
    is_bug: bool = True


class InputError(BotError):
    """What was asked cannot be done as written; `faults` names every part that is wrong."""

    code, status, is_bug = "invalid_input", 422, False

    def __init__(self, message: str, faults: tuple[FieldFault, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class MalformedError(InputError):
    """The request could not be read at all."""

    code, status = "malformed", 400


class NotFoundError(BotError):
    """There is no such thing."""

    code, status, is_bug = "not_found", 404, False


class ForbiddenError(BotError):
    """The person may not do this; the sentence says who can."""

    code, status, is_bug = "forbidden", 403, False


class StrangerError(ForbiddenError):
    """It is not known who the person is; `sign_in_url` is where that changes, if anywhere."""

    def __init__(self, message: str, sign_in_url: str) -> None:
        super().__init__(message)
        self.sign_in_url = sign_in_url


class UnauthenticatedError(BotError):
    """Nobody knows who is asking."""

    code, status, is_bug = "unauthenticated", 401, False


class ConflictError(BotError):
    """The thing has moved on since the person looked at it."""

    code, status, is_bug = "conflict", 409, False


class SetupError(BotError):
    """The installation is not as it must be: a setting, a file, a port, a store's version."""

    code, status, is_bug = "setup", 500, False


class UnavailableError(BotError):
    """A system that we depend on does not answer; trying again later may help."""

    code, status, is_bug = "unavailable", 503, False


class DiskFullError(UnavailableError):
    """No space is left where runs and the store are written."""

    code, status = "disk_full", 507


class AccessError(UnavailableError):
    """The bot's own identity is refused; what waits goes on when an administrator has acted."""

    code = "access"


class DeliveryError(BotError):
    """A message did not surely reach its thread."""

    code, status, is_bug = "delivery", 502, False


class ThrottledError(DeliveryError):
    """The channel asks to wait; the message was certainly not taken."""

    code = "throttled"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ThreadGoneError(DeliveryError):
    """The conversation is gone, or will not have us; stop speaking there."""

    code = "thread_gone"


class DeliveryUnknownError(DeliveryError):
    """The channel may or may not have taken the message; sending again could double it."""

    code = "delivery_unknown"
