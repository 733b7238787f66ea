"""Who asks: people by cookie or Teams' token, services by a token of their own."""
