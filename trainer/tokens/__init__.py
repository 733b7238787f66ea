"""From rows to packed batches of tokens. Loads tokenizers, transformers and torch."""
