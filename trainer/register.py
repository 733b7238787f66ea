"""`python -m trainer register`: keep a run's model in the registry, one version for each run."""

import argparse
import importlib
import os

from trainer.contract.promotion import PromotionOrder
from trainer.orders import add_order_arguments, carried_out, home_of, read_order, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_order_arguments(parser)


def main(options: argparse.Namespace) -> int:
    """Register the ordered model and say its version; return the exit code."""

    def work() -> None:
        order = read_order(options.order, os.environ)
        version, is_new = _register(options, order)
        how = "registered" if is_new else "was registered before"
        say(f"{order.model} version {version} of {order.run_id} {how}.")

    return carried_out(work)


def _register(options: argparse.Namespace, order: PromotionOrder) -> tuple[str, bool]:
    # Azure's SDK is loaded where it is needed only, and MLflow too: each takes a second or two.
    if options.target == "azureml":
        azure = importlib.import_module("trainer.azureml.registering")
        found: tuple[str, bool] = azure.Registry.of(os.environ).register(order)
        return found
    local = importlib.import_module("trainer.serving.registry")
    registered = local.LocalRegistry(home_of(options)).register(order)
    return registered.version, registered.is_new
