"""Typed parameters of a pipeline or template: what is given is checked, the rest defaulted."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.adapters.local.interpreter.errors import ExpressionError, PipelineError
from bot.adapters.local.interpreter.shape import check_keys, mapping, sequence, text, texts
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Sequence, Where, kind
from bot.adapters.local.interpreter.values import to_node, to_number

_KEYS = frozenset({"name", "displayName", "type", "default", "values"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter."""

    name: str
    type: str
    default: Node | None
    allowed: tuple[str, ...]
    where: Where


def declared(node: Node | None) -> tuple[Parameter, ...]:
    """Read a `parameters:` block."""
    if node is None:
        return ()
    if isinstance(node, Mapping):
        raise PipelineError(f"{node.where}: give parameters as a list with `name` and `type`.")
    found = tuple(_declaration(item) for item in sequence(node, "parameters").items)
    names = [parameter.name.lower() for parameter in found]
    for parameter in found:
        if names.count(parameter.name.lower()) > 1:
            raise PipelineError(f"{found[-1].where}: `{parameter.name}` is declared twice.")
    return found


def bind(parameters: tuple[Parameter, ...], given: Mapping) -> Mapping:
    """Return a value for each parameter; `given` holds texts, or nodes from a template's caller."""
    known = {parameter.name.lower() for parameter in parameters}
    for key in given.keys:
        if key.text.lower() not in known:
            names = ", ".join(parameter.name for parameter in parameters) or "none"
            raise PipelineError(
                f"{key.where}: there is no parameter `{key.text}`; declared are: {names}."
            )
    pairs = tuple(
        (Scalar(parameter.name, parameter.where), _value(parameter, given))
        for parameter in parameters
    )
    return Mapping(pairs, given.where)


def _declaration(node: Node) -> Parameter:
    entry = mapping(node, "a parameter")
    check_keys(entry, _KEYS, "a parameter")
    name, type_name = text(entry, "name"), text(entry, "type", "string")
    if not name:
        raise PipelineError(f"{entry.where}: a parameter needs a `name`.")
    if type_name not in _CHECKS:
        known = ", ".join(_CHECKS)
        raise PipelineError(
            f"{entry.where}: the type `{type_name}` is not supported here; known are: {known}."
        )
    allowed = texts(entry, "values")
    return Parameter(name, type_name, entry.get("default"), allowed, entry.where)


def _value(parameter: Parameter, given: Mapping) -> Node:
    node = given.get(parameter.name)
    if node is None or (isinstance(node, Scalar) and not node.text and parameter.default is None):
        node = parameter.default
    if node is None:
        raise PipelineError(
            f"{given.where}: the parameter `{parameter.name}` needs a value "
            f"(declared in {parameter.where})."
        )
    checked = _CHECKS[parameter.type](parameter, node)
    if parameter.allowed and isinstance(checked, Scalar):
        allowed = {_text_of(parameter, choice) for choice in parameter.allowed}
        if checked.text not in allowed:
            choices = ", ".join(f"`{choice}`" for choice in parameter.allowed)
            raise PipelineError(
                f"{node.where}: `{checked.text}` is not one of {choices}, "
                f"the values of the parameter `{parameter.name}`."
            )
    return checked


def _text_of(parameter: Parameter, choice: str) -> str:
    node = _CHECKS[parameter.type](parameter, Scalar(choice, parameter.where))
    return node.text if isinstance(node, Scalar) else ""


def _wrong(parameter: Parameter, node: Node, wanted: str) -> PipelineError:
    found = f"`{node.text}`" if isinstance(node, Scalar) else kind(node)
    return PipelineError(
        f"{node.where}: the parameter `{parameter.name}` must be {wanted}, not {found}."
    )


def _string(parameter: Parameter, node: Node) -> Node:
    if not isinstance(node, Scalar):
        raise _wrong(parameter, node, "a text")
    return Scalar(node.text, node.where)


def _number(parameter: Parameter, node: Node) -> Node:
    if isinstance(node, Scalar) and node.text:
        try:
            return to_node(to_number(node.text), node.where)
        except ExpressionError:
            pass  # refused below, as any other text is
    raise _wrong(parameter, node, "a number")


def _boolean(parameter: Parameter, node: Node) -> Node:
    if isinstance(node, Scalar) and node.text.lower() in {"true", "false"}:
        return to_node(node.text.lower() == "true", node.where)
    raise _wrong(parameter, node, "true or false")


def _object(_: Parameter, node: Node) -> Node:
    return node


def _list(parameter: Parameter, node: Node) -> Node:
    if isinstance(node, Scalar) and not node.text:
        return Sequence((), node.where)
    if not isinstance(node, Sequence):
        raise _wrong(parameter, node, "a list")
    return node


def _mapping(parameter: Parameter, node: Node) -> Node:
    if not isinstance(node, Mapping):
        raise _wrong(parameter, node, "a mapping")
    return node


_CHECKS: dict[str, Callable[[Parameter, Node], Node]] = {
    "string": _string,
    "number": _number,
    "boolean": _boolean,
    "object": _object,
    "step": _mapping,
    "stepList": _list,
    "job": _mapping,
    "jobList": _list,
    "stage": _mapping,
    "stageList": _list,
    "stringList": _list,
}
