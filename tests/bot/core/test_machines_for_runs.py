"""Which machine a run gets: the one that was asked for, if there is such a cluster and a price."""

import pytest

from bot.domain.drafting import refuse_machine, with_machine
from bot.errors import InputError
from tests.bot.conftest import POLICY
from trainer.contract.compute import Compute
from trainer.contract.recipe import find_recipe
from trainer.contract.spec import RunSpec

GPUS = POLICY.model_copy(
    update={
        "prices": {"Standard_D8s_v5": 0.4, "Standard_NC4as_T4_v3": 0.6, "gpu-1": 4.0},
        "default_machine": "Standard_D8s_v5",
    }
)
MACHINES = frozenset({("Standard_D8s_v5", "dedicated"), ("Standard_NC4as_T4_v3", "low")})


def spec_on(sku: str, priority: str = "dedicated") -> RunSpec:
    compute = Compute(sku=sku, priority=priority)
    return find_recipe("tiny-sft").spec.model_copy(update={"compute": compute})


def test_a_run_that_names_no_machine_gets_the_policys() -> None:
    assert with_machine(spec_on("local-cpu"), {}, GPUS).compute.sku == "Standard_D8s_v5"


def test_a_machine_that_was_asked_for_stays() -> None:
    asked = with_machine(spec_on("local-cpu"), {"sku": "local-cpu"}, GPUS)
    assert asked.compute.sku == "local-cpu"


def test_a_recipes_machine_with_a_price_stays() -> None:
    assert with_machine(spec_on("gpu-1"), {}, GPUS).compute.sku == "gpu-1"


def test_low_priority_may_have_a_price_of_its_own() -> None:
    prices = {"Standard_NC4as_T4_v3": 0.6, "Standard_NC4as_T4_v3/low": 0.15}
    policy = GPUS.model_copy(update={"prices": prices})
    assert policy.price_of(spec_on("Standard_NC4as_T4_v3", "low").compute) == 0.15
    assert policy.price_of(spec_on("Standard_NC4as_T4_v3").compute) == 0.6


@pytest.mark.parametrize(
    ("sku", "priority", "says"),
    [
        ("Standard_NC4as_T4_v3", "dedicated", "write `priority=low`"),
        ("Standard_D64s_v5", "dedicated", "`Standard_D8s_v5`, `Standard_NC4as_T4_v3`"),
    ],
)
def test_a_machine_that_no_cluster_has_is_refused_with_what_there_is(sku, priority, says) -> None:
    with pytest.raises(InputError, match=says):
        refuse_machine(spec_on(sku, priority), MACHINES)


def test_every_cluster_of_the_file_can_be_asked_for() -> None:
    for sku, priority in MACHINES:
        refuse_machine(spec_on(sku, priority), MACHINES)
    refuse_machine(spec_on("local-cpu"), None)
