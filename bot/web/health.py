"""What operators ask: is it alive, can it work, and its numbers."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.domain.run import RunStatus
from bot.ports import RunQuery
from bot.service import Service
from bot.web.endpoint import Call
from bot.web.schema import Health, Nothing
from bot.web.telemetry import Reading
from bot.web.wire import json_response


async def get_health(_: Call[Nothing, Nothing]) -> Health:
    """Say that the process answers."""
    return Health(status="ok")


async def get_readiness(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Say whether it can do its work."""
    problems = list(await call.service.health())
    health = Health(status="unavailable" if problems else "ok", problems=problems)
    return json_response(call.request, health, 503 if problems else 200)


async def get_numbers(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Return what Prometheus scrapes."""
    body = await call.world.telemetry.text()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def runs_by_status(service: Service) -> Reading:
    """Return the gauge of how many runs are in each status."""

    async def read() -> dict[str, float]:
        return {
            status.value: (
                await service.runs(RunQuery(statuses=frozenset({status}), limit=1))
            ).total
            for status in RunStatus
        }

    return Reading("runs", "Runs in each status.", "status", read)
