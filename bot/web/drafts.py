"""Recipes and drafts: everything before a run exists."""

from typing import Any

from bot.domain.run import Draft, Source
from bot.web.endpoint import Call
from bot.web.people import shape_of
from bot.web.runs import detail
from bot.web.schema import (
    DraftRequest,
    DraftShape,
    Nothing,
    Recipes,
    RecipeShape,
    RerunRequest,
    RunDetail,
)
from trainer.contract.recipe import recipes
from trainer.contract.spec import RunSpec


async def get_run_spec_schema(_: Call[Nothing, Nothing]) -> dict[str, Any]:
    """Return the JSON schema of a run's specification."""
    return RunSpec.model_json_schema()


async def list_recipes(call: Call[Nothing, Nothing]) -> Recipes:
    """Return every recipe with the fields of its form."""
    return Recipes(
        recipes=[
            RecipeShape(
                name=recipe.name,
                title=recipe.title,
                description=recipe.description,
                spec=recipe.spec,
                fields=list(call.service.fields(recipe.name)),
            )
            for recipe in recipes().values()
        ]
    )


async def create_draft(call: Call[Nothing, DraftRequest]) -> DraftShape:
    """Plan a run; nothing is spent."""
    draft = await call.service.draft(
        call.somebody,
        recipe=call.body.recipe,
        changes=call.body.changes,
        nonce=call.body.nonce,
        thread=None,
    )
    return await _known(call, draft)


async def get_draft(call: Call[Nothing, Nothing]) -> DraftShape:
    """Return a plan, started or not."""
    draft, started = await call.service.get_draft(call.id)
    return _shape(draft, started=started)


async def start_draft(call: Call[Nothing, Nothing]) -> RunDetail:
    """Turn the plan into a run; asking again returns the same run."""
    return await detail(call, await call.service.start(call.somebody, call.id, Source.WEB))


async def rerun_run(call: Call[Nothing, RerunRequest]) -> DraftShape:
    """Plan the same run again."""
    draft = await call.service.rerun(call.somebody, call.id, call.body.nonce, None)
    return await _known(call, draft)


async def _known(call: Call[Any, Any], draft: Draft) -> DraftShape:
    """Return the draft; one that its nonce made before may have been started since."""
    _, started = await call.service.get_draft(draft.id)
    return _shape(draft, started=started)


def _shape(draft: Draft, *, started: bool) -> DraftShape:
    return DraftShape(
        id=draft.id,
        recipe=draft.spec.recipe,
        name=draft.spec.name,
        requester=shape_of(draft.requester),
        spec=draft.spec,
        changes=draft.changes,
        plan=draft.plan,
        approval_why=draft.approval_why,
        created_at=draft.created_at,
        started=started,
    )
