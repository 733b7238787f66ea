"""How many tokens an epoch of a spec's data has, before anybody has tokenized it."""

from collections.abc import Mapping

from trainer.contract.data import Data, DataSource

# Tokens with a vocabulary of 2,048 to 4,096; the number hangs on the Python version a little.
BUILTIN_TOKENS = {
    "builtin:python-qa": 160_000,
    "builtin:python-topics": 140_000,
    "builtin:python-docstrings": 420_000,
    "builtin:python-code": 560_000,  # by a vocabulary that was made for prose
    "builtin:python-preferences": 120_000,  # both answers of each pair
    "builtin:python-judged": 60_000,
}
BYTES_PER_TOKEN = 4  # of English text in JSON, with vocabularies from 4,096 to 150,000


def epoch_tokens(data: Data, sizes: Mapping[str, int]) -> int | None:
    """Return about how many tokens an epoch has, each source by its weight; None if not known.

    `sizes` are the bytes of the files that were found, by the source's name in a job's inputs.
    """
    weights = dict.fromkeys(data.training_sources, 1.0)
    weights |= {f"mix{place}": source.weight for place, source in enumerate(data.mix)}
    found = 0.0
    for name, source in data.training_sources.items():
        tokens = _tokens(source, sizes.get(name))
        if tokens is None:
            return None
        found += weights[name] * tokens
    return round(found)


def unknown_sources(data: Data) -> tuple[str, ...]:
    """Return the sources that nobody knows the size of without looking at them."""
    sources = data.training_sources.values()
    return tuple(source.uri for source in sources if source.uri not in BUILTIN_TOKENS)


def _tokens(source: DataSource, size: int | None) -> int | None:
    return BUILTIN_TOKENS.get(source.uri) if size is None else size // BYTES_PER_TOKEN
