"""The names of the training methods, known without loading any of them."""

from functools import cache
from importlib import resources

# Those whose loop has been shown to train the same with a model shared out among processes.
SHARDED_METHODS = ("pretrain", "sft")


@cache
def method_names() -> tuple[str, ...]:
    """Return what a spec may ask for: each file of `trainer/methods` is one."""
    folder = resources.files("trainer") / "methods"
    files = (file.name for file in folder.iterdir())
    return tuple(
        sorted(
            name.removesuffix(".py")
            for name in files
            if name.endswith(".py") and not name.startswith("_")
        )
    )
