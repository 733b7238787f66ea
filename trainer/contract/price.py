"""What machines cost: the rule by which the bot and `estimate` read one price list."""

from collections.abc import Mapping

from trainer.contract.compute import Compute


def price_of(prices: Mapping[str, float], compute: Compute) -> float | None:
    """Return the price of one node for an hour: `<sku>/low` goes before `<sku>`, None: none."""
    own = prices.get(f"{compute.sku}/{compute.priority}")
    return own if own is not None else prices.get(compute.sku)


def cost_of(seconds: float, price_per_hour: float, nodes: int = 1) -> float:
    """Return the cost of `nodes` machines for `seconds`, in the price's currency."""
    return seconds / 3600 * price_per_hour * nodes
