"""Read a YAML file into nodes that remember their file and line."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as RawNode
from typing_extensions import override

from bot.adapters.local.interpreter.errors import PipelineError


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file, printed as `azure-pipelines/train.yml:12`."""

    file: str
    line: int

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text; Azure Pipelines gives YAML's own numbers and booleans no meaning either.

    `typed` is set where an expression made the text: a boolean parameter stays false, not 'False'.
    """

    text: str
    where: Where
    typed: bool | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple["Node", ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file; a `${{ }}` key may occur twice, another may not."""

    entries: tuple[tuple[Scalar, "Node"], ...]
    where: Where

    def get(self, key: str) -> "Node | None":
        """Return the value of `key`, compared as Azure does: ignoring case."""
        wanted = key.lower()
        return next((value for name, value in self.entries if name.text.lower() == wanted), None)

    @property
    def keys(self) -> tuple[Scalar, ...]:
        """The keys in order."""
        return tuple(name for name, _ in self.entries)


Node = Scalar | Sequence | Mapping
_KINDS = {Scalar: "a text", Sequence: "a list", Mapping: "a mapping"}


def kind(node: Node) -> str:
    """Return what `node` is, in words for a message."""
    return _KINDS[type(node)]


def read(path: Path, *, name: str) -> Mapping:
    """Read the file at `path`, called `name` in messages; it must hold one mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PipelineError(f"{name}: there is no such file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"{name}: the file cannot be read: {error}.") from error
    return parse(text, name=name)


def parse(text: str, *, name: str) -> Mapping:
    """Parse `text`, called `name` in messages; it must hold one mapping."""
    try:
        raw = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PipelineError(f"{name}:{line}: not valid YAML: {error.problem}.") from error
    except YAMLError as error:
        raise PipelineError(f"{name}: not valid YAML: {error}.") from error
    if not isinstance(raw, MappingNode):
        raise PipelineError(f"{name}:1: a pipeline file must hold one mapping.")
    return _mapping(raw, name)


def _convert(raw: RawNode, file: str) -> Node:
    where = Where(file, raw.start_mark.line + 1)
    if raw.anchor is not None:
        raise PipelineError(f"{where}: Azure Pipelines knows no YAML anchors: use a template.")
    if isinstance(raw, ScalarNode):
        is_null = raw.style is None and str(raw.tag).endswith(":null")
        return Scalar("" if is_null else str(raw.value), where)
    if isinstance(raw, SequenceNode):
        return Sequence(tuple(_convert(item, file) for item in raw.value), where)
    if isinstance(raw, MappingNode):
        return _mapping(raw, file)
    raise PipelineError(f"{where}: neither a text nor a list nor a mapping.")


def _mapping(raw: MappingNode, file: str) -> Mapping:
    return Mapping(tuple(_entries(raw, file)), Where(file, raw.start_mark.line + 1))


def _entries(raw: MappingNode, file: str) -> Iterator[tuple[Scalar, Node]]:
    seen: set[str] = set()
    for raw_key, raw_value in raw.value:
        key = _convert(raw_key, file)
        if not isinstance(key, Scalar):
            raise PipelineError(f"{file}:{raw_key.start_mark.line + 1}: a key must be a text.")
        if not key.text.startswith("${{"):
            if key.text.lower() in seen:
                raise PipelineError(f"{key.where}: the key `{key.text}` is given twice.")
            seen.add(key.text.lower())
        yield key, _convert(raw_value, file)
