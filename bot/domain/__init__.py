"""What the bot knows and decides, without touching the world."""
