"""The event stream: hints about what changed, and nothing that could be lost with one of them."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import timedelta

from aiohttp import web

from bot.web.endpoint import Call
from bot.web.queries import Topics
from bot.web.schema import (
    Hint,
    Nothing,
)

RETRY_MS = 2000
STREAMS: web.AppKey["Streams"] = web.AppKey("streams")


class Streams:
    """The open streams of one app: their shared counter of ids, and the sign to end."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)
        self.ending = asyncio.Event()

    async def end(self, _: web.Application) -> None:
        """Let every stream finish; a server that waits for its connections then can stop."""
        self.ending.set()


async def stream_events(call: Call[Topics, Nothing]) -> web.StreamResponse:
    """Hint each topic once, then whenever it changes, until browser or session end, or we stop.

    Hints are level-triggered: a browser that was away (`Last-Event-ID` or not) is told to look at
    everything again, so no history is kept.
    """
    streams = call.request.app[STREAMS]
    topics = list(dict.fromkeys(call.query.topics))
    heartbeat = timedelta(seconds=call.world.heartbeat_s)
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache, no-transform",
            "X-Accel-Buffering": "no",
        }
    )
    async with call.world.bell.listen(topics) as rung:
        with suppress(ConnectionError):  # the browser left
            await response.prepare(call.request)
            await response.write(f"retry: {RETRY_MS}\n\n".encode())
            await _hint(response, streams, topics)
            looked = call.world.now()
            async for topic in _until_ending(rung, streams.ending, call.world.heartbeat_s):
                if (now := call.world.now()) - looked >= heartbeat:
                    if not await call.still_holds():
                        break  # the browser asks again, and is told to sign in
                    looked = now
                await _hint(response, streams, [topic] if topic else [])
            await response.write_eof()
    return response


async def _hint(response: web.StreamResponse, streams: Streams, topics: Collection[str]) -> None:
    """Write a hint for each topic, or a comment that keeps the connection open."""
    text = "".join(
        f"id: {next(streams.ids)}\nevent: hint\ndata: {json.dumps(Hint(topic=t).model_dump())}\n\n"
        for t in topics
    )
    await response.write((text or ": still here\n\n").encode())


async def _until_ending(
    rung: AsyncIterator[str], ending: asyncio.Event, heartbeat_s: float
) -> AsyncIterator[str | None]:
    """Yield what rings, None when nothing did for a while; return when we are to end."""
    end = asyncio.ensure_future(ending.wait())
    ring = asyncio.ensure_future(anext(rung))
    try:
        while not end.done():
            waiting = {end, ring}
            await asyncio.wait(waiting, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return
            if not ring.done():
                yield None
                continue
            topic = ring.result()
            ring = asyncio.ensure_future(anext(rung))
            yield topic
    finally:
        for task in (end, ring):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
