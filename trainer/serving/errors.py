"""How a promotion can fail, each a sentence with its remedy.

PromotionError
  RolledBackError   the new deployment is gone again, the traffic where it was
  StoppedError      somebody ended this process
"""

from typing_extensions import override

from trainer.errors import TrainerError

EXIT_CODE = 6  # not one of a run's (trainer/contract/failure.py)


class PromotionError(TrainerError):
    """Registering, deploying or undeploying did not work."""

    @property
    @override
    def exit_code(self) -> int:
        return EXIT_CODE


class RolledBackError(PromotionError):
    """The new deployment did not become the live one, and was removed again."""


class StoppedError(PromotionError):
    """Somebody asked the process to end (a cancelled pipeline)."""
