"""`python -m pip` on the twin's agents: they have no network, and every package already.

First on PYTHONPATH, so it is found before pip itself. `install` fails for what is not installed;
every other command is pip's own.
"""

import runpy
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

HERE = Path(__file__).parent
WITH_VALUE = frozenset({"-i", "--index-url", "--extra-index-url", "-c", "--constraint", "-t"})
FROM_FILE = frozenset({"-r", "--requirement"})


def main(arguments: list[str]) -> int:
    """Run pip as far as this machine can; return its exit code."""
    if arguments[:1] != ["install"]:
        sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != HERE]
        del sys.modules["__main__"]
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
        return 0
    missing = [name for name in wanted(arguments[1:]) if not is_installed(name)]
    for name in missing:
        sys.stderr.write(f"ERROR: No matching distribution found for {name}\n")
    return 1 if missing else 0


def wanted(arguments: list[str]) -> list[str]:
    """Return the requirements that are named; folders and files of packages are taken for here."""
    found: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument in WITH_VALUE:
            next(rest, None)
        elif argument in FROM_FILE:
            text = Path(next(rest)).read_text(encoding="utf-8")
            lines = (line.partition("#")[0].strip() for line in text.splitlines())
            found += [line for line in lines if line and not line.startswith("-")]
        elif not argument.startswith("-") and not Path(argument.partition("[")[0]).exists():
            found.append(argument)
    return found


def is_installed(name: str) -> bool:
    try:
        requirement = Requirement(name)
        if requirement.marker is not None and not requirement.marker.evaluate():
            return True
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except (InvalidRequirement, PackageNotFoundError):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
