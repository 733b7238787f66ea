"""`make demo-azure`: the whole product in the azure profile, with the twin in Azure's place.

Asks for one run as Alex in a conversation of Teams, prints each card, and keeps serving: the pages
(sign in as anybody) and the Agents Playground. With `--once` it ends with the run.
"""

import argparse
import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.demo import Place, refuse_occupied, serve_bot, serve_playground
from bot.domain.people import Person, Role
from bot.errors import BotError
from tests.azure_twin import world
from tests.azure_twin.edge import served_edge
from tests.azure_twin.entra.directory import PEOPLE
from tests.azure_twin.fixtures import running_twin
from tests.azure_twin.place import AzurePlace
from tests.azure_twin.teams import Shown, Teams

PATIENCE_S = 900
ENDS = ("Succeeded", "Failed", "Cancelled")


@dataclass(frozen=True)
class EdgePlace(Place):
    """Where the Playground finds the bot: behind the edge, which signs."""

    edge_url: str = ""

    @property
    def bot_url(self) -> str:
        return self.edge_url


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo-azure", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when the run has ended")
    options = parser.parse_args()
    home = Path(os.environ.get("KRSP_HOME", ".krsp")).absolute() / "azure"
    port = int(os.environ.get("KRSP_PORT", "3978"))
    playground = int(os.environ.get("KRSP_PLAYGROUND_PORT", "56150"))
    try:
        refuse_occupied("127.0.0.1", port, "KRSP_PORT")
        if not options.once:
            refuse_occupied("127.0.0.1", playground, "KRSP_PLAYGROUND_PORT")
        return show(home, port, playground, once=options.once)
    except BotError as error:
        say(f"demo: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nEnded.")
        return 130


def show(home: Path, port: int, playground: int, *, once: bool) -> int:
    with running_twin(home / "twin", local_sign_in=True) as twin:
        place = AzurePlace(
            home=home / "bot",
            host="127.0.0.1",
            bot_port=port,
            playground_port=playground,
            public_url=f"http://127.0.0.1:{port}",
            twin=twin,
        )
        place.prepare()
        with serve_bot(place):
            say(f"Twin of Azure  {twin.control.url}   (requests: {twin.folder / 'requests.jsonl'})")
            say(f"Bot and pages  {place.bot_url}   (log: {place.home / 'bot.log'})")
            for person in ("alex", "megan"):
                place.sign_in(person)
            twin.control.sign_in(None)
            status = asyncio.run(ask(place))
            refused = twin.control.refused_hosts()
            say(f"Hosts that were asked for and are not Azure's: {', '.join(refused) or 'none'}")
            if once:
                return status
            return asyncio.run(serve(place))


async def ask(place: AzurePlace) -> int:
    """Ask for the sample run, print what the conversation shows, return 0 if it succeeded."""
    teams = Teams(place.bot_url, place.twin.control)
    await teams.start()
    teams.on_change = print_card
    try:
        say("\nAlex> train tiny-sft\n")
        await teams.say("alex", "train tiny-sft")
        plan = await teams.card("Plan:", patience_s=60)
        run_id = plan.run_id
        await teams.press("alex", plan, "Start")
        ended = await teams.until(
            lambda m: m.run_id == run_id and any(end in m.text for end in ENDS),
            "the end of the run",
            PATIENCE_S,
        )
        say(f"\nRun page: {place.public_url}/runs/{run_id}   (sign in as anybody)")
        return 0 if "Succeeded" in ended.text else 1
    finally:
        await teams.close()


def print_card(message: Shown) -> None:
    head = "card" if message.edits == 0 else f"card, edit {message.edits}"
    lines = [line for line in message.text.splitlines() if line.strip()]
    say(f"--- {head} {'-' * 60}\n" + "\n".join(f"  {line}" for line in lines))


async def serve(place: AzurePlace) -> int:
    """Serve the Playground beside the pages until Ctrl-C."""
    people = [Person(oid, world.TENANT, name, Role(role.lower())) for oid, name, _, role in PEOPLE]
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with served_edge(place.bot_url, place.twin.control) as edge:
        shown = EdgePlace(
            place.home, place.host, place.bot_port, place.playground_port, place.public_url, edge
        )
        with serve_playground(shown, people):
            say(f"Playground     {shown.playground_url}\n\nServing. Ctrl-C ends.")
            await stop.wait()
    return 0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command line speaks to a person


if __name__ == "__main__":
    sys.exit(main())
