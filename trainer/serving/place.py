"""Where a model is served and where it is registered: what `deploy` needs of a target."""

from contextlib import AbstractContextManager
from typing import Protocol

from trainer.serving.switch import Site


class Place(Protocol):
    """One target for one order. Every method may be repeated."""

    @property
    def site(self) -> Site:
        """Return the endpoint that the order names."""

    def alone(self) -> AbstractContextManager[None]:
        """Keep others from working on the endpoint meanwhile."""

    def put_into_production(self) -> None:
        """Note in the registry that the ordered version is the one that serves."""

    def take_out_of_production(self) -> None:
        """Note in the registry that the ordered version serves no longer."""
