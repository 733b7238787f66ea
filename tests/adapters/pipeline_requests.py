"""What tests ask pipelines for, and the states in which a run is over."""

from bot.domain.ordering import train_parameters
from bot.domain.run import PipelineState
from bot.ports import PipelineKind, PipelineRequest
from tests.adapters.conftest import SPEC

ONE, TWO = "run-20261123-aaaaaa", "run-20261123-bbbbbb"
PROMO = "promo-20261123-cccccc"
OVER = {
    PipelineState.SUCCEEDED,
    PipelineState.FAILED,
    PipelineState.CANCELLED,
    PipelineState.LOST,
}


def train(name: str = ONE, **parameters: str) -> PipelineRequest:
    given = {**train_parameters(name, SPEC), **parameters}
    return PipelineRequest(name, PipelineKind.TRAIN, given, "ada")


def promote(name: str = PROMO) -> PipelineRequest:
    given = {"runKey": name, "action": "promote"}
    return PipelineRequest(name, PipelineKind.PROMOTE, given, "grace")
