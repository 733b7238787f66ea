"""`python -m tests.azure_twin --folder DIR`: run the twin until SIGTERM.

One JSON line on stdout says when it is ready, and how clients reach it.
"""

import argparse
import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path

from tests.azure_twin.guard import PR_SET_PDEATHSIG
from tests.azure_twin.twin import Options, started


def parse(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.azure_twin", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="certificates, logs and blobs")
    parser.add_argument("--port", type=int, default=0, help="of the TLS listener")
    parser.add_argument("--proxy-port", type=int, default=0, help="what HTTPS_PROXY names")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument(
        "--local-sign-in",
        action="store_true",
        help="let browsers without the proxy sign in at the control port",
    )
    found = parser.parse_args(arguments)
    return Options(**vars(found))


async def run(options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with started(options) as facts:
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    # Who starts the twin and is killed takes it along.
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    logging.getLogger("azure").setLevel(logging.WARNING)
    asyncio.run(run(parse(sys.argv[1:])))


if __name__ == "__main__":
    main()
