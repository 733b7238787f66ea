"""Secrets of one run: none of them reaches a log."""

MASK = "***"


class Secrets:
    """Values to hide. Each line of one with several lines is hidden too, as the agent does."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """Hide `value` from now on."""
        self._values |= {part for part in (value, *value.splitlines()) if part.strip()}

    def mask(self, text: str) -> str:
        """Return `text` with every secret replaced, the longest first."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text
