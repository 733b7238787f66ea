"""Who may do what, at which cost, and with whose consent; default deny."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Right:
    """Whether a person may do something now; if not, why, and who could."""

    allowed: bool
    why: str = ""


@dataclass(frozen=True)
class RunRights:
    """What one person may do with one run now."""

    cancel: Right
    approve: Right
    reject: Right
    rerun: Right
