"""What people can ask for; the chat and the page are two doors to it."""

from bot.service.requests import Service
from bot.service.world import DataFile, DataFinder, World

__all__ = ["DataFile", "DataFinder", "Service", "World"]
