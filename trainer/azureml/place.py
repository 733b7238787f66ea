"""Where jobs go, as the pipeline's variable group `krsp` says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trainer.azureml.errors import RefusedError

CLUSTERS_FILE = Path("manifests") / "azureml" / "clusters.yaml"
_NAMES = {
    "subscription_id": "KRSP_SUBSCRIPTION_ID",
    "resource_group": "KRSP_RESOURCE_GROUP",
    "workspace": "KRSP_WORKSPACE",
    "image": "KRSP_TRAINER_IMAGE",
    "bot_url": "KRSP_BOT_URL",
    "bot_app_id": "KRSP_BOT_APP_ID",
    "grant_public_key": "KRSP_GRANT_PUBLIC_KEY",
}


@dataclass(frozen=True)
class Place:
    """A workspace, the image that jobs run there, and the bot whose grant they need."""

    subscription_id: str
    resource_group: str
    workspace: str
    image: str
    bot_url: str
    bot_app_id: str
    grant_public_key: str
    clusters_file: Path = CLUSTERS_FILE


def read_place(env: Mapping[str, str]) -> Place:
    """Return the place. Raises `RefusedError` that names everything missing or wrong."""
    values = {field: env.get(name, "").strip() for field, name in _NAMES.items()}
    faults = [f"{_NAMES[field]} is not set" for field, value in values.items() if not value]
    if values["image"] and "@sha256:" not in values["image"]:
        faults.append(f"KRSP_TRAINER_IMAGE must name the image by digest, not {values['image']}")
    if values["bot_url"] and not _is_safe(values["bot_url"]):
        faults.append(f"KRSP_BOT_URL must begin with https://, not {values['bot_url']}")
    if faults:
        raise RefusedError(
            f"The pipeline does not know where to submit: {'; '.join(faults)}.",
            remedy="Complete the variable group `krsp` (docs/how-to/deploy-to-azure.md).",
        )
    clusters = Path(env.get("KRSP_CLUSTERS_FILE") or CLUSTERS_FILE)
    return Place(**values, clusters_file=clusters)


def _is_safe(url: str) -> bool:
    """Return whether a token may be sent there: over TLS, or without leaving this machine."""
    address = urlsplit(url)
    return address.scheme == "https" or address.hostname in {"127.0.0.1", "localhost", "::1"}
