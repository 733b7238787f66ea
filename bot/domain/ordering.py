"""What a pipeline run is told: the parameters of the files under `azure-pipelines/`."""

import base64
from collections.abc import Mapping

from trainer.contract.spec import RunSpec, canonical_json


def train_parameters(name: str, spec: RunSpec) -> Mapping[str, str]:
    """Return the parameters of `train.yml`; `name` is `Run.name`.

    The spec is data: base64url cannot hold anything that an agent would expand.
    """
    encoded = base64.urlsafe_b64encode(canonical_json(spec).encode()).decode().rstrip("=")
    return {"runKey": name, "spec": encoded}


def promote_parameters(name: str, action: str, order: str) -> Mapping[str, str]:
    """Return the parameters of `promote.yml`; `order` is `Promotion.order`."""
    return {"runKey": name, "action": action, "order": order}
