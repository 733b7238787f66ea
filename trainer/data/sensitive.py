"""Secrets and personal data in text, by pattern: what was found is named, never repeated.

A pattern is no proof, and its absence is none either: what it finds is a warning, for a person.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def _always(_found: str) -> bool:
    return True


@dataclass(frozen=True)
class Pattern:
    """`hint` is in every text that the expression matches: to look for it first is faster."""

    name: str
    hint: str
    expression: re.Pattern[str]
    is_real: Callable[[str], bool] = _always


def sensitive(text: str) -> Iterator[str]:
    """Yield the name of each pattern that the text has, once."""
    for pattern in PATTERNS:
        if pattern.hint in text and any(
            pattern.is_real(found[0]) for found in pattern.expression.finditer(text)
        ):
            yield pattern.name
    if _MANY_DIGITS.search(text):
        for pattern in NUMBERS:
            if any(pattern.is_real(found[0]) for found in pattern.expression.finditer(text)):
                yield pattern.name


def passes_luhn(text: str) -> bool:
    """Return whether the digits carry the check digit of payment cards (ISO/IEC 7812-1)."""
    digits = [int(one) for one in text if one.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * one, 10)) for one in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Return whether the account number carries its check digits (ISO 13616: modulo 97)."""
    packed = text.replace(" ", "")
    if not 15 <= len(packed) <= 34:
        return False
    turned = packed[4:] + packed[:4]
    return int("".join(str(int(one, 36)) for one in turned)) % 97 == 1


def _is_phone(text: str) -> bool:
    # E.164 allows 15 digits; fewer than 9 with a country's code are rather a sum or a version.
    return 9 <= sum(one.isdigit() for one in text) <= 15


# The forms are those that the issuers document for their secret scanning partners.
PATTERNS = (
    Pattern("a private key", "PRIVATE KEY-----", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    Pattern("an AWS access key", "A", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    Pattern("an API key (sk-)", "sk-", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}")),
    Pattern("a Stripe key", "k_live_", re.compile(r"\b[sr]k_live_[A-Za-z0-9]{16,}")),
    Pattern("a GitHub token", "gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}")),
    Pattern("a GitHub token", "github_pat_", re.compile(r"\bgithub_pat_\w{22,}")),
    Pattern("a Hugging Face token", "hf_", re.compile(r"\bhf_[A-Za-z0-9]{30,}")),
    Pattern("a Slack token", "xox", re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}")),
    Pattern("a Google API key", "AIza", re.compile(r"\bAIza[\w-]{35}")),
    Pattern(
        "an Azure storage key", "AccountKey=", re.compile(r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}")
    ),
    Pattern("a JSON web token", "eyJ", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+")),
    Pattern("a password in a URL", "://", re.compile(r"://[^\s:/@?#]+:[^\s:/@?#]+@[\w.-]+")),
    Pattern(
        "an e-mail address",
        "@",
        re.compile(r"(?<![\w:/@])[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b"),
    ),
    Pattern(
        "a phone number",
        "+",
        re.compile(r"(?<![\w+])\+[1-9]\d{0,2}(?:[ ./()-]{0,2}\d{1,4}){2,6}(?!\d)"),
        _is_phone,
    ),
)
_MANY_DIGITS = re.compile(r"\d\d[ )-]{0,2}\d")
NUMBERS = (
    Pattern(
        "a phone number", "", re.compile(r"(?<![\w-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\w-])")
    ),
    Pattern(
        "an IBAN",
        "",
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        is_iban,
    ),
    Pattern(
        "a payment card's number",
        "",
        re.compile(r"(?<![\d.-])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\d.-]\d)(?!\d)"),
        passes_luhn,
    ),
)
