"""The part of MLflow's search language that clients of this repository use."""

import re
from typing import Any

_CLAUSE = re.compile(
    r"\s*(?P<kind>tags?|params?|parameters?|attributes?|run)?\.?(?P<quote>[`\"]?)"
    r"(?P<key>[\w.\-]+)(?P=quote)\s*(?P<op>=|!=|LIKE|ILIKE)\s*'(?P<value>[^']*)'\s*",
    re.IGNORECASE,
)


def matches(run: dict[str, Any], expression: str) -> bool:
    """Return whether a run meets all clauses, joined by `and`; an unread clause meets none."""
    clauses = re.split(r"\s+and\s+", expression, flags=re.IGNORECASE)
    return all(_meets(run, clause) for clause in clauses if clause.strip())


def _meets(run: dict[str, Any], clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        return False
    held = _held(run, (found["kind"] or "attribute").lower(), found["key"])
    operator, wanted = found["op"].upper(), found["value"]
    if held is None:
        return False
    if operator in {"LIKE", "ILIKE"}:
        pattern = re.escape(wanted).replace("%", ".*").replace("_", ".")
        flags = re.IGNORECASE if operator == "ILIKE" else 0
        return re.fullmatch(pattern, held, flags) is not None
    return (held == wanted) is (operator == "=")


def _held(run: dict[str, Any], kind: str, key: str) -> str | None:
    if kind.startswith(("attribute", "run")):
        value = run["info"].get(key)
        return None if value is None else str(value)
    pairs = run["data"]["tags" if kind.startswith("tag") else "params"]
    return next((one["value"] for one in pairs if one["key"] == key), None)
