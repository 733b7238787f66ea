"""The settings that only the azure profile has; docs/how-to/deploy-to-azure.md says where from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field, SecretStr, field_validator

ROOT = Path(__file__).parent.parent.parent
GUID = r"^$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
CredentialKind = Literal["managed_identity", "workload_identity", "certificate", "client_secret"]

Guid = Annotated[str, Field(pattern=GUID)]


class AzureSettings(BaseModel):
    """Where the product lives in Azure. Secrets come by Key Vault reference, never in a file."""

    tenant_id: Guid = Field(default="", description="Directory (tenant) of people and identities.")
    subscription_id: Guid = Field(default="", description="Subscription of the workspace.")
    resource_group: str = Field(default="", description="Resource group of the workspace.")
    workspace: str = Field(default="", description="Azure Machine Learning workspace.")
    bot_app_id: Guid = Field(
        default="", description="App registration of the bot: Teams, sign-in and API."
    )
    credential: CredentialKind = Field(
        default="managed_identity",
        description="How the bot proves who it is: " + ", ".join(get_args(CredentialKind)) + ".",
    )
    identity_client_id: Guid = Field(
        default="", description="Client id of the bot's identity; empty: the app registration."
    )
    certificate_file: Path | None = Field(
        default=None, description="PEM with key and certificate, for `credential=certificate`."
    )
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="For `credential=client_secret`, where nothing else can."
    )
    devops_url: str = Field(
        default="", description="Azure DevOps organisation: https://dev.azure.com/<organisation>."
    )
    devops_project: str = Field(default="", description="Project of the pipelines.")
    train_pipeline_id: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Number of the pipeline made of azure-pipelines/train.yml."
    )
    promote_pipeline_id: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Number of the pipeline made of azure-pipelines/promote.yml."
    )
    pipeline_branch: str = Field(
        default="refs/heads/main", description="Branch whose pipeline files are run."
    )
    service_connection: str = Field(
        default="krsp-training",
        description="Service connection by which train.yml reaches the workspace.",
    )
    promote_connection: str = Field(
        default="krsp-production",
        description="Service connection by which promote.yml registers and deploys.",
    )
    clusters_file: Path = Field(
        default=ROOT / "manifests" / "azureml" / "clusters.yaml",
        description="Which cluster a machine and its priority mean (YAML).",
    )
    trainer_image: str = Field(
        default="", description="Image that jobs run, by digest: <registry>/<name>@sha256:<hash>."
    )
    grant_key: SecretStr = Field(
        default=SecretStr(""),
        description="Private Ed25519 key (PEM) that signs the grants of jobs.",
    )
    sign_in: Literal["entra", "off"] = Field(
        default="entra", description="How people sign in; `off` is for the local profile only."
    )
    authority: str = Field(
        default="https://login.microsoftonline.com", description="Where people sign in."
    )
    session_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key of the session cookies, the same on each replica; 32 bytes or more.",
    )
    session_hours: Annotated[float, Field(gt=0, le=24)] = Field(
        default=12.0, description="Hours after which a browser must sign in again."
    )
    role_hours: Annotated[float, Field(gt=0, le=720)] = Field(
        default=72.0,
        description="Hours for which chat relies on the role that the last sign-in showed.",
    )
    service_clients: tuple[Guid, ...] = Field(
        default=(),
        description="Client ids of services that may call the bot (the pipelines' identity), "
        "separated by commas; empty: none.",
    )
    hooks_user: str = Field(default="azure-devops", description="User name of service hooks.")
    hooks_password: SecretStr = Field(
        default=SecretStr(""), description="Password of Azure DevOps' service hooks."
    )
    events_audience: str = Field(
        default="", description="Audience of Event Grid's tokens; empty: api://<bot app id>."
    )
    announce_thread: str = Field(
        default="", description="Conversation that hears of runs whose owner has none."
    )

    @field_validator("devops_url", "authority")
    @classmethod
    def _is_https(cls, url: str) -> str:
        if url and not url.startswith("https://"):
            raise ValueError(f"must begin with https://, not {url!r}")
        return url.rstrip("/")

    @field_validator("service_clients", mode="before")
    @classmethod
    def _is_list(cls, given: object) -> object:
        return [one.strip() for one in given.split(",")] if isinstance(given, str) else given

    @field_validator("session_key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        if key and len(key.get_secret_value().encode()) < 32:
            raise ValueError(
                "must have 32 bytes or more; `openssl rand -base64 32` makes such a key"
            )
        return key

    @field_validator("trainer_image")
    @classmethod
    def _is_pinned(cls, image: str) -> str:
        if image and "@sha256:" not in image:
            raise ValueError(f"must name the image by digest (<name>@sha256:<hash>), not {image!r}")
        return image


# Without these the profile cannot work.
_NEEDED = (
    "tenant_id",
    "subscription_id",
    "resource_group",
    "workspace",
    "bot_app_id",
    "devops_url",
    "devops_project",
    "train_pipeline_id",
    "promote_pipeline_id",
    "trainer_image",
    "grant_key",
    "public_url",
)
_OF_CREDENTIAL = {"certificate": "certificate_file", "client_secret": "client_secret"}


def needed(given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the fields that the azure profile must be given, `given` as it is."""
    extra = _OF_CREDENTIAL.get(given.get("credential", ""))
    return _NEEDED if extra is None else (*_NEEDED, extra)
