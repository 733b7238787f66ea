"""Blue and green: a new deployment beside the live one, the traffic moved when it was tested."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from trainer.contract.promotion import COLOURS
from trainer.errors import TrainerError
from trainer.serving.errors import PromotionError, RolledBackError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Colour:
    """One deployment: which promotion made it, and its share of the traffic in percent."""

    key: str
    traffic: int


class Site(Protocol):
    """One endpoint, local or Azure ML's. Every method may be repeated and raises `TrainerError`."""

    def look(self) -> Mapping[str, Colour]:
        """Return the deployments that are there, by colour; empty without an endpoint."""

    def bring_up(self, colour: str) -> None:
        """Deploy the ordered model as `colour`; return when it answers."""

    def test(self, colour: str) -> str:
        """Ask the deployment itself for a completion, whatever the traffic; return its text."""

    def move_traffic(self, colour: str) -> None:
        """Give `colour` all of the traffic, at once."""

    def remove(self, colour: str) -> None:
        """Remove a deployment that has no traffic, or the last one."""

    def remove_endpoint(self) -> None:
        """Remove the endpoint with whatever is left of it."""


def deploy(site: Site, key: str, say: Say) -> None:
    """Make the promotion `key` the live one; it may be so already.

    Raises `RolledBackError` when it could not: then the traffic is where it was.
    """
    live = _live(site.look())
    if live is not None and site.look()[live].key == key:
        say(f"It is live already, as {live}.")
        _tidy(site, live, say)
        return
    colour = next(each for each in COLOURS if each != live)
    leftover = site.look().get(colour)
    if leftover is not None and leftover.key != key:
        say(f"An earlier promotion ({leftover.key}) left {colour} behind; it is removed.")
        site.remove(colour)
    try:
        say(f"Deploying {colour}" + (f" beside {live}." if live else "."))
        site.bring_up(colour)
        say(f"{colour} answers; testing it.")
        say(f"It completed a prompt with: {site.test(colour)!r}")
        site.move_traffic(colour)
    except BaseException as error:
        if roll_back(site, key, say):
            raise _rolled_back(error, live) from error
        raise
    say(f"All traffic goes to {colour} now.")
    _tidy(site, colour, say)


def roll_back(site: Site, key: str, say: Say) -> bool:
    """Remove what the promotion deployed unless it is live; return False where it is."""
    look = site.look()
    mine = _colour_of(look, key)
    if mine is not None and look[mine].traffic > 0:
        say(f"{mine} has the traffic already; it stays.")
        return False
    if mine is not None:
        say(f"Rolled back: {mine} is removed, the traffic is where it was.")
        site.remove(mine)
    if not site.look():
        site.remove_endpoint()
    return True


def undeploy(site: Site, key: str, say: Say) -> None:
    """Remove what the promotion deployed; where it is the live one, the endpoint with it."""
    look = site.look()
    mine = _colour_of(look, key)
    if mine is None:
        say("Nothing of this promotion is deployed any more.")
    elif look[mine].traffic > 0 or len(look) == 1:
        say(f"Removing the endpoint, of which {mine} is live.")
        site.remove_endpoint()
        return
    else:
        say(f"Removing {mine}; what is live stays.")
        site.remove(mine)
    if not site.look():
        site.remove_endpoint()


def _tidy(site: Site, live: str, say: Say) -> None:
    """Remove every other colour: it costs as much as the live one."""
    for colour in site.look():
        if colour != live:
            say(f"Removing {colour}, which has no traffic any more.")
            site.remove(colour)


def _live(look: Mapping[str, Colour]) -> str | None:
    return next((name for name, colour in look.items() if colour.traffic > 0), None)


def _colour_of(look: Mapping[str, Colour], key: str) -> str | None:
    return next((name for name, colour in look.items() if colour.key == key), None)


def _rolled_back(error: BaseException, live: str | None) -> PromotionError:
    still = f"{live} serves on" if live else "nothing is served"
    if isinstance(error, TrainerError):
        return RolledBackError(f"{error.message} Rolled back: {still}.", remedy=error.remedy)
    return RolledBackError(
        f"Deploying failed ({type(error).__name__}: {error}). Rolled back: {still}.",
        remedy="The log has the trace.",
    )
