"""Expand `${{ }}` and templates: from the file as written to the file as Azure would run it.

A template is included where a list of stages, jobs, steps or variables has an item `- template:`.
Its path is relative to the file that the item stands in, or to the repository with a leading `/`.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.evaluate import Scope
from bot.adapters.local.interpreter.parameters import bind, declared
from bot.adapters.local.interpreter.shape import check_keys, mapping, sequence, text
from bot.adapters.local.interpreter.source import Mapping, Node, Scalar, Sequence, Where, kind, read
from bot.adapters.local.interpreter.texts import Directive, directive, evaluate_at, fill
from bot.adapters.local.interpreter.values import (
    from_node,
    mapping_of,
    to_boolean,
    to_node,
)

MAX_TEMPLATES_DEEP = 20  # Azure's limit is 100; a file that includes itself shows sooner

# What the value of a key is, by what it stands in: only there do templates and variables mean
# anything. The items of `stages` are each a stage, and so on.
_CHILDREN = {
    "pipeline": {"stages": "stages", "jobs": "jobs", "steps": "steps", "variables": "variables"},
    "stage": {"jobs": "jobs", "variables": "variables"},
    "job": {"steps": "steps", "variables": "variables", "strategy": "strategy"},
    # Where the steps of a deployment job stand.
    "strategy": {"runOnce": "runOnce"},
    "runOnce": {"deploy": "hook"},
    "hook": {"steps": "steps"},
}
_ITEMS = {"stages": "stage", "jobs": "job", "steps": "step", "variables": "variable"}


@dataclass(frozen=True)
class _Context:
    """What an expansion needs: where templates are, what may be named, how deep we are."""

    root: Path
    scope: Scope
    groups: frozenset[str] = frozenset()
    depth: int = 0


def load(
    root: Path,
    file: str,
    given: dict[str, str],
    predefined: dict[str, str],
    *,
    groups: frozenset[str] = frozenset(),
) -> Mapping:
    """Return the pipeline `file` below `root` with nothing left to expand.

    `given` are the parameters' values; `predefined` the variables known before the run starts.
    `groups` names variable groups whose variables the run is given by other means.
    """
    document = read(root / file, name=file)
    asked = mapping_of(dict(given), Where(file, document.where.line))
    parameters = bind(declared(document.get("parameters")), asked)
    scope = _scope(parameters, mapping_of(dict(predefined)))
    return _mapping(_without_parameters(document), _Context(root, scope, groups), "pipeline")


def _scope(parameters: Mapping, variables: Node) -> Scope:
    names = {"parameters": from_node(parameters), "variables": from_node(variables)}
    return Scope(names, strict=frozenset({"parameters"}))


def _without_parameters(document: Mapping) -> Mapping:
    rest = tuple(entry for entry in document.entries if entry[0].text != "parameters")
    return Mapping(rest, document.where)


def _expand(node: Node, context: _Context, level: str) -> Node:
    if isinstance(node, Scalar):
        return fill(node, context.scope)
    if isinstance(node, Sequence):
        return Sequence(tuple(_items(node, context, level)), node.where)
    return _mapping(node, context, level)


def _mapping(node: Mapping, context: _Context, level: str) -> Mapping:
    levels = _CHILDREN.get(level, {})
    if "variables" in levels:
        context = _with_variables(node, context)
    result = Mapping(tuple(_entries(node, context, levels)), node.where)
    seen: set[str] = set()
    for key in result.keys:
        if key.text.lower() in seen:
            raise PipelineError(f"{key.where}: the key `{key.text}` is given twice.")
        seen.add(key.text.lower())
    return result


Entry = tuple[Scalar, Node]


def _entries(node: Mapping, context: _Context, levels: dict[str, str]) -> Iterator[Entry]:
    branches = _Branches(context.scope)
    for key, value in node.entries:
        found = directive(key)
        if found is None:
            branches.close()
            filled = fill(key, context.scope)
            if not isinstance(filled, Scalar):
                raise PipelineError(f"{key.where}: a key must be a text, not {kind(filled)}.")
            yield filled, _expand(value, context, levels.get(filled.text, "plain"))
            continue
        for inner in _rounds(found, context) if branches.takes(found) else ():
            result = value if isinstance(value, Mapping) else _expand(value, inner, "plain")
            body = mapping(result, f"what stands under `{found.word}` in a mapping")
            yield from body.entries if body is not value else _entries(body, inner, levels)


def _items(node: Sequence, context: _Context, level: str) -> Iterator[Node]:
    branches = _Branches(context.scope)
    for item in node.items:
        found = _item_directive(item)
        if found is None or not isinstance(item, Mapping):
            branches.close()
            yield from _item(item, context, level)
            continue
        for inner in _rounds(found, context) if branches.takes(found) else ():
            body = _expand(item.entries[0][1], inner, level)
            yield from sequence(body, f"{found.word} in a list").items


def _item(item: Node, context: _Context, level: str) -> Iterator[Node]:
    result = _expand(item, context, _ITEMS.get(level, "plain"))
    spread = isinstance(item, Scalar) and isinstance(result, Sequence)
    for each in result.items if spread and isinstance(result, Sequence) else (result,):
        if level in _ITEMS and isinstance(each, Mapping) and each.get("template") is not None:
            yield from _include(each, context, level)
        elif not (level == "variables" and _is_given(each, context)):
            yield each


def _is_given(item: Node, context: _Context) -> bool:
    return isinstance(item, Mapping) and text(item, "group") in context.groups


def _item_directive(item: Node) -> Directive | None:
    if isinstance(item, Mapping) and len(item.entries) == 1:
        found = directive(item.entries[0][0])
        return None if found is not None and found.word == "insert" else found
    return None


class _Branches:
    """Decides, within one mapping or list, which body of an if, elseif and else is taken."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._taken: bool | None = None

    def close(self) -> None:
        """Note that something else came: an `else` has no `if` any more."""
        self._taken = None

    def takes(self, found: Directive) -> bool:
        """Return whether the body of `found` is to be expanded."""
        if found.word in {"each", "insert"}:
            self.close()
            return True
        if found.word == "if":
            self._taken = self._holds(found)
            return self._taken
        if self._taken is None:
            raise PipelineError(f"{found.where}: `{found.word}` does not follow an `if`.")
        takes = not self._taken and (found.word == "else" or self._holds(found))
        self._taken = None if found.word == "else" else self._taken or takes
        return takes

    def _holds(self, found: Directive) -> bool:
        return to_boolean(evaluate_at(found.rest, self._scope, found.where))


