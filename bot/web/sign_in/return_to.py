"""Where to go after signing in: a page of ours, never another site's."""

from urllib.parse import urlsplit

from bot.errors import InputError

_LONGEST = 1500  # it travels in a cookie, which may have 4 KB


def own_path(text: str) -> str:
    """Return the path with its query. Raises `InputError` for anything that is not one of ours.

    Browsers read a backslash as a slash and skip tabs and line ends, so none may be in it.
    """
    is_plain = text.isascii() and text.isprintable() and not set(text) & set('\\ "<>^`{|}')
    parts = urlsplit(text) if is_plain and len(text) <= _LONGEST else None
    is_ours = parts is not None and not (parts.scheme or parts.netloc)
    if not is_ours or not text.startswith("/") or text.startswith(("//", "/auth/", "/api/")):
        raise InputError("After signing in, only a page of this site can follow. Open it by hand.")
    return text
