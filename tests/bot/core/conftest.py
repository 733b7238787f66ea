"""What tests of promotions in the core start from."""

import pytest

from tests.bot.conftest import World
from tests.bot.core.serving import Serving


@pytest.fixture
def serving(world: World) -> Serving:
    return Serving(world)
