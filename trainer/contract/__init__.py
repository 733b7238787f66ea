"""All that crosses between bot and trainer: specs, recipes, estimates, progress, failures, jobs.

Imports pydantic and PyYAML, nothing heavier, so that the bot can load it in milliseconds.
"""
