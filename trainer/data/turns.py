"""Read the turns of a talk: roles, tool calls, and the order that chat templates stand on."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.data.rows import ROLES, Message, Messages, RowError, Tools

# What others call the four roles: OpenAI's newer and older names, then ShareGPT's.
_SAME = {
    "developer": "system",
    "function": "tool",
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
_CALL = "function_call"  # ShareGPT: a turn of the assistant whose text is the call
# Hermes' data has calls as text; so an answer of a tool may follow a turn without `tool_calls`.
_CALL_IN_TEXT = "<tool_call>"


def read_messages(value: Any, name: str) -> Messages:
    """Return the messages of a list of `role` and `content`, or of ShareGPT's `from` and `value`.

    `name` is the column's. Raises `RowError`; the order of roles is `check_order`'s business.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise RowError(f"`{name}` must be a list; found {shown(value)}")
    if not value:
        raise RowError(f"`{name}` is empty; expected at least one message")
    return tuple(_message(one, number) for number, one in enumerate(value, 1))


def read_tools(value: Any) -> Tools:
    """Return the row's tools; a list, or the JSON text of one, as Parquet files have it.

    Raises `RowError`.
    """
    found = _parsed(value, "`tools`")
    if found is None or found == "":
        return ()
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise RowError(f"`tools` must be a list of functions; found {shown(found)}")
    return tuple(_tool(one, number) for number, one in enumerate(found, 1))


def check_order(messages: Messages) -> None:
    """Raise `RowError` for roles in an order that no talk has: templates fail or mislead on it."""
    turn_before: Message | None = None
    calls: set[str] | None = None  # ids of the calls that wait for a tool; None: nobody called
    for number, message in enumerate(messages, 1):
        _check_after(turn_before, message, number)
        if message.role == "tool":
            _check_called(calls, message, number)
        elif message.role == "assistant":
            calls = _calls(message)
        else:
            calls = None
        turn_before = message


def check_last(messages: Messages, name: str) -> None:
    """Raise `RowError` unless the assistant has the last word."""
    if messages[-1].role != "assistant":
        raise RowError(
            f"the last message of `{name}` must be the assistant's answer; "
            f"found role {messages[-1].role!r}"
        )


def shown(value: Any) -> str:
    """Return what kind of value this is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, int | float) else "another type")


def _check_after(before: Message | None, message: Message, number: int) -> None:
    role, last = message.role, before.role if before else None
    if role == "system" and number > 1:
        raise RowError(f"message {number} is the system's; it must be the first")
    if role == "user" and last == "user":
        raise RowError(f"messages {number - 1} and {number} are both the user's; join them")
    if role == "assistant" and last in {None, "system"}:
        raise RowError(f"message {number} is the assistant's, and nobody has asked yet")
    if role == "assistant" and last == "assistant":
        raise RowError(f"messages {number - 1} and {number} are both the assistant's; join them")


def _check_called(calls: set[str] | None, message: Message, number: int) -> None:
    if calls is None:
        raise RowError(f"message {number} is a tool's answer, and no call came before it")
    wanted = message.tool_call_id
    if wanted is not None and calls and wanted not in calls:
        raise RowError(f"message {number} answers call {wanted!r}, which nobody made")


def _calls(message: Message) -> set[str] | None:
    if not message.tool_calls and _CALL_IN_TEXT not in message.content:
        return None
    return {call["id"] for call in message.tool_calls if "id" in call}


def _message(value: Any, number: int) -> Message:
    if isinstance(value, Mapping) and "from" in value and "value" in value:
        value = _from_sharegpt(value, number)
    if not isinstance(value, Mapping) or "role" not in value:
        raise RowError(f"message {number} must have `role` and `content`; found {shown(value)}")
    role = _SAME.get(value["role"], value["role"]) if isinstance(value["role"], str) else None
    if role not in ROLES:
        raise RowError(f"message {number} has role {value['role']!r}; expected {', '.join(ROLES)}")
    calls = _tool_calls(value, role, number)
    content = _content(value, number, may_lack=bool(calls))
    if not content.strip() and not calls:
        raise RowError(f"message {number} ({role}) is empty")
    name, call_id = value.get("name"), value.get("tool_call_id")
    is_tool = role == "tool"
    return Message(
        role,
        content,
        calls,
        str(name) if is_tool and name is not None else None,
        str(call_id) if is_tool and call_id is not None else None,
    )


def _from_sharegpt(value: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    if value["from"] != _CALL:
        return {"role": value["from"], "content": value["value"]}
    call = _parsed(value["value"], f"message {number}: the call")
    calls = call if isinstance(call, list) else [call]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _content(value: Mapping[str, Any], number: int, *, may_lack: bool) -> str:
    if "content" not in value and not may_lack:
        raise RowError(f"message {number} must have `role` and `content`; found no `content`")
    content = value.get("content")
    if isinstance(content, str):
        return content
    if content is None and may_lack:
        return ""
    if isinstance(content, list):
        return "".join(_part(part, number) for part in content)
    raise RowError(f"message {number}: `content` must be text; found {shown(content)}")


def _part(part: Any, number: int) -> str:
    """Return the text of one of OpenAI's content parts."""
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, Mapping) else shown(part)
    raise RowError(f"message {number}: only parts of text can be learned; found {kind}")


def _tool_calls(value: Mapping[str, Any], role: str, number: int) -> tuple[Mapping[str, Any], ...]:
    found = value.get("tool_calls")
    if not found:
        return ()
    if role != "assistant":
        raise RowError(f"message {number}: only the assistant calls tools; found role {role!r}")
    if not isinstance(found, list):
        raise RowError(f"message {number}: `tool_calls` must be a list; found {shown(found)}")
    return tuple(_tool_call(call, number) for call in found)


def _tool_call(value: Any, number: int) -> Mapping[str, Any]:
    call = value.get("function") if isinstance(value, Mapping) and "function" in value else value
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
        raise RowError(f"message {number}: a tool call must have a `name`; found {shown(call)}")
    name = call["name"]
    arguments = _parsed(call.get("arguments") or {}, f"message {number}: the arguments of {name}")
    if not isinstance(arguments, Mapping):
        raise RowError(
            f"message {number}: the arguments of {name} must be an object; found {shown(arguments)}"
        )
    found = {"type": "function", "function": {"name": name, "arguments": arguments}}
    call_id = value.get("id")
    return found if call_id is None else found | {"id": str(call_id)}


def _tool(value: Any, number: int) -> Mapping[str, Any]:
    tool = value.get("function") if isinstance(value, Mapping) and "function" in value else value
    if not isinstance(tool, Mapping) or not isinstance(tool.get("name"), str):
        raise RowError(f"tool {number} must be a function with a `name`; found {shown(tool)}")
    return {"type": "function", "function": tool}


def _parsed(value: Any, what: str) -> Any:
    """Return what JSON text stands for; anything else as it is."""
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise RowError(f"{what} must be JSON; {error.msg} at character {error.pos + 1}") from error
