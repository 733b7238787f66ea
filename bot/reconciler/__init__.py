"""The loop that compares wish with fact, takes one step, and tells the people concerned."""

from bot.reconciler.look import Backends
from bot.reconciler.loop import Reconciler

__all__ = ["Backends", "Reconciler"]
