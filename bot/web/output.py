"""What a run wrote: curves, log, audit trail."""

from aiohttp import web

from bot.ports import MetricsQuery
from bot.web.download import send_file
from bot.web.endpoint import Call
from bot.web.queries import ActivityRange, LogRange, LogSearch, MetricsFilter
from bot.web.schema import (
    Activity,
    EventShape,
    LogHitsShape,
    LogShape,
    MarkShape,
    MetricsShape,
    Nothing,
    SeriesShape,
)


async def get_metrics(call: Call[MetricsFilter, Nothing]) -> MetricsShape:
    """Return curves in buckets on one shared grid."""
    asked = call.query
    found = await call.service.metrics(
        call.id,
        MetricsQuery(
            keys=tuple(asked.keys),
            first_step=asked.first_step,
            last_step=asked.last_step,
            buckets=asked.buckets,
            smooth=asked.smooth,
        ),
    )
    return MetricsShape(
        steps=list(found.steps),
        series=[
            SeriesShape(
                key=series.key,
                unit=series.unit,
                points=series.points,
                low=list(series.low),
                high=list(series.high),
                last=list(series.last),
                smooth=list(series.smooth),
            )
            for series in found.series
        ],
        marks=[MarkShape(step=m.step, kind=m.kind, text=m.text) for m in found.marks],
        points=found.points,
        first_step=found.first_step,
        last_step=found.last_step,
    )


async def get_log(call: Call[LogRange, Nothing]) -> LogShape:
    """Return lines of the log."""
    found = await call.service.log(call.id, call.query.first or 1, call.query.count)
    return LogShape(lines=list(found.lines), first=found.first, total=found.total)


async def search_log(call: Call[LogSearch, Nothing]) -> LogHitsShape:
    """Return which lines hold a text."""
    found = await call.service.search_log(call.id, call.query.q, call.query.limit)
    return LogHitsShape(numbers=list(found.numbers), total=found.total)


async def download_log(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Stream the whole log as a file."""
    run = await call.service.get(call.id)
    media = "text/plain; charset=utf-8"
    return await send_file(call.request, call.service.read_log(run.id), f"{run.id}.log.txt", media)


async def list_activity(call: Call[ActivityRange, Nothing]) -> Activity:
    """Return the audit trail after an event."""
    events = await call.service.events(call.id, call.query.after)
    return Activity(
        events=[
            EventShape(
                seq=event.seq,
                at=event.at,
                actor=event.actor.name if event.actor else None,
                kind=event.kind,
                text=event.text,
                source=event.source,
            )
            for event in events
        ]
    )
