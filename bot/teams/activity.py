"""Read a Bot Framework activity from the wire: is it whole, who speaks, where, and what of."""

import hashlib
import html
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.chat.turn import Actor, Turn
from bot.domain.people import Thread, ThreadKind
from bot.errors import ForbiddenError, MalformedError

Activity = Mapping[str, Any]

# The channel id of `python -m bot ask`; accepted on loopback only, as all that carries no token.
CONSOLE = "console"

_KINDS = {
    "personal": ThreadKind.PERSONAL,
    "groupChat": ThreadKind.GROUP,
    "channel": ThreadKind.CHANNEL,
}
_NAME_LENGTH = 100  # a display name is for reading only
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")


def parse(body: bytes) -> dict[str, Any]:
    """Return the activity in a request's body; raise `MalformedError` when there is none."""
    try:
        raw = _printable(json.loads(body, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise MalformedError("The body is not JSON; send one activity as a JSON object.") from error
    if not isinstance(raw, dict):
        raise MalformedError("The body is JSON but no object; send one activity.")
    if not _word(raw, "type"):
        raise MalformedError("The activity has no type.")
    return raw


def origin(raw: Activity) -> tuple[str, str]:
    """Return (channelId, serviceUrl); without both no token can be checked."""
    channel_id, service_url = _word(raw, "channelId"), _word(raw, "serviceUrl")
    if not channel_id or not service_url:
        raise ForbiddenError("The activity does not say where it comes from.")
    return channel_id, service_url


def tenant(raw: Activity, allowed: frozenset[str]) -> str:
    """Return the activity's tenant; an empty `allowed` lets nobody in.

    Teams says it twice, and both must agree: the SDK's model drops the one of `conversation`.
    """
    places = (
        _word(_dict(raw, "conversation"), "tenantId"),
        _word(_dict(_dict(raw, "channelData"), "tenant"), "id"),
    )
    said = {text.lower() for text in places if text}
    if len(said) != 1:
        raise ForbiddenError("The activity does not say clearly which tenant it is from.")
    ours = {name.lower(): name for name in allowed}
    found = ours.get(said.pop())
    if found is None:
        raise ForbiddenError("This bot does not serve the activity's tenant.")
    return found


def thread(raw: Activity, tenant_id: str) -> Thread:
    """Return the conversation; a reply to it reaches the same thread of a channel."""
    conversation = _dict(raw, "conversation")
    name = _word(conversation, "id")
    if not name:
        raise MalformedError("The activity has no conversation id.")
    channel_id, service_url = origin(raw)
    kind = _KINDS.get(_word(conversation, "conversationType"), _guessed(name))
    return Thread(
        id=name,
        service_url=service_url,
        kind=ThreadKind.CONSOLE if channel_id == CONSOLE else kind,
        tenant=tenant_id,
        bot_id=_word(_dict(raw, "recipient"), "id"),
    )


def actor(raw: Activity, tenant_id: str) -> Actor | None:
    """Return who speaks, or None where the channel does not vouch for a directory account."""
    sender = _dict(raw, "from")
    directory_id = _word(sender, "aadObjectId")
    if not directory_id:
        return None
    name = " ".join(_word(sender, "name").split())[:_NAME_LENGTH]
    return Actor(directory_id, tenant_id, name or directory_id)


def turn(raw: Activity, who: Actor, where: Thread) -> Turn:
    """Return the message or click as the core wants it."""
    data = click(raw)
    return Turn(
        key=_key(raw, who, where, data),
        actor=who,
        thread=where,
        text="" if data else spoken(raw),
        action=data,
        shown_id=(_word(raw, "replyToId") or None) if data else None,
    )


def click(raw: Activity) -> dict[str, Any]:
    """Return the data of a clicked Action.Execute or Action.Submit; else nothing."""
    value = _dict(raw, "value")
    if raw.get("type") == "invoke":
        pressed = _dict(value, "action")
        data = _own(_dict(pressed, "data"))
        verb = _word(pressed, "verb")
        return {"action": verb, **data} if verb else data
    # A message with text was typed or is a button that types; only our own buttons name an action.
    is_submit = not _word(raw, "text").strip() or "action" in value
    return _own(value) if is_submit else {}


def spoken(raw: Activity) -> str:
    """Return what was typed: without the mention of the bot, entities undone, one space between.

    Mentions are found by the `entities`: a name may hold any characters, also `<at>`.
    """
    text, me = _word(raw, "text"), _word(_dict(raw, "recipient"), "id")
    for entity in _dicts(raw, "entities"):
        written, mentioned = _word(entity, "text"), _dict(entity, "mentioned")
        if entity.get("type") != "mention" or not written:
            continue
        shown = "" if _word(mentioned, "id") == me else _word(mentioned, "name")
        text = text.replace(written, f" {shown} ", 1)
    return " ".join(_INVISIBLE.sub("", html.unescape(text)).split())


def search(raw: Activity, parameter: str) -> tuple[str, int]:
    """Return what was typed into a message extension's search, and how many results to skip.

    The box asks once before anything is typed, with another parameter (`initialRun`).
    """
    value = _dict(raw, "value")
    typed = [p for p in _dicts(value, "parameters") if p.get("name") == parameter]
    skip = _dict(value, "queryOptions").get("skip")
    text = " ".join(_word(typed[0], "value").split()) if typed else ""
    return text, skip if isinstance(skip, int) else 0


def link(raw: Activity) -> str:
    """Return the link that was pasted into a message."""
    return _word(_dict(raw, "value"), "url")


def arrival(raw: Activity) -> bool | None:
    """Return True where the bot was added, False where it was removed, None for other news."""
    if raw.get("type") == "installationUpdate":
        action = _word(raw, "action").lower()
        return {"add": True, "add-upgrade": True, "remove": False, "remove-upgrade": False}.get(
            action
        )
    if raw.get("type") != "conversationUpdate":
        return None
    me = _word(_dict(raw, "recipient"), "id")
    # The casing of eventType is "teamDeleted" in the documents and "TeamDeleted" on some wires.
    if _word(_dict(raw, "channelData"), "eventType").lower() in _ENDS:
        return False
    for field, meaning in (("membersAdded", True), ("membersRemoved", False)):
        if me and any(_word(member, "id") == me for member in _dicts(raw, field)):
            return meaning
    return None


_ENDS = {"teamdeleted", "teamharddeleted", "channeldeleted"}


def is_loopback(url: str) -> bool:
    """Return whether an http(s) address leads to this machine and nowhere else."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in {"http", "https"} and is_loopback_host(host)
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Return whether a host name or address means this machine; an empty one means all networks."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _key(raw: Activity, who: Actor, where: Thread, data: Mapping[str, Any]) -> str:
    """Return the same key for the same message or click, also where it comes with a new id.

    A click's nonce belongs to the card, so who clicked and what was put in are in the key as well.
    """
    nonce = data.get("nonce")
    is_automatic = _dict(raw, "value").get("trigger") == "automatic"
    if isinstance(nonce, str) and nonce and not is_automatic:
        # Hashed, since a nonce may itself be the key of an earlier turn, and keys would grow.
        told = json.dumps([who.id, data], sort_keys=True, separators=(",", ":"))
        return f"{where.id}|{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    name = _word(raw, "id")
    if not name:
        raise MalformedError("The activity has no id, so a repetition could not be told from it.")
    return f"{where.id}|{name}"


def _guessed(conversation_id: str) -> ThreadKind:
    if "@thread.tacv2" in conversation_id or "@thread.skype" in conversation_id:
        return ThreadKind.CHANNEL
    return ThreadKind.GROUP if conversation_id.startswith("19:") else ThreadKind.PERSONAL


def _own(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != "msteams"}


def _word(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def _dict(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _dicts(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _printable(value: Any) -> Any:
    """Drop what JSON can say and neither UTF-8 nor a database can hold: lone surrogates and NUL."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("", value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
