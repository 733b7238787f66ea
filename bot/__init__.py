"""The chat service: researchers ask, it launches, watches and tells."""
