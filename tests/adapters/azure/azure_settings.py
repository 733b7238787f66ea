"""Settings of the azure profile for the twin's world."""

from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.settings import Settings, load_settings
from tests.azure_twin import world

PUBLIC_URL = "https://krsp.example.com"


def azure_environment(home: Path, **others: str) -> Mapping[str, str]:
    """Return the environment of a bot that is set up well, but for `others`."""
    key = Ed25519PrivateKey.generate()
    values = {
        "profile": "azure",
        "home": str(home),
        "tenant_id": world.TENANT,
        "subscription_id": world.SUBSCRIPTION,
        "resource_group": world.RESOURCE_GROUP,
        "workspace": world.WORKSPACE,
        "bot_app_id": world.BOT_APP,
        "identity_client_id": world.BOT_IDENTITY,
        "devops_url": world.DEVOPS_URL,
        "devops_project": world.PROJECT,
        "train_pipeline_id": str(world.PIPELINES["train"]),
        "promote_pipeline_id": str(world.PIPELINES["promote"]),
        "trainer_image": "acr.azurecr.io/krsp-trainer@sha256:" + "0" * 64,
        "grant_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "public_url": PUBLIC_URL,
        "session_key": "0" * 48,
        "hooks_password": "a-long-random-password",
        **others,
    }
    return {f"KRSP_{name.upper()}": value for name, value in values.items()}


def azure_settings(home: Path, **others: str) -> Settings:
    """Return those settings, read as the bot reads them."""
    return load_settings(azure_environment(home, **others))
