"""What a pipeline asks before it submits a job."""

from bot.errors import NotFoundError
from bot.web.endpoint import Call
from bot.web.schema import Nothing
from trainer.contract.grant import GrantAnswer, GrantRequest


async def create_grant(call: Call[Nothing, GrantRequest]) -> GrantAnswer:
    """Return a grant for exactly the job that is about to be submitted."""
    caller = call.machine
    if call.world.grants is None:
        raise NotFoundError("This bot submits jobs to its own machine, where none needs a grant.")
    return await call.world.grants.grant(call.body, caller.client_id)
