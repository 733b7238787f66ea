"""What each profile puts behind the ports and at the doors; the composition root joins it."""

import importlib
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import cast

from bot.adapters.sql import Password
from bot.profiles.local import local_parts
from bot.profiles.parts import Base, Files, Parts, backends_of
from bot.settings import Settings

__all__ = ["Base", "Files", "Parts", "backends_of", "parts_of", "password_of"]

Context = AbstractAsyncContextManager[Parts]


def parts_of(base: Base) -> Context:
    """Return the parts of the profile that the settings name, for as long as the context lasts."""
    if base.settings.profile == "local":
        return local_parts(base)
    return cast(Context, _azure().azure_parts(base))


def password_of(settings: Settings) -> Password | None:
    """Return what opens the store where its URL holds no password: a token of the bot itself."""
    if settings.profile == "local" or not settings.store_url.startswith("postgresql"):
        return None
    return cast(Password, _azure().store_password(settings))


def _azure() -> ModuleType:
    # Azure's SDKs take a second to load, which the local profile need not pay.
    return importlib.import_module("bot.profiles.azure")
