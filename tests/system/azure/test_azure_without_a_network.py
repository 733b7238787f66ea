"""The product in an empty network namespace: who ignores the proxy has nowhere to go."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

# Brings loopback up with what the kernel has: not every machine has `ip`.
LOOPBACK_UP = """
import fcntl, socket, struct, sys, os
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    request = struct.pack("16sh", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
    fcntl.ioctl(probe, 0x8914, request)  # SIOCSIFFLAGS
os.execv(sys.argv[1], sys.argv[1:])
"""
JOURNEY = "test_a_diverged_run_fails_with_cause_and_remedy"


def test_a_journey_needs_no_network_but_loopback(repository: Path, tmp_path: Path) -> None:
    if shutil.which("unshare") is None or not can_unshare():
        pytest.skip("this machine gives no network namespaces (unshare -rn)")
    file = "tests/system/azure/test_azure_journeys.py"
    arguments = ["-m", "pytest", "-q", "-p", "no:xdist", f"--basetemp={tmp_path}", file]
    done = subprocess.run(
        [*inside(), sys.executable, *arguments, "-k", JOURNEY],
        cwd=repository,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout


def test_the_namespace_really_has_no_way_out() -> None:
    if shutil.which("unshare") is None or not can_unshare():
        pytest.skip("this machine gives no network namespaces (unshare -rn)")
    program = (
        "import socket\n"
        "try:\n"
        "    socket.create_connection(('192.0.2.1', 443), 2)\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
    )
    done = subprocess.run(
        [*inside(), sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "Network is unreachable"


def inside() -> list[str]:
    return ["unshare", "-rn", sys.executable, "-c", LOOPBACK_UP]


def can_unshare() -> bool:
    done = subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True)
    return done.returncode == 0
