"""The TLS listener behind all public names: faults, dispatch by host, and the request log."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from tests.azure_twin.certs import Certificates
from tests.azure_twin.context import TwinContext
from tests.azure_twin.faults import play
from tests.azure_twin.hosts import service
from tests.azure_twin.requestlog import describe

log = logging.getLogger(__name__)

Service = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST_BODY = 2**30


class Server:
    """Answers each request by the service that stands behind its host name."""

    def __init__(self, twin: TwinContext, services: Mapping[str, Service]) -> None:
        self._twin = twin
        self._services = services
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, certificates: Certificates, port: int = 0) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=certificates.server())
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        host = request.host.split(":")[0].lower()
        began, label = self._twin.clock.seconds(), self._twin.log.label
        body, answer = b"", None
        try:
            body = await request.read()
            answer = await self._answer(request, host)
            return answer
        finally:
            entry = describe(request, host, body=body, answer=answer)
            took = self._twin.clock.seconds() - began
            self._twin.log.add({"at": began, "took_s": round(took, 4), "label": label, **entry})

    async def _answer(self, request: web.Request, host: str) -> web.StreamResponse:
        fault = self._twin.faults.due(request, host)
        if fault is not None:
            return await play(fault, request, self._dispatch)
        return await self._dispatch(request)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        host = request.host.split(":")[0].lower()
        answer = self._services.get(service(host) or "")
        if answer is None:
            return web.json_response({"message": f"The twin has no {host}."}, status=501)
        try:
            return await answer(request)
        except web.HTTPException as error:
            return error
        except Exception as error:
            log.exception("the twin failed at %s %s%s", request.method, host, request.path)
            body = {"error": {"code": "InternalServerError", "message": f"Twin: {error!r}"}}
            return web.json_response(body, status=500)
