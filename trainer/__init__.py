"""Train and evaluate language models from a `RunSpec`; knows nothing of chat or bots."""
