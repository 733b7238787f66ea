"""Which of a run's processes this one is, by the variables that a launcher sets."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer.errors import BadSpecError

# torchrun sets all of these; Azure ML's PyTorch distribution all but LOCAL_WORLD_SIZE, and calls
# the machine's number NODE_RANK (learn.microsoft.com/azure/machine-learning/
# how-to-train-distributed-gpu), torchrun GROUP_RANK.
MEETING = ("MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Seat:
    """Numbers from 0: `rank` among all `ranks` of the run, `local_rank` among its machine's."""

    rank: int = 0
    ranks: int = 1
    local_rank: int = 0
    local_ranks: int = 1

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Seat":
        """Return this process's seat. Raises `BadSpecError` for variables that contradict."""
        ranks = _number(env, "WORLD_SIZE", 1)
        rank = _number(env, "RANK", 0)
        if ranks == 1 and rank == 0:
            return cls()
        if not 0 <= rank < ranks:
            raise BadSpecError(
                f"RANK is {rank} and WORLD_SIZE is {ranks}: a rank lies in 0..{ranks - 1}.",
                remedy="Start all processes with torchrun, or with the same WORLD_SIZE.",
            )
        missing = [name for name in MEETING if not env.get(name)]
        if missing:
            raise BadSpecError(
                f"WORLD_SIZE is {ranks}, but {' and '.join(missing)} did not come with it: the "
                "processes cannot find each other.",
                remedy="Start them with torchrun, or set the address and a free port of the first.",
            )
        local_rank = _number(env, "LOCAL_RANK", rank)
        node = _number(env, "GROUP_RANK", _number(env, "NODE_RANK", 0))
        # Ranks count machine by machine, so a later machine's first rank says how many each has.
        guess = (rank - local_rank) // node if node else _machines_share(env, ranks)
        return cls(rank, ranks, local_rank, _number(env, "LOCAL_WORLD_SIZE", guess))

    @property
    def is_first(self) -> bool:
        """Return whether this process speaks for all."""
        return self.rank == 0

    @property
    def is_first_of_machine(self) -> bool:
        """Return whether this process does what is done once on a machine."""
        return self.local_rank == 0

    @property
    def machines(self) -> int:
        """Return how many machines the run has."""
        return self.ranks // self.local_ranks


def _machines_share(env: Mapping[str, str], ranks: int) -> int:
    return ranks // max(1, _number(env, "AZUREML_NODE_COUNT", 1))


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise BadSpecError(
            f"{name} is {text!r} and must be a whole number.",
            remedy="Start the processes with torchrun, which sets it.",
        ) from error
