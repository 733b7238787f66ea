"""The lines of a step's log, as far as they are written."""

from tests.azure_twin.devops.model import LogFile


def lines(log: LogFile) -> list[str]:
    """Return the whole lines; one that is being written is not there yet."""
    try:
        text = log.path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text[: text.rfind("\n") + 1].splitlines()


def line_count(log: LogFile) -> int:
    return len(lines(log))
