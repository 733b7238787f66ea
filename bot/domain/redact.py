"""Secrets out of text, by their shape, before it reaches a card, a page or a file to download."""

import re

MARK = "[redacted]"

_BEGIN = r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----"
_END = r"-----END [A-Z ]{0,40}PRIVATE KEY-----"
KEY_BLOCK_BEGIN = re.compile(_BEGIN)
KEY_BLOCK_END = re.compile(_END)

# `password`, `AZURE_CLIENT_SECRET`, `AccountKey` always name a secret; `key` and `token` often do
# not (`eos_token: </s>`), so those two hide only values that are long enough to be one.
_STRONG = (
    r"(?:api|access|account|client|private|shared|subscription|encryption|signing|storage)[_-]?key"
    r"|(?:access|shared[_-]?access|secret[_-]?access)[_-]?key(?:[_-]?id)?"
    r"|(?:client|app|user)?[_-]?secret|secret[_-]?key|password|passwd|passphrase|pwd|credentials?"
    r"|(?:access|refresh|id|auth|session|hf|hub|sas|bearer)[_-]?token"
)
_WEAK = r"key|token|pat"
_PREFIX = r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,40}[_-]){0,6}"
_IS = r"[\"']?[ \t]{0,3}(?:=>|[=:])[ \t]{0,3}"
_QUOTED = r"\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'"
_ISSUED = (
    r"gh[oprsu]_[A-Za-z0-9]{16,255}|github_pat_\w{20,255}|glpat-[\w-]{16,64}"
    r"|hf_[A-Za-z0-9]{16,64}|sk-[\w-]{16,255}|xox[abeoprs]-[A-Za-z0-9-]{10,255}"
    r"|pypi-[\w-]{16,255}|npm_[A-Za-z0-9]{20,64}"
)
_BARE = r"[^\s\"'&,;<>(){}\[\]]"

# Pattern and replacement, in this order: blocks, values by their name, values by their own shape.
# Every repeat is bounded, so that a hostile line stays cheap.
_RULES = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, replacement, flags in (
        # A private key, also one whose end is cut off.
        (rf"{_BEGIN}.*?(?:{_END}|\Z)", MARK, re.DOTALL),
        # https://user:password@host
        (
            r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,256}:)[^\s/]{1,512}(?=@)",
            rf"\1{MARK}",
            re.IGNORECASE,
        ),
        # Authorization: Basic ..., and "Bearer ..." anywhere unless it reads like a word.
        (
            r"(\bauthorization[\"']?:[ \t]{0,3}[\"']?[a-z]{2,12}[ \t]{1,3})[\w.~+/=-]{3,8192}",
            rf"\1{MARK}",
            re.IGNORECASE | re.ASCII,
        ),
        (
            r"(\bbearer[ \t]{1,3})(?=[a-z._~+/=-]{0,60}[0-9]|\S{20})[\w.~+/=-]{8,8192}",
            rf"\1{MARK}",
            re.IGNORECASE | re.ASCII,
        ),
        # The signature of a shared access URL: ?sv=...&sig=...
        (r"([?&;]sig=)[^&\s\"'<>\[]{1,512}", rf"\1{MARK}", re.IGNORECASE),
        (
            rf"({_PREFIX}(?:{_STRONG}){_IS})(?:{_QUOTED}|{_BARE}{{3,4096}})",
            rf"\1{MARK}",
            re.IGNORECASE,
        ),
        (
            rf"({_PREFIX}(?:{_WEAK}){_IS})(?:(?=[\"'][^<]{{8}})(?:{_QUOTED})|{_BARE}{{8,4096}})",
            rf"\1{MARK}",
            re.IGNORECASE,
        ),
        # JSON web tokens: three parts, the first one an object.
        (r"\beyJ[A-Za-z0-9_-]{6,4096}\.[A-Za-z0-9_-]{4,8192}\.[A-Za-z0-9_-]{0,4096}", MARK, 0),
        # The prefixes of GitHub, GitLab, Hugging Face, OpenAI and its kin, Slack, PyPI, npm.
        (
            rf"\b(?:{_ISSUED})",
            MARK,
            re.ASCII,
        ),
        # AWS key ids.
        (r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", MARK, 0),
        # Azure: storage keys (64 bytes in base64), client secrets (`abc8Q~...`).
        (r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])", MARK, 0),
        (r"(?<![\w.~-])[\w.-]{3}[0-9]Q~[\w.~-]{31,34}(?![\w~])", MARK, re.ASCII),
    )
)


# What every rule's text has in small letters. Most lines have none of it, and to see that is forty
# times cheaper than to try the rules: a log of a million lines is read in seconds. Each branch
# begins with a letter of its own and not with a group, else `re` looks closer at every place.
_SIGNS = re.compile(
    r"key[\"']?[ \t]{0,3}[=:]|key[_-]?id[\"']?[ \t]{0,3}[=:]|token[\"']?[ \t]{0,3}[=:]"
    r"|secret[\"']?[ \t]{0,3}[=:]|pass(?:word|wd|phrase)[\"']?[ \t]{0,3}[=:]"
    r"|pwd[\"']?[ \t]{0,3}[=:]|pat[\"']?[ \t]{0,3}[=:]|credentials?[\"']?[ \t]{0,3}[=:]"
    r"|bearer[ \t]|authorization[\"']?:|sig=|://[^\s/]{1,800}@|private key-----|eyj|==|q~"
    r"|gh[oprsu]_|github_pat_|glpat-|hf_|sk-|xox[abeoprs]-|pypi-|npm_|akia|asia|abia|acca"
)


def redact(text: str) -> str:
    """Return `text` without what looks like a secret; doing it again changes nothing.

    Lines may be given one by one, but for a private key, which is known by its first line only:
    who cuts text into lines hides those between `KEY_BLOCK_BEGIN` and `KEY_BLOCK_END` himself.
    """
    if not _SIGNS.search(text.lower()):
        return text
    whole, replacement = _RULES[0]
    return "\n".join(map(_redacted_line, whole.sub(replacement, text).split("\n")))


def _redacted_line(line: str) -> str:
    if _SIGNS.search(line.lower()):
        for pattern, replacement in _RULES[1:]:
            line = pattern.sub(replacement, line)
    return line
