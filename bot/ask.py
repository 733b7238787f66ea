"""`python -m bot ask`: the console's command line with the installation's people and address."""

import os
import sys
from collections.abc import Sequence

from bot.errors import BotError
from bot.settings import load_people, load_settings
from bot.teams.console import main as converse


def main(argv: Sequence[str]) -> int:
    """Speak to the running bot; exit code 2 where the settings are not usable."""
    try:
        settings = load_settings(os.environ)
        people = load_people(settings.people_file)
    except BotError as error:
        print(f"bot: {error}", file=sys.stderr)  # noqa: T201 - the command line speaks to a person
        return 2
    return converse(list(argv), people=people, url=f"http://{settings.host}:{settings.port}")
