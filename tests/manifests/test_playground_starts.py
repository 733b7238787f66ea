"""The real Playground takes our configuration, and keeps to this machine."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import psutil
import pytest
from tenacity import retry, stop_after_delay, wait_fixed

from bot.domain.people import Person, Role
from bot.playground import playground_command, playground_config, playground_environment

ALEX = Person(
    "00000000-0000-0000-0000-0000000000a1",
    "00000000-0000-0000-0000-0000000000f0",
    "Alex Wilber",
    Role.RESEARCHER,
)


@retry(stop=stop_after_delay(30), wait=wait_fixed(0.1), reraise=True)
def fetch(url: str) -> int:
    with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
        return int(answer.status)


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


@pytest.fixture
def playground(tmp_path: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    config, log = tmp_path / "playground.yml", tmp_path / "playground.log"
    config.write_text(playground_config([ALEX]))
    with subprocess.Popen(
        playground_command("http://127.0.0.1:9", port),
        env=playground_environment(config, log),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield process
        process.terminate()


def test_the_playground_listens_on_this_machine_alone(
    playground: "subprocess.Popen[bytes]", port: int
) -> None:
    assert fetch(f"http://127.0.0.1:{port}/") == 200
    sockets = psutil.Process(playground.pid).net_connections()
    assert {one.laddr for one in sockets if one.status == psutil.CONN_LISTEN} == {
        ("127.0.0.1", port)
    }


def test_the_playground_has_our_people(
    playground: "subprocess.Popen[bytes]", port: int, tmp_path: Path
) -> None:
    fetch(f"http://127.0.0.1:{port}/")
    members = build_opener(ProxyHandler({})).open(
        f"http://127.0.0.1:{port}/_connector/v3/conversations/a:krsp-personal/members", timeout=5
    )
    assert b"Alex Wilber" in members.read()
    assert playground.poll() is None
