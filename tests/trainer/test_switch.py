"""Blue and green: whatever fails and however often it is done, one live deployment is left."""

from collections.abc import Mapping

import pytest
from typing_extensions import override

from trainer.contract.faults import SpecError
from trainer.contract.promotion import PromotionOrder, decode_order, encode_order, order_hash
from trainer.serving.errors import PromotionError, RolledBackError
from trainer.serving.switch import Colour, Site, deploy, roll_back, undeploy

LIVE = {"blue": Colour("old", 100)}


class FakeSite(Site):
    """A site in memory that fails where it is told to."""

    def __init__(self, key: str, colours: Mapping[str, Colour], fails_at: str = "") -> None:
        self.key, self.colours, self.fails_at = key, dict(colours), fails_at
        self.done: list[str] = []
        self.has_endpoint = bool(colours)

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what.split(" ", maxsplit=1)[0] == self.fails_at:
            raise PromotionError(f"{what} failed.", remedy="Mend it.")

    @override
    def look(self) -> Mapping[str, Colour]:
        return dict(self.colours)

    @override
    def bring_up(self, colour: str) -> None:
        self.has_endpoint = True
        self.colours[colour] = Colour(self.key, 0)
        self._do(f"up {colour}")

    @override
    def test(self, colour: str) -> str:
        self._do(f"test {colour}")
        return "text"

    @override
    def move_traffic(self, colour: str) -> None:
        self._do(f"move {colour}")
        for name, each in self.colours.items():
            self.colours[name] = Colour(each.key, 100 if name == colour else 0)

    @override
    def remove(self, colour: str) -> None:
        self._do(f"remove {colour}")
        self.colours.pop(colour, None)

    @override
    def remove_endpoint(self) -> None:
        self.has_endpoint = False
        self.colours.clear()


def say(_: str) -> None:
    pass


def test_the_first_deployment_is_blue() -> None:
    site = FakeSite("new", {})
    deploy(site, "new", say)
    assert site.colours == {"blue": Colour("new", 100)}


def test_the_traffic_moves_after_the_test_and_the_old_one_goes_last() -> None:
    site = FakeSite("new", LIVE)
    deploy(site, "new", say)
    assert site.done == ["up green", "test green", "move green", "remove blue"]
    assert site.colours == {"green": Colour("new", 100)}


@pytest.mark.parametrize("fails_at", ["up", "test", "move"])
def test_whatever_fails_leaves_the_live_one_alone(fails_at: str) -> None:
    site = FakeSite("new", LIVE, fails_at)
    with pytest.raises(RolledBackError, match="blue serves on") as caught:
        deploy(site, "new", say)
    assert site.colours == LIVE
    assert caught.value.exit_code == 6


def test_a_first_deployment_that_fails_leaves_no_endpoint() -> None:
    site = FakeSite("new", {}, "test")
    with pytest.raises(RolledBackError, match="nothing is served"):
        deploy(site, "new", say)
    assert (site.colours, site.has_endpoint) == ({}, False)


def test_doing_it_again_changes_nothing_but_tidies() -> None:
    site = FakeSite("new", {"green": Colour("new", 100), "blue": Colour("old", 0)})
    deploy(site, "new", say)
    assert site.done == ["remove blue"]


def test_what_an_earlier_one_left_behind_makes_room() -> None:
    site = FakeSite("new", {**LIVE, "green": Colour("dead", 0)})
    deploy(site, "new", say)
    assert site.colours == {"green": Colour("new", 100)}


def test_one_s_own_half_deployment_is_taken_up_again() -> None:
    site = FakeSite("new", {**LIVE, "green": Colour("new", 0)})
    deploy(site, "new", say)
    assert site.done[0] == "up green"
    assert site.colours == {"green": Colour("new", 100)}


def test_an_old_one_that_cannot_be_removed_does_not_take_the_traffic_back() -> None:
    site = FakeSite("new", LIVE, "remove")
    with pytest.raises(PromotionError, match="remove blue failed"):
        deploy(site, "new", say)
    assert site.colours["green"] == Colour("new", 100)


def test_rolling_back_leaves_what_is_live() -> None:
    site = FakeSite("new", {"green": Colour("new", 100)})
    assert not roll_back(site, "new", say)
    assert site.colours == {"green": Colour("new", 100)}


def test_undeploying_what_was_replaced_leaves_what_is_live() -> None:
    site = FakeSite("x", {"blue": Colour("old", 0), "green": Colour("new", 100)})
    undeploy(site, "old", say)
    assert site.colours == {"green": Colour("new", 100)}


def test_undeploying_what_is_live_ends_the_endpoint() -> None:
    site = FakeSite("x", LIVE)
    undeploy(site, "old", say)
    assert not site.has_endpoint
    undeploy(site, "old", say)


def test_an_order_comes_back_as_it_was_and_its_hash_knows_any_change() -> None:
    order = PromotionOrder(
        key="promo-1", run_id="r", job="r", model="m", endpoint="end", machine="x", hours=1
    )
    assert decode_order(encode_order(order)) == order
    assert order_hash(order) != order_hash(order.model_copy(update={"hours": 2}))
    for broken in ("", "%%%", encode_order(order)[:-4], "e30"):
        with pytest.raises(SpecError):
            decode_order(broken)
