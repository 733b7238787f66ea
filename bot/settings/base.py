"""From `KRSP_*` in the environment to frozen settings.

Everything missing or wrong is named at once: nobody fixes one thing only to meet the next.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.errors import SetupError
from bot.settings.azure import ROOT, AzureSettings, needed

PREFIX = "KRSP_"
DEFAULTS = ROOT / "bot" / "defaults"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(AzureSettings):
    """What an installation decides; each field is the setting `KRSP_<NAME>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: Literal["local", "azure"] = Field(
        default="local",
        description="`local`: one machine, no sign-in. `azure`: Azure, Entra ID and Teams.",
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
        default="",
        description="Where the store is: `sqlite:////folder/krsp.db`, or "
        "`postgresql://user@host:5432/database`; default: SQLite in KRSP_HOME.",
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

    @field_validator("policy_file", "people_file", "pipeline_file")
    @classmethod
    def _is_there(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @field_validator("host")
    @classmethod
    def _is_loopback(cls, host: str, info: ValidationInfo) -> str:
        if info.data.get("profile") == "local" and host not in LOOPBACK:
            raise ValueError(
                f"the local profile has no sign-in, so it listens on this machine only; "
                f"use 127.0.0.1, not {host}"
            )
        return host

    @field_validator("public_url")
    @classmethod
    def _is_reached_safely(cls, url: str, info: ValidationInfo) -> str:
        address = urlsplit(url)
        if not url or address.hostname in LOOPBACK:
            return url
        if info.data.get("profile") == "local":
            raise ValueError(
                f"without sign-in everybody who reaches the pages can act as anybody, so they must "
                f"be reached on this machine; use http://127.0.0.1:<port>, not {url}"
            )
        if address.scheme != "https":
            raise ValueError(f"people sign in over https only, not {url}")
        return url

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
    faults = _lacking(given) if given.get("profile") == "azure" else []
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        faults = [*_all_faults(error), *faults]
        raise SetupError(_sentence(faults)) from error
    if faults:
        raise SetupError(_sentence(faults))
    return settings


def _sentence(faults: list[str]) -> str:
    return "The settings are not usable: " + "; ".join(faults) + "."


def _lacking(given: Mapping[str, str]) -> list[str]:
    """Return what the azure profile cannot do without."""
    absent = [PREFIX + name.upper() for name in needed(given) if name not in given]
    faults = []
    if absent:
        where = "docs/how-to/deploy-to-azure.md says where each comes from"
        faults.append(f"the azure profile also needs {', '.join(absent)} ({where})")
    if given.get("sign_in") == "off":
        faults.append("KRSP_SIGN_IN: the azure profile does not start with sign-in off; use entra")
    return faults


def _all_faults(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        name = PREFIX + "_".join(str(part) for part in fault["loc"]).upper()
        message = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
        if fault["type"] == "extra_forbidden":
            message = "there is no such setting (docs/reference/settings.md lists them)"
        lines.append(f"{name}: {message}" if fault["loc"] else message)
    return lines
