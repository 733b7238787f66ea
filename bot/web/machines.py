"""What services ask for: runs by commit or schedule."""

from bot.web.endpoint import Call
from bot.web.schema import Nothing
from trainer.contract.order import Order, OrderAnswer


async def create_request(call: Call[Nothing, Order]) -> OrderAnswer:
    """Make a run of a run file, once for each key, through the policy of its owner."""
    return await call.service.orders(call.world.public_url).take(call.body)
