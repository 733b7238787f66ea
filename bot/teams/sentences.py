"""What a person is told of a failure; what nobody foresaw is logged by place, never by its text."""

import logging
import traceback
import uuid

from bot.errors import BotError

log = logging.getLogger(__name__)


def sentence(error: Exception) -> str:
    """Return the sentence for the person; a bug's one names the reference of its line in the log.

    A foreign exception's text and trace may quote the message, so neither is logged.
    """
    if isinstance(error, BotError) and not error.is_bug:
        log.warning("a turn was refused: %s", error.code)
        return str(error)
    reference = uuid.uuid4().hex[:8]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename}:{frame.lineno}"
    log.error("a turn failed with %s at %s (%s)", type(error).__name__, place, reference)
    return f"Something went wrong inside the bot. It is noted in its log as {reference}."
