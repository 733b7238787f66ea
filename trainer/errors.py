"""Everything that can end a run badly, each with its exit code and a remedy for the person.

TrainerError
  BadSpecError      the spec cannot be carried out as it stands
  BadDataError      rows that cannot be trained on; names each by file and line
  DivergedError     the loss became infinite, not a number, or passed the spec's limit
  OutOfMemoryError  the machine's memory is too small for the model and batch
  DiskFullError     a file could not be written whole
  ExportError       the written model is not the trained one, or does not work
  PeerLostError     another of the run's processes has gone or failed, and took this one along
  StalledError      no step was made for longer than the spec allows
  PreemptedError    asked to stop; a checkpoint lies on disk and the same command goes on from it
"""

import errno
from collections.abc import Sequence

from trainer.contract.failure import EXIT_CODES, Failure, FailureKind
from trainer.contract.faults import SpecError

# What torch, safetensors and Arrow say instead of an errno, in the versions that we run with.
_NO_MEMORY = ("can't allocate memory", "CUDA out of memory", "std::bad_alloc")
_NO_SPACE = (
    "os error 28",
    "os error 27",
    "No space left on device",
    "File too large",
    "PytorchStreamWriter failed writing",
    "unexpected pos",
)
_NO_SPACE_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TrainerError(Exception):
    """A run ended without a result; `message` says why, `remedy` what the person can do."""

    kind = FailureKind.BUG
    is_bug = False

    def __init__(self, message: str, *, remedy: str, step: int | None = None) -> None:
        super().__init__(message)
        self.message, self.remedy, self.step = message, remedy, step

    @property
    def exit_code(self) -> int:
        """Return what the process exits with."""
        return EXIT_CODES[self.kind]

    def failure(self) -> Failure:
        """Return this error in the shape that crosses to the bot."""
        return Failure(kind=self.kind, message=self.message, remedy=self.remedy, step=self.step)


class BadSpecError(TrainerError):
    """The spec asks for something that this trainer or this machine cannot do."""

    kind = FailureKind.BAD_SPEC


class BadDataError(TrainerError):
    """Some rows cannot be trained on. `faults` are sentences, `count` may exceed their number."""

    kind = FailureKind.BAD_DATA

    def __init__(
        self, message: str, *, remedy: str, faults: Sequence[str] = (), count: int | None = None
    ) -> None:
        self.faults = tuple(faults) or (message,)
        self.count = len(self.faults) if count is None else count
        super().__init__(message, remedy=remedy)


class DivergedError(TrainerError):
    """Training went wrong numerically; no weight was updated with the bad step."""

    kind = FailureKind.DIVERGED


class OutOfMemoryError(TrainerError):
    """The machine's memory is too small."""

    kind = FailureKind.OUT_OF_MEMORY


class DiskFullError(TrainerError):
    """The disk, a quota or a size limit refused a file."""

    kind = FailureKind.DISK_FULL


class StalledError(TrainerError):
    """Training stood still: a process, a read or a device that never answers."""

    kind = FailureKind.STALLED


class PreemptedError(TrainerError):
    """The machine is being taken away; the run can go on elsewhere."""

    kind = FailureKind.PREEMPTED


class ExportError(TrainerError):
    """The model was written, and is not what was trained: it is not kept."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, remedy="The checkpoints are whole. Please report this with the run's id."
        )


class PeerLostError(TrainerError):
    """Another process of the run is no longer there; a checkpoint may be.

    Where it could still say why it failed, this failure is of the same kind.
    """

    kind = FailureKind.PREEMPTED

    def __init__(self, message: str, *, remedy: str, cause: FailureKind | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.kind = cause or self.kind


def failure_of(error: BaseException) -> Failure:
    """Return any error as a failure in words: ours as it is, a library's by what it means."""
    if isinstance(error, TrainerError):
        return error.failure()
    if isinstance(error, SpecError):
        return Failure(
            kind=FailureKind.BAD_SPEC,
            message=str(error),
            remedy="Correct the spec and start again.",
        )
    if _is_out_of_memory(error):
        return OutOfMemoryError(
            "The machine ran out of memory.",
            remedy="Lower batch.micro_tokens or data.max_length, or choose a machine with more.",
        ).failure()
    if is_disk_full(error):
        return DiskFullError(
            "The disk is full: a file could not be written whole, and was removed.",
            remedy="Free space (old runs under jobs/, or checkpoint.keep) and start the run again: "
            "it goes on from its newest whole checkpoint.",
        ).failure()
    return Failure(
        kind=FailureKind.BUG,
        message=f"The trainer has a bug ({type(error).__name__}).",
        remedy="The log has the trace. Please report it with the run's id.",
    )


def is_disk_full(error: BaseException) -> bool:
    """Return whether `error` says that no more could be written."""
    if isinstance(error, OSError) and error.errno in _NO_SPACE_ERRNOS:
        return True
    return any(sign in str(error) for sign in _NO_SPACE)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_MEMORY)
