"""Local tasks for lm-eval: found and checked without loading it, and never from a hub."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from trainer.contract.faults import Fault, SpecError
from trainer.data.rows import Row
from trainer.tasks.python_choice import choices, question_rows

Docs = Mapping[str, tuple[Mapping[str, Any], ...]]

# lm-eval's own words in a task's file that bring code in, or other files.
REFUSED = ("class", "custom_dataset", "group", "include", "task_list", "unsafe_code")
FILES = (".yaml", ".yml")
BUILTIN = "builtin:python-qa-choice"


@dataclass(frozen=True)
class Task:
    """A task of lm-eval. `rows` are the ones that it asks about, which no run may learn from.

    `config` is what lm-eval takes as it is; `docs` are the questions by split.
    """

    name: str
    config: Mapping[str, Any]
    docs: Docs
    rows: tuple[Row, ...] = ()


def shipped() -> tuple[str, ...]:
    """Return the names of the tasks that come with the trainer."""
    names = (file.name for file in resources.files("trainer.tasks").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def find_tasks(names: Sequence[str], workdir: Path) -> tuple[Task, ...]:
    """Return the tasks that a spec names. Raises `SpecError` with everything wrong at once."""
    found: list[Task] = []
    faults: list[Fault] = []
    for name in names:
        try:
            found.append(_find(name, workdir))
        except SpecError as error:
            faults += error.faults
    names_found = [task.name for task in found]
    for name in sorted({name for name in names_found if names_found.count(name) > 1}):
        faults.append(Fault("eval.tasks", f"The task `{name}` is named more than once."))
    if faults:
        raise SpecError(faults)
    return tuple(found)


def asked_rows(names: Sequence[str], workdir: Path) -> tuple[Row, ...]:
    """Return the rows that the tasks ask about: they are kept out of training."""
    return tuple(row for task in find_tasks(names, workdir) for row in task.rows)


def _find(name: str, workdir: Path) -> Task:
    if name in shipped():
        return _task(Path(str(resources.files("trainer.tasks") / f"{name}.yaml")), name)
    path = (workdir / name).resolve()
    if path.suffix not in FILES or not path.is_file():
        raise _fault(
            f"There is no task `{name}`. There are: {', '.join(shipped())}; or give the "
            "path of a task's YAML file in the working directory."
        )
    if not path.is_relative_to(workdir.resolve()):
        raise _fault(f"The task `{name}` lies outside the working directory.")
    return _task(path, name)


def _task(path: Path, name: str) -> Task:
    config = _read(path, name)
    for key in REFUSED:
        if config.get(key):
            raise _fault(
                f"The task `{name}` has `{key}`: a task here is one file with its "
                "questions beside it, and runs no code of its own."
            )
    task = config.setdefault("task", path.stem)
    source, files = config.pop("dataset_path", None), config.pop("dataset_kwargs", None)
    if source == BUILTIN:
        rows = question_rows()
        return Task(task, config, {"test": choices(rows)}, rows)
    if source != "json":
        raise _fault(
            f"The task `{name}` has dataset_path {source!r}. Nothing is fetched from a "
            "hub: put the questions into a file of JSON lines, and write `dataset_path: "
            "json` with `dataset_kwargs: {data_files: {test: FILE}}`."
        )
    return Task(task, config, _docs(path, name, files))


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        problem = getattr(error, "problem", None) or "it is not UTF-8 text"
        raise _fault(f"The task `{name}` cannot be read: {problem}{where}.") from error
    if not isinstance(config, dict) or not isinstance(config.get("task", ""), str):
        raise _fault(f"The task `{name}` is not one task: a mapping of lm-eval's settings.")
    return config


def _docs(path: Path, name: str, kwargs: Any) -> Docs:
    files = kwargs.get("data_files") if isinstance(kwargs, dict) else None
    if isinstance(files, str):
        files = {"test": files}
    if not isinstance(files, dict) or not files:
        raise _fault(
            f"The task `{name}` names no file of questions: write `dataset_kwargs: "
            "{data_files: {test: FILE}}`."
        )
    return {split: _lines(path.parent / str(file), name) for split, file in files.items()}


def _lines(path: Path, name: str) -> tuple[Mapping[str, Any], ...]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(f"The questions of task `{name}` cannot be read from {path.name}.") from error
    docs = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            docs.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise _fault(f"{path.name} of task `{name}`, line {number}: {error.msg}.") from error
    if not docs:
        raise _fault(f"The task `{name}` has no questions: {path.name} is empty.")
    return tuple(docs)


def _fault(message: str) -> SpecError:
    return SpecError([Fault("eval.tasks", message)])
