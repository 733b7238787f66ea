"""Which jobs may be submitted: a grant for exactly what people approved, good for minutes."""

import logging
from collections.abc import Callable
from datetime import datetime

from bot.domain.run import Run
from bot.errors import ConflictError, ForbiddenError, NotFoundError
from bot.ports import Clock, RunStore
from trainer.contract.grant import LIFETIME_S, GrantAnswer, GrantClaims, GrantRequest
from trainer.contract.names import run_id_of

log = logging.getLogger(__name__)

Sign = Callable[[GrantClaims], str]


class Grants:
    """Gives out grants; `image` is the one that jobs run, `sign` makes a JWT of what is granted."""

    def __init__(self, store: RunStore, clock: Clock, *, image: str, sign: Sign) -> None:
        self._store, self._clock, self._image, self._sign = store, clock, image, sign

    async def grant(self, request: GrantRequest, caller: str) -> GrantAnswer:
        """Return the grant. `caller` is the client id of the pipeline's identity.

        Raises `NotFoundError`, `ForbiddenError` or `ConflictError` with what to do instead.
        """
        run = await self._store.run(run_id_of(request.name))
        claims = granted(run, request, self._image, self._clock.now())
        log.info("the job %s may be submitted by %s", request.name, caller)
        return GrantAnswer(grant=self._sign(claims))


def granted(run: Run | None, request: GrantRequest, image: str, now: datetime) -> GrantClaims:
    """Return what is granted for the request now, or raise the refusal."""
    name = request.name
    if run is None:
        raise NotFoundError(
            f"Nobody asked for the run `{run_id_of(name)}`. Ask for it in chat, or through ci.yml "
            "or scheduled.yml; jobs are not submitted around the policy."
        )
    if name != run.name:
        raise ConflictError(f"The run is at its submission `{run.name}`, so `{name}` is over.")
    _refuse_unwished(run)
    if request.spec_sha256 != run.spec_sha256:
        raise ForbiddenError(
            f"`{name}` was asked for with the spec {run.spec_sha256[:12]}, not "
            f"{request.spec_sha256[:12]}. Ask for the changed one as a run of its own."
        )
    if request.image != image:
        raise ForbiddenError(
            f"Jobs here run the image {image}, not {request.image}. Correct KRSP_TRAINER_IMAGE "
            "in the pipeline's variable group."
        )
    at = int(now.timestamp())
    return GrantClaims(
        sub=name,
        run_id=run.id,
        spec_sha256=request.spec_sha256,
        code_sha256=request.code_sha256,
        image=image,
        requester=run.requester.id,
        iat=at,
        exp=at + LIFETIME_S,
    )


def _refuse_unwished(run: Run) -> None:
    approval = run.wish.approval
    if run.wish.cancel is not None:
        raise ForbiddenError(f"`{run.id}` was cancelled; it is not submitted any more.")
    if approval is not None and (approval.decision is None or not approval.decision.approved):
        state = "waits for approval" if approval.decision is None else "was rejected"
        raise ForbiddenError(f"`{run.id}` {state}, so it is not submitted.")
    if run.status.is_final:
        raise ConflictError(
            f"`{run.id}` is over ({run.status.value}); start it again as a new run."
        )
