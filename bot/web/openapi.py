"""The table of endpoints: it registers their handlers and is the OpenAPI document."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from bot.web import drafts, events, grants, health, machines, output, people, runs
from bot.web import queries as q
from bot.web import schema as s
from bot.web.description import describe
from bot.web.endpoint import Call, Endpoint
from bot.web.promotions import PROMOTIONS
from bot.web.results import RESULTS
from bot.web.sweeps import SWEEPS
from trainer.contract.grant import PATH as GRANTS
from trainer.contract.grant import GrantAnswer, GrantRequest
from trainer.contract.order import Order, OrderAnswer

API = "/api/v1"
RUN = f"{API}/runs/{{run_id}}"


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return describe(ENDPOINTS)


async def get_open_api(_: Call[s.Nothing, s.Nothing]) -> dict[str, Any]:
    """Return the document to whoever asks."""
    return document()


def main(argv: Sequence[str]) -> int:
    """Print the document with sorted keys, the same bytes for the same code."""
    argparse.ArgumentParser(prog="python -m bot openapi", description=main.__doc__).parse_args(argv)
    sys.stdout.write(json.dumps(document(), indent=2, sort_keys=True) + "\n")
    return 0


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET",
        "/healthz",
        "getHealth",
        "Say that the process answers",
        health.get_health,
        caller="open",
        answer=s.Health,
    ),
    Endpoint(
        "GET",
        "/readyz",
        "getReadiness",
        "Say whether it can do its work",
        health.get_readiness,
        caller="open",
        answer=s.Health,
    ),
    Endpoint(
        "GET",
        "/metrics",
        "getNumbers",
        "Numbers for Prometheus",
        health.get_numbers,
        caller="open",
        media="text/plain",
    ),
    Endpoint("GET", f"{API}/openapi.json", "getOpenApi", "This document", get_open_api),
    Endpoint(
        "GET",
        f"{API}/run-spec.schema.json",
        "getRunSpecSchema",
        "The JSON schema of a run's specification",
        drafts.get_run_spec_schema,
    ),
    Endpoint(
        "POST",
        f"{API}/requests",
        "createRequest",
        "Ask for the run of a run file (pipelines only)",
        machines.create_request,
        body=Order,
        answer=OrderAnswer,
        caller="service",
        refusals=(403, 409),
    ),
    Endpoint(
        "POST",
        GRANTS,
        "createGrant",
        "Grant the submission of one job (pipelines only)",
        grants.create_grant,
        body=GrantRequest,
        answer=GrantAnswer,
        caller="service",
        refusals=(403, 404, 409),
    ),
    Endpoint("GET", f"{API}/me", "getMe", "Who is looking", people.get_me, answer=s.Me),
    Endpoint(
        "POST",
        f"{API}/sign-in",
        "signIn",
        "Act as one of the local profile's people",
        people.sign_in,
        answer=s.Me,
        body=s.SignIn,
        caller="open",
        refusals=(404,),
    ),
    Endpoint(
        "POST",
        f"{API}/sign-out",
        "signOut",
        "Be nobody again",
        people.sign_out,
        answer=s.Me,
        caller="open",
    ),
    Endpoint(
        "GET",
        f"{API}/recipes",
        "listRecipes",
        "Every recipe with the fields of its form",
        drafts.list_recipes,
        answer=s.Recipes,
    ),
    Endpoint(
        "POST",
        f"{API}/drafts",
        "createDraft",
        "Plan a run; nothing is spent",
        drafts.create_draft,
        answer=s.DraftShape,
        body=s.DraftRequest,
        refusals=(404,),
    ),
    Endpoint(
        "GET",
        f"{API}/drafts/{{draft_id}}",
        "getDraft",
        "A plan, started or not",
        drafts.get_draft,
        answer=s.DraftShape,
    ),
    Endpoint(
        "POST",
        f"{API}/drafts/{{draft_id}}/start",
        "startDraft",
        "Turn the plan into a run, once",
        drafts.start_draft,
        answer=s.RunDetail,
        refusals=(409,),
    ),
    Endpoint(
        "GET",
        f"{API}/runs",
        "listRuns",
        "Runs, newest first",
        runs.list_runs,
        answer=s.RunList,
        query=q.RunsFilter,
    ),
    Endpoint(
        "GET",
        RUN,
        "getRun",
        "One run with all that its page shows",
        runs.get_run,
        answer=s.RunDetail,
    ),
    Endpoint(
        "POST",
        f"{RUN}/cancel",
        "cancelRun",
        "Wish that the run ends early",
        runs.cancel_run,
        answer=s.RunDetail,
        body=s.Reason,
        refusals=(409,),
    ),
    Endpoint(
        "POST",
        f"{RUN}/approve",
        "approveRun",
        "Agree to somebody else's run",
        runs.approve_run,
        answer=s.RunDetail,
        refusals=(409,),
    ),
    Endpoint(
        "POST",
        f"{RUN}/reject",
        "rejectRun",
        "Refuse somebody else's run, with a reason",
        runs.reject_run,
        answer=s.RunDetail,
        body=s.Rejection,
        refusals=(409,),
    ),
    Endpoint(
        "POST",
        f"{RUN}/rerun",
        "rerunRun",
        "Plan the same run again",
        drafts.rerun_run,
        answer=s.DraftShape,
        body=s.RerunRequest,
        refusals=(409,),
    ),
    Endpoint(
        "GET",
        f"{RUN}/metrics",
        "getMetrics",
        "Curves in buckets, every extreme kept",
        output.get_metrics,
        answer=s.MetricsShape,
        query=q.MetricsFilter,
        has_etag=True,
    ),
    Endpoint(
        "GET",
        f"{RUN}/log",
        "getLog",
        "Lines of the log",
        output.get_log,
        answer=s.LogShape,
        query=q.LogRange,
        has_etag=True,
    ),
    Endpoint(
        "GET",
        f"{RUN}/log/search",
        "searchLog",
        "The numbers of the lines that hold a text",
        output.search_log,
        answer=s.LogHitsShape,
        query=q.LogSearch,
    ),
    Endpoint(
        "GET",
        f"{RUN}/log.txt",
        "downloadLog",
        "The whole log as a file",
        output.download_log,
        media="text/plain",
    ),
    Endpoint(
        "GET",
        f"{RUN}/activity",
        "listActivity",
        "The audit trail, oldest first",
        output.list_activity,
        answer=s.Activity,
        query=q.ActivityRange,
    ),
    Endpoint(
        "GET",
        f"{API}/events",
        "streamEvents",
        "Hints about what changed, as server-sent events",
        events.stream_events,
        answer=s.Hint,
        query=q.Topics,
        media="text/event-stream",
    ),
    *RESULTS,
    *PROMOTIONS,
    *SWEEPS,
)
