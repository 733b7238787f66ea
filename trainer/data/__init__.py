"""Rows to train on: read, checked by file and line, split. Loads nothing heavy by itself."""
