"""ci.yml and scheduled.yml, interpreted: they ask for the right run files, and start nothing."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.serving import serving
from trainer.contract.order import PATH

pytestmark = pytest.mark.system

FILE = """
owner: 00000000-0000-0000-0000-0000000000a1
recipe: tiny-sft
changes: {name: NAME, steps: 30}
schedule: "* * * * *"
"""


class Bot:
    """An address that takes orders and remembers them."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.url = ""
        self.status = 200

    async def take(self, request: web.Request) -> web.Response:
        self.orders.append(await request.json())
        if self.status != 200:
            return web.json_response({"detail": "Not today."}, status=self.status)
        answer = {"run_id": "run-1", "status": "queued", "is_new": True, "message": "On its way."}
        return web.json_response(answer)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    found = Bot()
    async with serving(web.post(PATH, found.take)) as found.url:
        yield found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a repository with two run files, of which the newest commit changed one."""
    runs = tmp_path / "azure-pipelines" / "runs"
    runs.mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main")
    (runs / "old.yaml").write_text(FILE.replace("NAME", "old"))
    commit(tmp_path, "first")
    (runs / "new.yaml").write_text(FILE.replace("NAME", "new"))
    commit(tmp_path, "second")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", message)


async def ask(checkout: Path, bot: Bot, *arguments: str) -> tuple[int, str]:
    environment = {
        "KRSP_BOT_URL": bot.url,
        "BUILD_SOURCEVERSION": "abc123",
        "BUILD_BUILDID": "42",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trainer",
        "request",
        *arguments,
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_commit_asks_for_the_files_that_it_changed(checkout, bot) -> None:
    code, said = await ask(checkout, bot, "azure-pipelines/runs", "--changed")
    assert (code, "On its way." in said) == (0, True)
    (order,) = bot.orders
    assert order["kind"] == "commit"
    assert order["key"] == "commit:abc123:azure-pipelines/runs/new.yaml"
    assert order["changes"] == {"name": "new", "steps": 30}


async def test_a_slot_asks_for_each_file_that_is_due(checkout, bot) -> None:
    await ask(checkout, bot, "azure-pipelines/runs", "--due")
    assert [order["path"] for order in bot.orders] == [
        "azure-pipelines/runs/new.yaml",
        "azure-pipelines/runs/old.yaml",
    ]
    assert all(order["key"] == f"schedule:{order['slot']}:{order['path']}" for order in bot.orders)


async def test_a_file_asked_for_by_hand_is_keyed_by_its_build(checkout, bot) -> None:
    await ask(checkout, bot, "azure-pipelines/runs/old.yaml")
    assert bot.orders[0]["key"] == "manual:42:azure-pipelines/runs/old.yaml"


async def test_a_bad_file_is_named_and_nothing_is_asked(checkout, bot) -> None:
    bad = checkout / "azure-pipelines" / "runs" / "new.yaml"
    bad.write_text("owner: a\nrecipe: tiny-sft\nchanges: {lrr: 3}\ncolour: red\n")
    code, said = await ask(checkout, bot, "azure-pipelines/runs/new.yaml")
    assert code == 2
    assert "colour" in said
    assert bot.orders == []


async def test_a_refusal_of_the_bot_fails_the_step_in_its_words(checkout, bot) -> None:
    bot.status = 403
    code, said = await ask(checkout, bot, "azure-pipelines/runs/new.yaml")
    assert (code, "Not today." in said) == (2, True)


async def test_a_silent_bot_is_said_to_be_away(checkout, bot) -> None:
    bot.url = "http://127.0.0.1:9"
    code, said = await ask(checkout, bot, "azure-pipelines/runs/new.yaml")
    assert (code, "does not answer" in said) == (69, True)


async def test_files_can_be_checked_without_a_bot(checkout, bot) -> None:
    code, said = await ask(checkout, bot, "azure-pipelines/runs", "--check")
    assert (code, said.count("good.")) == (0, 2)
    assert bot.orders == []
