"""A run's result files: the list, and each as a download."""

from aiohttp import web

from bot.web.download import BYTES, send_file
from bot.web.endpoint import Call, Endpoint
from bot.web.schema import Nothing, ResultFileShape, ResultsShape

RESULTS_OF_RUN = "/api/v1/runs/{run_id}/results"


async def list_results(call: Call[Nothing, Nothing]) -> ResultsShape:
    """Return the files that there are so far."""
    run = await call.service.get(call.id)
    files = await call.service.results.listed(run)
    return ResultsShape(files=[ResultFileShape(path=f.path, bytes=f.bytes) for f in files])


async def download_result(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Stream one of the listed files."""
    run = await call.service.get(call.id)
    path = call.request.match_info["file"]
    pieces = call.service.results.read(run, path)
    return await send_file(call.request, pieces, path.rpartition("/")[2])


RESULTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        RESULTS_OF_RUN,
        "listResults",
        "The files that the run's job wrote",
        list_results,
        answer=ResultsShape,
    ),
    Endpoint(
        "GET",
        f"{RESULTS_OF_RUN}/{{file}}",
        "downloadResult",
        "One of these files; its path may hold slashes",
        download_result,
        media=BYTES,
        has_deep_end=True,
    ),
)
