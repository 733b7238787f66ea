"""One bot per KRSP_HOME: a lock that the system drops when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.errors import SetupError


class HomeLock:
    """Holds `KRSP_HOME/serve.lock` while it is entered; the file names the holder's process."""

    def __init__(self, home: Path) -> None:
        self._path = home / "serve.lock"
        self._file: int | None = None

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def take(self) -> None:
        """Take the lock. Raises `SetupError` that names who has it."""
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(file, 32, 0).decode(errors="replace").strip()
            os.close(file)
            who = f"process {holder}" if holder else "another process"
            raise SetupError(
                f"A bot already serves {self._path.parent} ({who}). Stop that one, "
                "or set KRSP_HOME to another folder."
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back. The file stays: to remove it could take another's lock away."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SetupError(
                f"{self._path} cannot be written ({error.strerror}). Choose another KRSP_HOME."
            ) from error
