"""Domain values as JSON text and back, exactly: also NaN, zones, and what a plain dict holds."""

from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from bot.domain.message import Message
from bot.domain.people import Thread
from bot.domain.promotion import Promotion
from bot.domain.run import Draft, Event, Run
from bot.domain.schedule import Schedule
from bot.domain.sweep import Sweep
from bot.errors import InputError, SetupError

T = TypeVar("T")


class Codec(Generic[T]):
    """Writes and reads one kind of value; `what` names it in refusals."""

    def __init__(self, kind: type[T], what: str) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)
        self._what = what

    def encode(self, value: T) -> str:
        """Return the value as JSON text. Raises `InputError` for text that is no Unicode."""
        try:
            # "constants": the default writes NaN as null, which a float cannot be read from.
            return to_json(value, inf_nan_mode="constants").decode()
        except PydanticSerializationError as error:
            raise InputError(
                f"This {self._what} holds unusual characters that cannot be stored ({error}). "
                "Remove them and send it again."
            ) from error

    def decode(self, text: str, name: str = "") -> T:
        """Return the value, called `name`. Raises `SetupError` when this version cannot read it."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            what = f"{self._what} {name}".strip()
            raise SetupError(
                f"The store holds a {what} that this version cannot read ({place}: "
                f"{first['msg']}). Run the version that wrote it, or restore a backup."
            ) from error


DRAFT: Final = Codec(Draft, "draft")
RUN: Final = Codec(Run, "run")
EVENT: Final = Codec(Event, "event")
MESSAGE: Final = Codec(Message, "message")
THREAD: Final = Codec(Thread, "conversation")
PROMOTION: Final = Codec(Promotion, "promotion")
SCHEDULE: Final = Codec(Schedule, "schedule")
SWEEP: Final = Codec(Sweep, "sweep")
