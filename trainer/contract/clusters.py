"""Which cluster a machine and its priority mean, as `manifests/azureml/clusters.yaml` says it.

Dedicated or low priority is a property of a cluster in Azure ML, not of a job.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Priority = Literal["dedicated", "low"]


class ClusterEntry(BaseModel):
    """Jobs for `sku` at `priority` go to the compute called `cluster`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sku: str = Field(min_length=1, max_length=64)
    priority: Priority = "dedicated"
    cluster: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{1,31}$")


_ENTRIES = TypeAdapter(tuple[ClusterEntry, ...])


class ClustersError(Exception):
    """The file cannot be used, or has no such cluster; the text is a sentence for a person."""


def read_clusters(path: Path) -> tuple[ClusterEntry, ...]:
    """Return the entries of the file, in its order. Raises `ClustersError`."""
    try:
        entries = _ENTRIES.validate_python(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise ClustersError(
            f"The file of clusters {path} cannot be read: {error.strerror}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClustersError(f"The file of clusters {path} is no valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ClustersError(
            f"The file of clusters {path} is not usable: {place or 'file'}: {first['msg']}."
        ) from error
    meant = [(entry.sku, entry.priority) for entry in entries]
    twice = next((pair for pair in meant if meant.count(pair) > 1), None)
    if twice is not None:
        raise ClustersError(f"The file of clusters {path} names {' '.join(twice)} twice; keep one.")
    return entries


def find_cluster(entries: Iterable[ClusterEntry], sku: str, priority: Priority) -> str:
    """Return the cluster's name. Raises `ClustersError`, which says what there is instead."""
    known = tuple(entries)
    for entry in known:
        if (entry.sku, entry.priority) == (sku, priority):
            return entry.cluster
    others = [entry.priority for entry in known if entry.sku == sku]
    if others:
        raise ClustersError(
            f"There is no cluster of {sku} at {priority} priority, but one at {others[0]}: "
            f"set compute.priority to {others[0]}."
        )
    there_are = ", ".join(dict.fromkeys(entry.sku for entry in known)) or "none"
    raise ClustersError(
        f"There is no cluster of {sku} here; set compute.sku to one of {there_are}."
    )
