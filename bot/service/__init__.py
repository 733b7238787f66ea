"""What people can ask for; the chat and the page are two doors to it."""

from bot.service.requests import Service
from bot.service.world import (
    BaseFolder,
    DataFile,
    DataFinder,
    FolderFinder,
    HubModel,
    ModelFinder,
    World,
)

__all__ = [
    "BaseFolder",
    "DataFile",
    "DataFinder",
    "FolderFinder",
    "HubModel",
    "ModelFinder",
    "Service",
    "World",
]
