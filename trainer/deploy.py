"""`python -m trainer deploy`: serve a registered model, blue and green; or end that again."""

import argparse
import importlib
import os
import signal
from types import FrameType

from trainer.contract.promotion import PromotionOrder
from trainer.orders import add_order_arguments, carried_out, home_of, read_order, say
from trainer.serving.errors import StoppedError
from trainer.serving.place import Place
from trainer.serving.switch import deploy, roll_back, undeploy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_order_arguments(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--undeploy", action="store_true", help="remove what was deployed")
    instead.add_argument(
        "--roll-back", action="store_true", help="remove what was deployed, unless it is live"
    )


def main(options: argparse.Namespace) -> int:
    """Carry the order out; every step may be repeated. Return the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)

    def work() -> None:
        order = read_order(options.order, os.environ)
        place = _place(options, order)
        with place.alone():
            _act(options, order, place)

    return carried_out(work)


def _act(options: argparse.Namespace, order: PromotionOrder, place: Place) -> None:
    if options.undeploy:
        undeploy(place.site, order.key, say)
        place.take_out_of_production()
    elif options.roll_back:
        roll_back(place.site, order.key, say)
    else:
        deploy(place.site, order.key, say)
        place.put_into_production()


def _place(options: argparse.Namespace, order: PromotionOrder) -> Place:
    """Return where it is deployed; the module is loaded late, for Azure's SDK takes seconds."""
    if options.target == "azureml":
        azure = importlib.import_module("trainer.azureml.deploying")
        found: Place = azure.AzurePlace.of(order, os.environ)
        return found
    local = importlib.import_module("trainer.serving.local")
    here: Place = local.LocalPlace(order, home_of(options))
    return here


def _stop(number: int, _frame: FrameType | None) -> None:
    # What is being done is rolled back; a second signal shall not cut that short.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise StoppedError(
        f"It was ended by {signal.Signals(number).name}.", remedy="Promote the run again."
    )
