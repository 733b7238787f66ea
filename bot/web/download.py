"""Answers that a browser saves as a file."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import web

BYTES = "application/octet-stream"


async def send_file(
    request: web.Request, pieces: AsyncIterator[bytes], name: str, media: str = BYTES
) -> web.StreamResponse:
    """Stream the pieces as a file called `name`; text travels compressed where that is wanted."""
    response = web.StreamResponse(
        headers={
            "Content-Type": media,
            "Content-Disposition": attachment(name),
            "Cache-Control": "no-store",
        }
    )
    if media != BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    first = await anext(pieces, b"")  # what cannot be read at all is a problem, not an empty file
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    await response.write(first)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


def attachment(name: str) -> str:
    """Return the header's value for a file of that name (RFC 6266), whatever is in the name."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
