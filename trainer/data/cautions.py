"""Say in words what a census found that a person should look at before training."""

from collections.abc import Iterator
from dataclasses import dataclass

from trainer.contract.data import Data
from trainer.data.census import CHARACTERS_A_TOKEN, Census, Finding, SourceCensus


@dataclass(frozen=True)
class Caution:
    """Something found in `count` rows; `places` names the first of them by file and line.

    `what` is its name, the same in every run; `said` the sentence. Nothing of a row is repeated.
    """

    what: str
    count: int
    places: tuple[str, ...]
    said: str

    @property
    def in_words(self) -> str:
        """Return the whole sentence."""
        rows = "row" if self.count == 1 else "rows"
        more = ", ..." if self.count > len(self.places) else ""
        return f"{self.count} {rows} {self.said}: {'; '.join(self.places)}{more}."


def cautions(census: Census, data: Data) -> list[Caution]:
    """Return what was found, leaks first."""
    leaks = census.leaks
    but = "but for case, spaces or punctuation"
    found = [
        _caution("leak", leaks.equal, "also in data.eval, so not learned"),
        _caution("near leak", leaks.alike, f"like a held-out row {but}, and learned"),
    ]
    for source in census.sources.values():
        found += _of_source(source, census, data)
    return [one for one in found if one is not None]


def too_long(census: Census, data: Data) -> Finding | None:
    """Return the rows that would end the run, where their tokens are known."""
    for source in census.sources.values():
        if data.overlength == "error" and source.tokens is not None and source.too_long.count:
            return source.too_long
    return None


def _of_source(source: SourceCensus, census: Census, data: Data) -> Iterator[Caution | None]:
    fate = {"drop": "dropped", "truncate": "cut", "error": "refused"}[data.overlength]
    tokens = f"{census.max_length} tokens (data.max_length)"
    said = f"longer than {tokens}, so {fate}"
    if source.tokens is None:
        characters = census.max_length * CHARACTERS_A_TOKEN
        said = f"longer than {characters} characters, so probably than {tokens}, and then {fate}"
    yield _caution("too long", source.too_long, said)
    yield _caution("duplicate", source.duplicates, "equal to an earlier row")
    alike = "like an earlier row but for case, spaces or punctuation"
    yield _caution("near duplicate", source.alike, alike)
    for name, finding in sorted(source.warnings.items()):
        yield _caution(name, finding, f"may hold {name}")


def _caution(what: str, finding: Finding, said: str) -> Caution | None:
    if not finding.count:
        return None
    return Caution(what, finding.count, tuple(finding.places), said)
