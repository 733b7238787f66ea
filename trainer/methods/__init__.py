"""Training methods: one file each, and the file's name is what a spec calls it.

A file says which rows it learns from (`ROWS`), whether the model is asked in chat (`CHAT`), and
makes the loop that trains (`make_loop`). It loads heavy libraries in there alone: `validate` looks
into it without torch. See `trainer.method` and `trainer.loop`.
"""
