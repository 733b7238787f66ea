"""Find the memory allocator that training is faster with, for whoever starts a training process.

A step takes and gives back hundreds of megabytes. glibc returns them to the system and faults them
in again, page by page; tcmalloc keeps them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

PRELOAD = "LD_PRELOAD"
NAMES = ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
# Where Debian and Ubuntu put libraries (packages libtcmalloc-minimal4, libtcmalloc-minimal4t64),
# and where somebody would who built it.
FOLDERS = (
    Path("/usr/lib/x86_64-linux-gnu"),
    Path("/usr/lib/aarch64-linux-gnu"),
    Path("/usr/lib"),
    Path("/usr/local/lib"),
)
# It would warn of each piece above a gigabyte, which a model's weights are.
QUIET = {"TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD": str(2**62)}
OTHERS = ("tcmalloc", "jemalloc", "mimalloc")
SETTING = "KRSP_ALLOCATOR"  # `system` leaves the C library's in place


def with_allocator(
    environment: Mapping[str, str], folders: Sequence[Path] = FOLDERS
) -> dict[str, str]:
    """Return the environment with tcmalloc loaded first, where it is installed.

    An allocator that is preloaded already stays, and `KRSP_ALLOCATOR=system` asks for none.
    """
    found = dict(environment)
    preloaded = environment.get(PRELOAD, "")
    if environment.get(SETTING) == "system" or "alloc" in preloaded:
        return found
    library = next((path for path in _places(folders) if path.is_file()), None)
    if library is not None:
        found[PRELOAD] = f"{preloaded} {library}".strip()
        found = {**QUIET, **found}
    return found


def loaded_allocator(maps: str) -> str:
    """Return the name of the allocator in a process whose /proc/PID/maps reads so."""
    # Python packages carry copies of their own, which serve nobody but them.
    files = [line.split()[-1] for line in maps.splitlines() if ".so" in line]
    system = [Path(file).name for file in files if "site-packages" not in file]
    found = (name for name in OTHERS if any(file.startswith(f"lib{name}") for file in system))
    return next(found, "the C library's")


def _places(folders: Sequence[Path]) -> list[Path]:
    return [folder / name for folder in folders for name in NAMES]
