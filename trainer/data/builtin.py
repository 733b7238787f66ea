"""Real text that every Python installation has: the language's topics, its docstrings, its code.

Each source is made once in a process: torch and transformers add docstrings to the standard
library when they are loaded, between one reading of a source and the next.
"""

import ast
import hashlib
import importlib
import inspect
import pydoc_data.topics
import re
import textwrap
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from trainer.data.rows import (
    Document,
    Labelled,
    Message,
    Messages,
    Pair,
    Row,
    question_and_answer,
)

# Pure or harmless to import, and well documented. Fixed, so that a Python version has one hash.
MODULES = """
    abc argparse array ast asyncio base64 bisect builtins bz2 calendar cmath cmd code codecs
    collections collections.abc concurrent.futures configparser contextlib copy csv ctypes
    dataclasses datetime decimal difflib dis doctest email.message enum filecmp fileinput
    fnmatch fractions ftplib functools gc getopt getpass gettext glob gzip hashlib heapq hmac
    html html.parser http.client http.cookies http.server imaplib importlib.util inspect io
    ipaddress itertools json keyword linecache locale logging logging.handlers lzma mailbox math
    mimetypes multiprocessing operator os os.path pathlib pickle pickletools pkgutil platform
    plistlib poplib pprint profile pstats queue quopri random re sched secrets select selectors
    shelve shlex shutil signal smtplib socket socketserver sqlite3 ssl stat statistics string
    struct subprocess symtable sys sysconfig tarfile tempfile textwrap threading time timeit
    token tokenize trace traceback tracemalloc types typing unicodedata unittest urllib.parse
    urllib.request uuid warnings wave weakref webbrowser xml.dom.minidom xml.etree.ElementTree
    xml.sax xmlrpc.client zipfile zipimport zlib zoneinfo
"""
QUESTIONS = (
    "What does {name} do?",
    "Explain {name}.",
    "What is {name} for?",
    "Describe {name} in Python.",
)
# An answer is the docstring's first paragraph: long ones are tables and option lists.
ANSWER_CHARACTERS = (20, 600)
# Shorter functions say nothing, longer ones are few.
CODE_CHARACTERS = (120, 900)


@cache
def python_topics() -> tuple[Row, ...]:
    """Return the articles of the language reference that `help()` shows, in order of name."""
    topics = pydoc_data.topics.topics
    return tuple(Document(topics[name]) for name in sorted(topics))


@cache
def python_docstrings() -> tuple[Row, ...]:
    """Return the topics and every docstring of the standard library, each with its name."""
    named = tuple(Document(f"{name}\n\n{text}") for name, text in _docstrings())
    return python_topics() + named


@cache
def python_code() -> tuple[Row, ...]:
    """Return the functions of the standard library that are written in Python, in a fixed order."""
    return tuple(Document(text) for text in dict.fromkeys(_functions()))


@cache
def python_qa() -> tuple[Row, ...]:
    """Return a question about each documented name, answered by its docstring's first paragraph."""
    return tuple(question_and_answer(_question(name), answer) for name, answer in _answers())


@cache
def python_preferences() -> tuple[Row, ...]:
    """Return questions, each with its answer preferred to a paragraph of the manual beside it."""
    return tuple(Pair(_asked(name), _said(own), _said(beside)) for name, own, beside in _judged())


@cache
def python_judged() -> tuple[Row, ...]:
    """Return questions with an answer each: the right one, or a paragraph beside the question."""
    return tuple(
        Labelled(_asked(name), _said(beside if number % 2 else own), is_good=not number % 2)
        for number, (name, own, beside) in enumerate(_judged())
    )


BUILTINS: Mapping[str, Callable[[], tuple[Row, ...]]] = {
    "builtin:python-topics": python_topics,
    "builtin:python-docstrings": python_docstrings,
    "builtin:python-code": python_code,
    "builtin:python-qa": python_qa,
    "builtin:python-preferences": python_preferences,
    "builtin:python-judged": python_judged,
}


def _asked(name: str) -> Messages:
    return (Message("user", _question(name)),)


def _said(answer: str) -> Messages:
    return (Message("assistant", answer),)


def _judged() -> Iterator[tuple[str, str, str]]:
    """Yield (dotted name, its answer, a text of the manual that does not answer), none twice.

    Nobody has packaged judged answers, so the bad ones are answers to nothing: real prose about
    Python, of the same length, by which even a tiny model can learn to stay with the question.
    """
    by_chance = sorted(_answers(), key=lambda one: hashlib.sha256(one[0].encode()).digest())
    for (name, answer), text in zip(by_chance, _paragraphs(), strict=False):
        yield name, answer, text


def _paragraphs() -> Iterator[str]:
    """Yield each paragraph of the manual once, where its length is that of an answer."""
    shortest, longest = ANSWER_CHARACTERS
    topics = pydoc_data.topics.topics
    paragraphs = (one for name in sorted(topics) for one in re.split(r"\n\s*\n", topics[name]))
    texts = dict.fromkeys(" ".join(one.split()) for one in paragraphs)
    for text in texts:
        if shortest <= len(text) <= longest and text.endswith("."):  # no heading, no code
            yield text


def _answers() -> Iterator[tuple[str, str]]:
    """Yield (dotted name, first paragraph of its docstring) where that is of a fit length."""
    shortest, longest = ANSWER_CHARACTERS
    for name, text in _docstrings():
        answer = " ".join(re.split(r"\n\s*\n", text, maxsplit=1)[0].split())
        if shortest <= len(answer) <= longest:
            yield name, answer


def _functions() -> Iterator[str]:
    """Yield the source of each function and method, without the indentation of its class."""
    shortest, longest = CODE_CHARACTERS
    for module in _modules().values():
        path = getattr(module, "__file__", None) or ""
        if not path.endswith(".py"):
            continue
        with tokenize.open(path) as file:  # in the encoding that the file declares
            text = file.read()
        lines = text.splitlines(keepends=True)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                source = textwrap.dedent("".join(lines[node.lineno - 1 : node.end_lineno]))
                if shortest <= len(source) <= longest:
                    yield source


def _question(name: str) -> str:
    pick = hashlib.sha256(name.encode()).digest()[0] % len(QUESTIONS)
    return QUESTIONS[pick].format(name=name)


def _docstrings() -> Iterator[tuple[str, str]]:
    """Yield (dotted name, docstring), each text once, in a fixed order."""
    seen: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Deprecated names have docstrings too.
        modules = _modules().items()
        members = [found for name, module in modules for found in _members(module, name)]
        texts = [(name, inspect.getdoc(value)) for name, value in members]
    for name, text in texts:
        if text and text not in seen:
            seen.add(text)
            yield name, text


def _modules() -> dict[str, ModuleType]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return {name: importlib.import_module(name) for name in MODULES.split()}


def _members(module: ModuleType, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in sorted(vars(module).items()):
        if key.startswith("_") or not _is_documented_kind(value):
            continue
        name = key if prefix == "builtins" else f"{prefix}.{key}"
        yield name, value
        if inspect.isclass(value):
            for method_key, method in sorted(vars(value).items()):
                if not method_key.startswith("_") and _is_documented_kind(method):
                    yield f"{name}.{method_key}", method


def _is_documented_kind(value: Any) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, property)
