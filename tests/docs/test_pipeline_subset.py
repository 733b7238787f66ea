"""The page on the pipeline's subset names all that the interpreter knows."""

import re

import pytest

from bot.adapters.local.interpreter import evaluate, functions, parameters, plan, steps, tasks

KNOWN = {
    "key": plan._PIPELINE | plan._STAGE | plan._JOB | plan._DEPLOYMENT,
    "step key": steps._COMMON | steps._SCRIPT,
    "step": frozenset(steps._READERS),
    "task": frozenset(name.partition("@")[0] for name in tasks._TASKS),
    "function": frozenset(functions.FUNCTIONS) | frozenset(evaluate._LAZY),
    "status": evaluate._STATUS_NAMES,
    "parameter type": frozenset(parameters._CHECKS),
}


@pytest.fixture(scope="module")
def named(repository):
    page = (repository / "docs" / "reference" / "pipeline-subset.md").read_text("utf-8")
    return {word.lower() for word in re.findall(r"[A-Za-z]+", page)}


@pytest.mark.parametrize(
    ("kind", "word"), [(kind, word) for kind, words in KNOWN.items() for word in sorted(words)]
)
def test_the_page_names_each(named, kind, word):
    assert word.lower() in named, f"{kind} {word}"
