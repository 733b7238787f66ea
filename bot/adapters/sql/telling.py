"""What a change tells, written in its own transaction: events for the record, posts for threads."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.sql import messages as message_rows
from bot.adapters.sql import runs as run_rows
from bot.domain.message import Message
from bot.domain.run import Event


async def tell(
    connection: AsyncConnection, events: Sequence[Event], messages: Sequence[Message]
) -> None:
    """Append the events, add the messages; a message that is known gets the newer post."""
    for event in events:
        await run_rows.append(connection, event)
    for message in messages:
        await message_rows.put(connection, message)
