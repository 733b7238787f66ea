"""The command line of `python -m bot ask`."""

import argparse
import asyncio
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from bot.domain.people import Person, Role
from bot.errors import BotError, InputError, SetupError
from bot.teams.console.prompt import converse
from bot.teams.console.room import Room, session
from bot.teams.console.screen import Screen
from bot.teams.console.talk import Ask, Exit, Talk

_DESCRIPTION = "Speak to the running bot. Without TEXT: a prompt, until end of input."
_CODES = (
    "exit codes: 0 answered, with --wait: the run succeeded; 1 it did not succeed; "
    "2 the bot refused or does not run; 3 the run waits for somebody's approval"
)


def main(
    argv: Sequence[str],
    *,
    people: Sequence[Person],
    url: str = "http://127.0.0.1:3978",
    out: TextIO | None = None,
) -> int:
    """Run the command; `people` may speak here, `url` is where the bot is unless --url says so."""
    options = _parser(url).parse_args(list(argv))
    question = Ask(" ".join(options.text), options.start, options.wait, options.timeout)
    try:
        person = who(people, options.person)
        screen = Screen(out or _printable(sys.stdout))
        return asyncio.run(_run(question, person, options.url, screen))
    except BotError as error:
        sys.stderr.write(f"ask: {error}\n")
        return Exit.REFUSED
    except BrokenPipeError:
        # Nobody reads any more (`ask runs | head -1`); Python must not find that out again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.NOT_SUCCEEDED
    except KeyboardInterrupt:
        sys.stderr.write("\nask: stopped listening; what was started goes on.\n")
        return 130


def _printable(out: TextIO) -> TextIO:
    """Return the terminal; what its encoding cannot show becomes a question mark."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")
    return out


def who(people: Sequence[Person], wanted: str | None) -> Person:
    """Return the person by name or id; without either the first researcher."""
    if not people:
        raise SetupError("The people file names nobody; add a person to it (KRSP_PEOPLE_FILE).")
    if wanted is None:
        return next((one for one in people if one.role is Role.RESEARCHER), people[0])
    asked = wanted.casefold()
    found = [one for one in people if asked in {one.id.casefold(), one.name.casefold()}]
    found = found or [one for one in people if asked in one.name.casefold().split()]
    if len(found) != 1:
        names = ", ".join(one.name for one in people)
        raise InputError(f"{wanted!r} is not one of the people here: {names}.")
    return found[0]


async def _run(question: Ask, person: Person, url: str, screen: Screen) -> int:
    async with session() as http, Room(person, url, http).opened() as room:
        talk = Talk(room, screen)
        if question.text:
            return await talk.ask(question)
        return await converse(room, screen, talk, sys.stdin)


def _parser(url: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot ask", description=_DESCRIPTION, epilog=_CODES
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help='what to say: "train tiny-sft"')
    parser.add_argument("--start", action="store_true", help="press Start on the plan that comes")
    parser.add_argument("--wait", action="store_true", help="show the run until it has ended")
    parser.add_argument("--as", dest="person", metavar="NAME", help="speak as: a name or an id")
    parser.add_argument("--url", default=url, help="where the bot is (default: %(default)s)")
    parser.add_argument("--timeout", type=float, metavar="S", help="with --wait: at most S seconds")
    return parser
