"""The secret that protects cookies: a setting, or a file of this home."""

import os
import secrets
from pathlib import Path

from bot.errors import SetupError

SECRET_BYTES = 32


def load_secret(home: Path) -> bytes:
    """Return the secret of this home; the first call makes `home/secret`, readable by us only."""
    path = home / "secret"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_hex(SECRET_BYTES).encode())
        path.chmod(0o600)
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise SetupError(
            f"The file {path}, which protects cookies, cannot be used ({error}). "
            "Delete it and start again; people then sign in again."
        ) from error
    if len(secret) < SECRET_BYTES:
        raise SetupError(f"The secret in {path} is too short. Delete it and start again.")
    return secret


def _write_once(path: Path, content: bytes) -> None:
    """Write a whole file that nobody else has written; whoever is second keeps the first's."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
