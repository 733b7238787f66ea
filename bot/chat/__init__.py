"""From what a person says to what the bot answers, without knowing Teams."""
