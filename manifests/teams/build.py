"""Build the Teams app: fill manifest.json, add menus, languages and icons, zip it.

    python -m manifests.teams.build --bot-id <client id> --public-host krsp.example.com

docs/how-to/deploy-to-azure.md says where the values come from.
"""

import argparse
import json
import re
import sys
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from bot.chat.words import COMMANDS

FOLDER = Path(__file__).parent
OUTPUT = FOLDER / "build" / "krsp-teams-app.zip"
MOST_COMMANDS = 12  # a list, https://learn.microsoft.com/microsoft-365/extensibility/schema

_PLACE = re.compile(r"\$\{\{(\w+)\}\}")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")
# Whoever gets such a name next would be inside the app's frame.
_TUNNELS = ("devtunnels.ms", "ngrok.io", "ngrok.app", "ngrok-free.app", "trycloudflare.com")


class AppError(Exception):
    """The app cannot be built: which value is wrong, and what it must be."""


@dataclass(frozen=True)
class Parameters:
    """What differs between installations."""

    bot_id: str
    public_host: str
    app_id: str = ""  # empty: the bot id, by which `python -m bot doctor` looks the app up
    developer: str = "KRSP"
    privacy_url: str = ""
    terms_url: str = ""
    version: str = metadata.version("krsp")

    def values(self) -> dict[str, str]:
        """Return what stands for each placeholder. Raises `AppError` that names what is wrong."""
        bot_id = _guid("bot id", self.bot_id)
        host = _host(self.public_host)
        return {
            "APP_ID": _guid("app id", self.app_id) if self.app_id else bot_id,
            "BOT_ID": bot_id,
            "PUBLIC_HOST": host,
            "DEVELOPER": _developer(self.developer),
            "PRIVACY_URL": _https("privacy URL", self.privacy_url or f"https://{host}/"),
            "TERMS_URL": _https("terms URL", self.terms_url or f"https://{host}/"),
            "VERSION": self.version,
        }


def app_files(parameters: Parameters) -> dict[str, bytes]:
    """Return what goes into the zip, by name."""
    menus = yaml.safe_load((FOLDER / "menus.yaml").read_text("utf-8"))
    values = parameters.values()
    manifest = _filled(json.loads((FOLDER / "manifest.json").read_text("utf-8")), values)
    manifest["bots"][0]["commandLists"] = command_lists(menus["menus"])
    german = json.loads((FOLDER / "languages" / "de.json").read_text("utf-8"))
    german |= descriptions(menus["menus"], menus["german"])
    return {
        "manifest.json": _json(manifest),
        "de.json": _json(german),
        "color.png": (FOLDER / "color.png").read_bytes(),
        "outline.png": (FOLDER / "outline.png").read_bytes(),
    }


def command_lists(menus: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the menus; titles and descriptions are the grammar's."""
    lists = []
    for scope, names in menus.items():
        unknown = [name for name in names if name not in COMMANDS]
        if unknown:
            raise AppError(
                f"menus.yaml offers `{unknown[0]}`, which chat does not know; remove it."
            )
        if len(names) > MOST_COMMANDS:
            raise AppError(f"menus.yaml has {len(names)} commands for {scope}; Teams shows 12.")
        commands = [{"title": name, "description": COMMANDS[name].summary} for name in names]
        lists.append({"scopes": [scope], "commands": commands})
    return lists


def descriptions(menus: Mapping[str, Sequence[str]], words: Mapping[str, str]) -> dict[str, str]:
    """Return the menus' descriptions in another language, keyed as Teams wants them."""
    missing = [name for names in menus.values() for name in names if name not in words]
    if missing:
        raise AppError(f"menus.yaml has no translation for `{missing[0]}`; add one.")
    return {
        f"bots[0].commandLists[{number}].commands[{place}].description": words[name]
        for number, names in enumerate(menus.values())
        for place, name in enumerate(names)
    }


def build(parameters: Parameters, output: Path = OUTPUT) -> Path:
    """Write the zip; the same parameters give the same bytes."""
    files = app_files(parameters)
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return output


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACE.sub(lambda place: _value(place[1], values), value)
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    return value


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise AppError(f"manifest.json has the placeholder {name}, which nothing fills.")
    return values[name]


def _guid(what: str, text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise AppError(
            f"The {what} is `{text}`; it must be a GUID like 00000000-0000-0000-0000-000000000000."
        ) from error


def _host(text: str) -> str:
    host = text.strip().lower()
    if not _HOST.fullmatch(host):
        raise AppError(
            f"The public host is `{text}`; it must be a host name alone, like krsp.example.com."
        )
    if host.endswith(_TUNNELS):
        raise AppError(
            f"{host} is a tunnel that somebody else may have tomorrow; use your own host."
        )
    return host


def _https(what: str, url: str) -> str:
    if not url.startswith("https://"):
        raise AppError(f"The {what} is `{url}`; it must begin with https://.")
    return url


def _developer(name: str) -> str:
    if not 0 < len(name) <= 32:
        raise AppError(f"The developer's name has {len(name)} characters; 1 to 32 fit.")
    return name


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build from the command line."""
    parser = argparse.ArgumentParser(prog="python -m manifests.teams.build", description=__doc__)
    parser.add_argument("--bot-id", required=True, help="client id of the bot's app registration")
    parser.add_argument("--public-host", required=True, help="host name of KRSP_PUBLIC_URL")
    parser.add_argument("--app-id", default="", help="GUID of the Teams app; default: bot id")
    parser.add_argument("--developer", default="KRSP", help="who offers the app, 32 characters")
    parser.add_argument("--privacy-url", default="", help="your privacy statement")
    parser.add_argument("--terms-url", default="", help="your terms of use")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = vars(parser.parse_args(arguments))
    output = given.pop("output")
    try:
        print(f"The Teams app is {build(Parameters(**given), output)}.")
    except AppError as error:
        print(f"teams-app: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
