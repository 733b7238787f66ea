"""Sweeps: plan, start, decide, cancel, find."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.domain.changing import By
from bot.domain.drafting import Asked, field_fault, in_a_sentence
from bot.domain.people import Person, Thread
from bot.domain.policy import insist, right_to_decide
from bot.domain.run import Draft, Run, Source
from bot.domain.sweep import Sweep, SweepStatus, Trial, sweep_id, trial_run_id
from bot.domain.sweep_changing import begun, cancelled, decided, plan_of_sweep
from bot.domain.sweep_policy import (
    SweepRights,
    right_to_cancel_sweep,
    right_to_start_sweep,
    sweep_rights,
)
from bot.errors import ConflictError, InputError, NotFoundError
from bot.service.deciding import is_repeated, reason_for_no
from bot.service.drafts import Drafts
from bot.service.world import World
from trainer.contract.faults import SpecError
from trainer.contract.sweep import Point, SweepSpec, check, read_sweep, trial_specs


def sweep_asked(body: Mapping[str, Any]) -> SweepSpec:
    """Return the sweep that a mapping says, values as typed or as JSON.

    Raises `InputError` whose faults name each setting as it was given.
    """
    try:
        return read_sweep(body)
    except SpecError as error:
        vary = body.get("vary")
        raise _input_error(error, vary if isinstance(vary, Mapping) else {}) from error


def _input_error(error: SpecError, given: Mapping[str, Any]) -> InputError:
    faults = tuple(field_fault(fault, given) for fault in error.faults)
    return InputError(" ".join(in_a_sentence(fault) for fault in faults), faults)


class Sweeps:
    """One method for one request; what a sweep does by itself is the reconciler's."""

    def __init__(self, world: World, drafts: Drafts) -> None:
        self._world, self._drafts, self._store = world, drafts, world.sweeps

    async def plan(
        self, person: Person, spec: SweepSpec, *, nonce: str, thread: Thread | None
    ) -> Sweep:
        """Return the plan of a sweep, every trial pinned and priced; nothing is spent by it.

        The same nonce returns the same sweep. Refuses with every fault at once.
        """
        now = self._world.clock.now()
        own = f"{person.tenant}/{person.id}/{nonce}"
        name = sweep_id(own, now)
        if (known := await self._store.sweep(name)) is not None:
            return known
        points = self._points(spec)
        drafts = [
            await self._draft(person, spec, (name, number, len(points)), point)
            for number, point in enumerate(points, start=1)
        ]
        trials = tuple(
            Trial(number, draft.id, point, draft.spec_sha256)
            for number, (draft, point) in enumerate(zip(drafts, points, strict=True), start=1)
        )
        sweep = Sweep(
            id=name,
            spec=spec,
            name=drafts[0].spec.name.rpartition("-")[0],
            requester=person,
            threads=(thread,) if thread else (),
            trials=trials,
            plan=plan_of_sweep(spec, drafts, self._world.policy),
            created_at=now,
        )
        return await self._store.add_sweep(sweep)

    def _points(self, spec: SweepSpec) -> tuple[Point, ...]:
        try:
            check(spec)
            points = self._world.sampler.points(spec)
            trial_specs(spec, points)
        except SpecError as error:
            raise _input_error(error, spec.vary) from error
        return points

    async def _draft(
        self, person: Person, spec: SweepSpec, place: tuple[str, int, int], point: Point
    ) -> Draft:
        sweep, number, of = place
        (named,) = trial_specs(spec, [point])
        ending = f"-{number:0{max(2, len(str(of)))}}"
        base = named.name.rpartition("-")[0][: 48 - len(ending)]
        changes = {**spec.changes, **point, "name": base + ending}
        if spec.budget.cost is not None:
            changes["budget"] = spec.budget.cost
        asked = Asked(
            person=person,
            thread=None,  # its sweep is what a thread hears of
            nonce=f"{sweep}/{number}",
            changes=changes,
            run_id=trial_run_id(sweep, number),
            at=self._world.clock.now(),
            sweep=sweep,
        )
        return await self._drafts.from_recipe(asked, spec.recipe)

    async def start(self, person: Person, sweep: str, source: Source) -> Sweep:
        """Begin a planned sweep, once; somebody else's is refused."""

        def start(known: Sweep) -> Sweep:
            insist(right_to_start_sweep(person, known))
            if known.status is not SweepStatus.PLANNED:
                return known
            by = By(person, self._world.clock.now(), source)
            return begun(known, by, self._world.policy, secrets.token_urlsafe)

        return await self._change(sweep, start)

    async def approve(self, person: Person, sweep: str, source: Source) -> Sweep:
        """Agree to all of a sweep, once; never for oneself."""
        return await self._decide(person, sweep, source, None)

    async def reject(self, person: Person, sweep: str, reason: str, source: Source) -> Sweep:
        """Refuse a sweep, once, with a reason for its requester."""
        return await self._decide(person, sweep, source, reason_for_no(reason))

    async def _decide(
        self, person: Person, sweep: str, source: Source, reason: str | None
    ) -> Sweep:
        def decide(known: Sweep) -> Sweep:
            now, approved = self._world.clock.now(), reason is None
            if is_repeated(known, person, approved=approved):
                return known
            insist(right_to_decide(self._world.policy, person, known, now))
            by = By(person, now, source)
            return decided(known, by, approved=approved, reason=reason or "")

        return await self._change(sweep, decide)

    async def cancel(self, person: Person, sweep: str, reason: str, source: Source) -> Sweep:
        """Wish that a sweep ends with all its runs; asking again is fine."""

        def cancel(known: Sweep) -> Sweep:
            if known.wish.cancel is not None:
                return known
            if known.ended_at is not None:
                raise InputError(f"The sweep is over ({known.status}).")
            insist(right_to_cancel_sweep(self._world.policy, person, known))
            return cancelled(known, By(person, self._world.clock.now(), source), reason.strip())

        return await self._change(sweep, cancel)

    def rights(self, person: Person, sweep: Sweep) -> SweepRights:
        """Return what the person may do with the sweep now."""
        return sweep_rights(self._world.policy, person, sweep, self._world.clock.now())

    async def get(self, sweep: str) -> Sweep:
        """Return the sweep of exactly this id."""
        known = await self._store.sweep(sweep)
        if known is None:
            raise NotFoundError(f"There is no sweep `{sweep}`. `sweep` lists the newest.")
        return known

    async def listed(self, limit: int = 10) -> Sequence[Sweep]:
        """Return sweeps, newest first."""
        return await self._store.sweeps(limit)

    async def runs(self, sweep: Sweep) -> dict[str, Run]:
        """Return the trials that were started, by run id, in the trials' order."""
        found = [await self._world.store.run(trial.run_id) for trial in sweep.trials]
        return {run.id: run for run in found if run is not None}

    async def _change(self, sweep: str, decide: Callable[[Sweep], Sweep]) -> Sweep:
        """Apply a decision to the newest form; somebody faster makes it look again."""
        while True:
            known = await self.get(sweep)
            changed = decide(known)
            if changed == known:
                return known
            try:
                saved = await self._store.save_sweep(changed)
            except ConflictError:
                continue
            for topic in ("wake", "sweeps"):
                self._world.bell.ring(topic)
            return saved
