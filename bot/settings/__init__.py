"""What an installation decides: `KRSP_*` in the environment, and the files that they name."""

from bot.settings.base import DEFAULTS, Settings, load_settings
from bot.settings.files import load_clusters, load_people, load_policy

__all__ = ["DEFAULTS", "Settings", "load_clusters", "load_people", "load_policy", "load_settings"]
