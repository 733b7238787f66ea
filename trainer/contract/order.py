"""An order: what a commit or a schedule asks the bot for, and the file that it is read from.

The files lie under `azure-pipelines/runs/`. The bot makes a run of an order through the same
policy as of a person's request; the pipeline that asks spends nothing by itself.
"""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.contract.faults import Fault, SpecError, faults_of
from trainer.contract.recipe import expand, find_recipe

# Where to ask, below the bot's address.
PATH = "/api/v1/requests"
KEY = r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{7,255}$"


class RunFile(BaseModel):
    """A file under `azure-pipelines/runs/`: a recipe, its changes, and in whose name it runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: str = Field(
        min_length=1, max_length=64, description="Directory object id of the person."
    )
    recipe: str = Field(min_length=1, max_length=64)
    changes: dict[str, Any] = Field(
        default={}, description="As in chat: lr, steps, data, or a dotted path of the spec."
    )
    schedule: str | None = Field(
        default=None, description="Five cron fields in UTC; empty: started by commits alone."
    )


class Order(BaseModel):
    """What is sent. The same `key` asks for the same run, however often it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["commit", "schedule", "manual"]
    key: str = Field(pattern=KEY)
    path: str = Field(min_length=1, max_length=256)
    commit: str = Field(default="", max_length=64)
    slot: str = Field(default="", max_length=32)
    owner: str = Field(min_length=1, max_length=64)
    recipe: str = Field(min_length=1, max_length=64)
    changes: dict[str, Any] = {}
    schedule: str | None = Field(default=None, max_length=100)
    asked_by: str = Field(default="", max_length=200)


class OrderAnswer(BaseModel):
    """What came of it: the run, its state, whether it is new, a sentence and the run's page."""

    model_config = ConfigDict(frozen=True)

    run_id: str | None
    status: str
    is_new: bool
    message: str
    url: str = ""


def read_run_file(path: Path) -> RunFile:
    """Return the file, its recipe and changes checked. Raises `SpecError` with every fault."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise _unreadable(f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _unreadable(f"is no valid YAML: {error}") from error
    try:
        found = RunFile.model_validate(content)
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error
    expand(find_recipe(found.recipe), found.changes)
    return found


def _unreadable(why: str) -> SpecError:
    return SpecError((Fault("", f"the file {why}"),))
