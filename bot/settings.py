"""From `KRSP_*` in the environment, and the files they name, to frozen settings.

Everything missing or wrong is named at once: nobody fixes one thing only to meet the next.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.domain.people import Person, Role
from bot.domain.policy import Policy
from bot.errors import SetupError

PREFIX = "KRSP_"
DEFAULTS = Path(__file__).parent / "defaults"
ROOT = Path(__file__).parent.parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseModel):
    """What an installation decides; each field is the setting `KRSP_<NAME>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: Literal["local", "azure"] = Field(
        default="local", description="`local`: one machine, no sign-in. `azure`: not built yet."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=3978, description="Port to listen on."
    )
    home: Path = Field(default=Path(".krsp"), description="Folder for runs, store and logs.")
    public_url: str = Field(
        default="", description="How people reach the pages; empty: `http://<host>:<port>`."
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL of the store; default: SQLite in KRSP_HOME."
    )
    policy_file: Path = Field(
        default=DEFAULTS / "policy.yaml", description="Who may spend what (YAML)."
    )
    people_file: Path = Field(
        default=DEFAULTS / "people.yaml", description="The people of the local profile (YAML)."
    )
    pipeline_file: Path = Field(
        default=ROOT / "azure-pipelines" / "train.yml", description="The pipeline to interpret."
    )
    slots: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Local jobs that may run at once: the number of GPUs, or 1."
    )
    sweep_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, description="Seconds between two looks at all unfinished runs."
    )
    card_every_s: Annotated[float, Field(ge=0, le=600)] = Field(
        default=5.0, description="Seconds between two edits of a card while only numbers move."
    )
    stop_grace_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=30.0, description="Seconds a cancelled job has to save before it is killed."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="How much the bot's own log says."
    )

    @field_validator("profile")
    @classmethod
    def _is_built(cls, profile: str) -> str:
        if profile == "azure":
            raise ValueError("the azure profile is not built yet; use `local`")
        return profile

    @field_validator("host")
    @classmethod
    def _is_loopback(cls, host: str) -> str:
        if host not in LOOPBACK:
            raise ValueError(
                f"the local profile has no sign-in, so it listens on this machine only; "
                f"use 127.0.0.1, not {host}"
            )
        return host

    @field_validator("public_url")
    @classmethod
    def _is_here(cls, url: str) -> str:
        if url and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError(
                f"without sign-in everybody who reaches the pages can act as anybody, so they must "
                f"be reached on this machine; use http://127.0.0.1:<port>, not {url}"
            )
        return url

    @field_validator("policy_file", "people_file", "pipeline_file")
    @classmethod
    def _is_there(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @model_validator(mode="after")
    def _has_address(self) -> "Settings":
        url = self.public_url or f"http://{self.host}:{self.port}"
        object.__setattr__(self, "public_url", url.rstrip("/"))  # frozen for everybody else
        return self

    @property
    def store_url(self) -> str:
        """Return the SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite+aiosqlite:///{self.home.resolve() / 'krsp.db'}"


# Set by the demo and the Playground alone; `serve` need not know them, nor refuse them.
OTHERS = frozenset({"KRSP_PLAYGROUND_PORT", "KRSP_CHROMIUM"})


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings. Raises `SetupError` that names everything wrong, unknown names too."""
    given = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(PREFIX) and key not in OTHERS and value != ""
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SetupError(_all_faults(error)) from error


def _all_faults(error: ValidationError) -> str:
    lines = []
    for fault in error.errors(include_url=False):
        name = PREFIX + "_".join(str(part) for part in fault["loc"]).upper()
        message = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting (docs/reference/settings.md lists them)"
        lines.append(f"{name}: {message}" if fault["loc"] else message)
    return "The settings are not usable: " + "; ".join(lines) + "."


class _PersonEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=64)]
    tenant: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    role: Role


class _PeopleFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: list[_PersonEntry]


def load_people(path: Path) -> tuple[Person, ...]:
    """Return the people of the file; two entries for one account are refused."""
    try:
        entries = _PeopleFile.model_validate(_read_yaml(path)).people
    except ValidationError as error:
        raise SetupError(f"The people file {path} is not usable: {_places(error)}.") from error
    accounts = [(entry.id, entry.tenant) for entry in entries]
    twice = next((a for a in accounts if accounts.count(a) > 1), None)
    if twice is not None:
        raise SetupError(f"The people file {path} has the id {twice[0]} twice; keep one.")
    return tuple(Person(entry.id, entry.tenant, entry.name, entry.role) for entry in entries)


def load_policy(path: Path) -> Policy:
    """Return the policy of the file."""
    try:
        return Policy.model_validate(_read_yaml(path))
    except ValidationError as error:
        raise SetupError(f"The policy file {path} is not usable: {_places(error)}.") from error


def _places(error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    return "; ".join(f"{'.'.join(map(str, f['loc'])) or 'file'}: {f['msg']}" for f in faults)


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise SetupError(
            f"The file {path} cannot be read ({error.strerror}); set KRSP_POLICY_FILE or "
            "KRSP_PEOPLE_FILE to one that can."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SetupError(f"The file {path} is no valid YAML: {error}") from error
