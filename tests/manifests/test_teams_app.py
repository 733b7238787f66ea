"""The Teams app: valid by Microsoft's schemas, with the grammar's commands, built safely."""

import json
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.chat.words import COMMANDS
from bot.teams.extension import PARAMETER
from manifests.teams import icons
from manifests.teams.build import AppError, Parameters, app_files, build

BOT = "1f9c6b3e-7a20-4d8b-9e41-c05a8d2f6e05"
HOST = "krsp.example.com"
GIVEN = Parameters(BOT, HOST)
MICROSOFTS = re.compile(
    r"\b(microsoft|teams|azure|copilot|office|windows|bing|skype|visual studio)\b"
)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(app_files(GIVEN)["manifest.json"])
    return body


@pytest.fixture(scope="module")
def german() -> dict[str, str]:
    body: dict[str, str] = json.loads(app_files(GIVEN)["de.json"])
    return body


def schema(repository: Path, name: str) -> jsonschema.Draft4Validator:
    path = repository.parent / "shared" / "reference" / "teams" / name
    if not path.exists():
        pytest.skip("Microsoft's schemas are not here (../shared/reference/teams)")
    return jsonschema.Draft4Validator(json.loads(path.read_text("utf-8")))


def faults(validator: jsonschema.Draft4Validator, body: Any) -> list[str]:
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(body)]


def test_the_manifest_is_valid(repository: Path, manifest: dict[str, Any]) -> None:
    assert faults(schema(repository, "MicrosoftTeams-1.29.schema.json"), manifest) == []


def test_a_wrong_manifest_would_be_found(repository: Path, manifest: dict[str, Any]) -> None:
    wrong = {**manifest, "bots": [{**manifest["bots"][0], "botId": "no guid"}], "nope": 1}
    assert len(faults(schema(repository, "MicrosoftTeams-1.29.schema.json"), wrong)) == 2


def test_the_german_words_are_valid(repository: Path, german: dict[str, str]) -> None:
    assert faults(schema(repository, "MicrosoftTeams.Localization.schema.json"), german) == []


def test_every_german_word_stands_for_an_english_one(
    manifest: dict[str, Any], german: dict[str, str]
) -> None:
    for path in german.keys() - {"$schema"}:
        found: Any = manifest
        for key, number in re.findall(r"(\w+)|\[(\d+)\]", path):
            found = found[key] if key else found[int(number)]
        assert isinstance(found, str), path
        assert found != german[path] or found == "KRSP", path


def test_the_menus_offer_exactly_the_commands_of_the_grammar(manifest: dict[str, Any]) -> None:
    lists = manifest["bots"][0]["commandLists"]
    offered = {command["title"] for one in lists for command in one["commands"]}
    assert offered == set(COMMANDS)
    for command in (command for one in lists for command in one["commands"]):
        assert command["description"] == COMMANDS[command["title"]].summary


def test_each_scope_has_one_menu_of_at_most_twelve(manifest: dict[str, Any]) -> None:
    lists = manifest["bots"][0]["commandLists"]
    assert sorted(scope for one in lists for scope in one["scopes"]) == sorted(
        manifest["bots"][0]["scopes"]
    )
    for one in lists:
        titles = [command["title"] for command in one["commands"]]
        assert len(titles) <= 12
        assert len(titles) == len(set(titles))
        assert "help" in titles  # the store insists on it


def test_the_app_trusts_our_host_and_no_other(manifest: dict[str, Any]) -> None:
    assert manifest["validDomains"] == [HOST]
    assert set(re.findall(r"https?://([^/\"]+)", json.dumps(manifest))) == {
        HOST,
        "developer.microsoft.com",  # $schema
    }
    assert manifest["composeExtensions"][0]["messageHandlers"][0]["value"]["domains"] == [HOST]


def test_the_tab_signs_in_as_the_bots_registration(manifest: dict[str, Any]) -> None:
    assert manifest["webApplicationInfo"] == {"id": BOT, "resource": f"api://{HOST}/{BOT}"}


def test_no_name_of_microsofts_is_in_the_apps_name(
    manifest: dict[str, Any], german: dict[str, str]
) -> None:
    names = [*manifest["name"].values(), german["name.short"], german["name.full"]]
    assert not [name for name in names if MICROSOFTS.search(name.lower())]


def test_the_search_asks_by_the_name_that_the_bot_reads(manifest: dict[str, Any]) -> None:
    (command,) = manifest["composeExtensions"][0]["commands"]
    assert [parameter["name"] for parameter in command["parameters"]] == [PARAMETER]


def test_nothing_is_left_to_be_filled_in() -> None:
    for name in ("manifest.json", "de.json"):
        assert b"${{" not in app_files(GIVEN)[name]


def test_the_same_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(GIVEN, tmp_path / "a.zip"), build(GIVEN, tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    assert zipfile.ZipFile(first).namelist() == [
        "manifest.json",
        "de.json",
        "color.png",
        "outline.png",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bot_id": "krsp"}, "The bot id is `krsp`; it must be a GUID"),
        ({"app_id": "1"}, "The app id is `1`; it must be a GUID"),
        ({"public_host": "https://krsp.example.com/"}, "a host name alone"),
        ({"public_host": "krsp.example.com:3978"}, "a host name alone"),
        ({"public_host": "*.example.com"}, "a host name alone"),
        ({"public_host": "localhost"}, "a host name alone"),
        ({"public_host": "abc-3978.euw.devtunnels.ms"}, "a tunnel"),
        ({"privacy_url": "http://example.com"}, "privacy URL .* must begin with https"),
        ({"developer": "x" * 33}, "33 characters; 1 to 32"),
    ],
)
def test_a_wrong_parameter_is_named(changes: dict[str, str], message: str) -> None:
    given = {"bot_id": BOT, "public_host": HOST} | changes
    with pytest.raises(AppError, match=message):
        app_files(Parameters(**given))


def test_the_command_line_says_what_is_wrong(repository: Path) -> None:
    command = [sys.executable, "-m", "manifests.teams.build", "--bot-id", "x", "--public-host", "y"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("teams-app: The bot id is `x`")


@pytest.mark.parametrize(("name", "side"), [("color.png", 192), ("outline.png", 32)])
def test_an_icon_has_the_size_that_is_asked_for(repository: Path, name: str, side: int) -> None:
    assert pixels(repository / "manifests" / "teams" / name)[:2] == (side, side)


def test_the_outline_is_white_on_nothing(repository: Path) -> None:
    _, _, found = pixels(repository / "manifests" / "teams" / "outline.png")
    assert {pixel[:3] for pixel in found} == {(255, 255, 255)}
    assert {pixel[3] for pixel in found} >= {0, 255}


def test_the_outline_is_what_the_script_draws(repository: Path) -> None:
    assert (repository / "manifests/teams/outline.png").read_bytes() == icons.outline()


def pixels(path: Path) -> tuple[int, int, list[tuple[int, ...]]]:
    """Return width, height and the RGBA values of an unfiltered PNG of one data chunk."""
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    at = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    raw = zlib.decompress(data[at + 4 : at + 4 + length])
    rows = [raw[y * (width * 4 + 1) + 1 : (y + 1) * (width * 4 + 1)] for y in range(height)]
    return width, height, [tuple(row[x : x + 4]) for row in rows for x in range(0, len(row), 4)]
