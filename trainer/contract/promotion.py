"""What crosses to `python -m trainer register` and `deploy`: the order, and the local endpoints."""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.contract.faults import Fault, SpecError, faults_of
from trainer.contract.spec import NAME_PATTERN

# What Azure ML takes for an online endpoint's name
# (https://learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints).
ENDPOINT_PATTERN = r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$"
KEY_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
COLOURS = ("blue", "green")
MOST_INSTANCES = 10
MOST_HOURS = 24 * 31

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
EndpointName = Annotated[str, Field(pattern=ENDPOINT_PATTERN)]
Key = Annotated[str, Field(pattern=KEY_PATTERN)]
Sha256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PromotionOrder(_Value):
    """One promotion: which model is served where. `key` makes doing it twice have one effect.

    `job` is the job whose output `model` is registered; `model_sha256` refuses any other model
    (empty: unknown). `lineage` is kept with the registered version; its keys begin with `krsp.`.
    """

    version: Literal[1] = 1
    key: Key
    run_id: Key
    job: Key
    model: Name
    model_sha256: Sha256 = ""
    endpoint: EndpointName
    machine: Annotated[str, Field(min_length=1, max_length=64)]
    instances: Annotated[int, Field(ge=1, le=MOST_INSTANCES)] = 1
    hours: Annotated[float, Field(gt=0, le=MOST_HOURS, allow_inf_nan=False)]
    lineage: dict[Annotated[str, Field(pattern=r"^krsp\.[a-z0-9_.]+$")], str] = {}


class EndpointFile(_Value):
    """`KRSP_HOME/endpoints/<name>/endpoint.json`: which colour has the traffic, and until when."""

    name: str
    traffic: str = ""  # a colour, or empty
    expires_at: float | None = None  # Unix seconds


class DeploymentFile(_Value):
    """`<endpoint>/<colour>/deployment.json`: what shall be served, as long as the file is there."""

    colour: str
    key: str
    run_id: str
    model: str
    version: str
    folder: str  # the model's files
    created_at: float


class ServerFile(_Value):
    """`<endpoint>/<colour>/server.json`: what its keeper says; `pid` is the server's own."""

    state: Literal["starting", "ready", "unhealthy", "failed"]
    port: int
    pid: int
    born: float
    restarts: int = 0
    fault: str = ""


def endpoint_folder(home: Path, name: str) -> Path:
    """Return the folder of a local endpoint below `home` (`KRSP_HOME`)."""
    return home / "endpoints" / name


def model_folder(home: Path, model: str, run_id: str) -> Path:
    """Return where the files of a registered version lie below `home`."""
    return home / "models" / model / run_id


def encode_order(order: PromotionOrder) -> str:
    """Return base64url of the order's JSON: no agent expands anything in it."""
    return base64.urlsafe_b64encode(_canonical(order)).decode().rstrip("=")


def decode_order(text: str) -> PromotionOrder:
    """Return the order of `encode_order`. Raises `SpecError` with everything wrong with it."""
    try:
        padded = text.strip() + "=" * (-len(text.strip()) % 4)
        return PromotionOrder.model_validate_json(
            base64.b64decode(padded, altchars=b"-_", validate=True)
        )
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error
    except (binascii.Error, UnicodeError) as error:
        raise SpecError([Fault("", "The order is not the base64url of a JSON text.")]) from error


def order_hash(order: PromotionOrder) -> str:
    """Return the sha256 of what the order says."""
    return hashlib.sha256(_canonical(order)).hexdigest()


def _canonical(order: PromotionOrder) -> bytes:
    body = order.model_dump(mode="json")
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
