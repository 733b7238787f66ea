"""Reasons that people give, as they end a sentence."""


def because(reason: str) -> str:
    """Return the end of a sentence: `: <reason>`, or a full stop where none was given."""
    return f": {reason}" if reason else "."