def _rounds(found: Directive, context: _Context) -> Iterator[_Context]:
    """Yield the contexts in which the body is expanded: one, or one for each item of a loop."""
    if found.word != "each":
        yield context
        return
    name, text_of_collection = found.loop()
    collection = evaluate_at(text_of_collection, context.scope, found.where)
    if not isinstance(collection, (Sequence, Mapping)):
        if collection not in {None, ""}:
            raise PipelineError(f"{found.where}: `each` needs a list or mapping.")
        return
    if isinstance(collection, Sequence):
        items = [from_node(item) for item in collection.items]
    else:
        items = [_pair(key, value) for key, value in collection.entries]
    for item in items:
        yield replace(context, scope=context.scope.with_name(name, item))


def _pair(key: Scalar, value: Node) -> Mapping:
    return Mapping(
        ((Scalar("key", key.where), key), (Scalar("value", key.where), value)), key.where
    )


def _with_variables(node: Mapping, context: _Context) -> _Context:
    """Return a context in which the variables that `node` declares can be named."""
    block = node.get("variables")
    if block is None:
        return context
    expanded = _expand(block, context, "variables")
    known = context.scope.names["variables"]
    entries = list(known.entries) if isinstance(known, Mapping) else []
    merged = (*_variable_entries(expanded), *entries)
    return replace(context, scope=context.scope.with_name("variables", Mapping(merged, node.where)))


def _variable_entries(block: Node) -> Iterator[Entry]:
    if isinstance(block, Mapping):
        yield from block.entries
        return
    # The last of two variables with one name wins, and a lookup takes the first.
    for item in reversed(sequence(block, "variables").items):
        if isinstance(item, Mapping) and item.get("name") is not None:
            yield Scalar(text(item, "name"), item.where), Scalar(text(item, "value"), item.where)


def _include(item: Mapping, context: _Context, level: str) -> Iterator[Node]:
    check_keys(item, frozenset({"template", "parameters"}), "a template")
    if context.depth >= MAX_TEMPLATES_DEEP:
        raise PipelineError(
            f"{item.where}: templates are nested more than {MAX_TEMPLATES_DEEP} deep."
        )
    file = _resolve(item)
    document = read(context.root / file, name=file)
    for key in document.keys:
        if key.text not in {"parameters", level}:
            raise PipelineError(
                f"{key.where}: `{key.text}` cannot stand in a template of {level} "
                f"(included in {item.where})."
            )
    given = mapping(item.get("parameters") or Mapping((), item.where), "`parameters`")
    bound = bind(declared(document.get("parameters")), Mapping(given.entries, item.where))
    variables = to_node(context.scope.names["variables"], item.where)
    scope = _scope(bound, variables)
    inner = replace(context, scope=scope, depth=context.depth + 1)
    body = document.get(level)
    if body is None:
        raise PipelineError(f"{document.where}: a template of {level} needs `{level}`.")
    expanded = _expand(body, inner, level)
    if level == "variables" and isinstance(expanded, Mapping):
        for key, value in expanded.entries:
            yield Mapping(
                ((Scalar("name", key.where), key), (Scalar("value", key.where), value)), key.where
            )
        return
    yield from sequence(expanded, level).items


def _resolve(item: Mapping) -> str:
    """Return the template's path below the repository."""
    path, _, repository = text(item, "template").partition("@")
    if repository not in {"", "self"}:
        raise PipelineError(
            f"{item.where}: templates of other repositories are not supported here."
        )
    folder = "" if path.startswith("/") else posixpath.dirname(item.where.file)
    file = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
    if file.startswith(".."):
        raise PipelineError(f"{item.where}: the template `{path}` is outside the repository.")
    return file
