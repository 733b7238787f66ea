"""`python -m bot grant-key`: make the key that signs grants, or print its public half."""

import argparse
import os
import sys
from collections.abc import Sequence

from bot.adapters.grant_signer import GrantSigner, new_key
from bot.errors import BotError


def main(argv: Sequence[str]) -> int:
    """Print what `KRSP_GRANT_PUBLIC_KEY` of the pipelines must be, or with --new a new key."""
    parser = argparse.ArgumentParser(prog="python -m bot grant-key", description=main.__doc__)
    parser.add_argument("--new", action="store_true", help="print a new private key (PEM) instead")
    if parser.parse_args(argv).new:
        sys.stdout.write(new_key())
        return 0
    try:
        signer = GrantSigner(os.environ.get("KRSP_GRANT_KEY", ""))
    except BotError as error:
        sys.stderr.write(f"bot: {error}\n")
        return 1
    sys.stdout.write(f"{signer.public_text}\n")
    return 0
