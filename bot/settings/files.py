"""The files that the settings name: people, policy and clusters."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.people import Person, Role
from bot.domain.policy import Policy
from bot.errors import SetupError
from trainer.contract.clusters import ClusterEntry, ClustersError, read_clusters


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


def load_clusters(path: Path) -> tuple[ClusterEntry, ...]:
    """Return the clusters of the file."""
    try:
        return read_clusters(path)
    except ClustersError as error:
        raise SetupError(str(error)) from error


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
