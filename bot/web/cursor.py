"""Where the next page of a list starts, as an opaque text for an address."""

import base64
import binascii
from datetime import datetime

from bot.errors import FieldFault, InputError


def encode(place: tuple[datetime, str]) -> str:
    """Return the cursor for the runs after `place` (created_at, id)."""
    at, run_id = place
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{run_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[datetime, str]:
    """Return the place that a cursor names. Raises `InputError` for one that we did not make."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        at, bar, run_id = text.partition("|")
        place = datetime.fromisoformat(at), run_id
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    if not bar or not run_id or place[0].tzinfo is None:
        raise _unknown()
    return place


def _unknown() -> InputError:
    msg = "This is no cursor of ours; leave it out to begin with the newest run."
    return InputError(msg, (FieldFault("cursor", msg),))
