"""A CONNECT proxy on loopback: names of the twin go to the twin, every other is refused."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field

from tests.azure_twin.hosts import is_known

REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close sends a reset


@dataclass
class Proxy:
    """What clients get as HTTPS_PROXY; `refused` says what tried to leave the machine."""

    target_port: int
    port: int = 0
    refused: list[str] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _tunnels: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._tunnels):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tunnels.add(writer)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            writer.transport.abort()
        finally:
            self._tunnels.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        verb, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        host, _, port = target.rpartition(":")
        if verb != "CONNECT" or port != "443" or not is_known(host):
            self.refused.append(target if verb == "CONNECT" else f"{verb} {target}")
            writer.write(REFUSED)
            await writer.drain()
            return
        self.passed.add(host.lower())
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", self.target_port)
        self._tunnels.add(inner)
        writer.write(CONNECTED)
        try:
            await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer))
        finally:
            self._tunnels.discard(inner)
            inner.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end; a reset on one side becomes a reset on the other."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()
    except ConnectionError:
        with contextlib.suppress(OSError):
            peer: socket.socket = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
