"""Serving a model at an address that stays: blue and green, and the local server of a model."""
