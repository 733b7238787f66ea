"""`python -m bot ask`: a conversation with the running bot in a terminal.

The console is a Teams stand-in of its own: it posts activities to the bot's gateway, and its own
connector on loopback takes what the bot says. It is the same way that Teams goes.
"""

from bot.teams.console.main import main

__all__ = ["main"]
