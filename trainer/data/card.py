"""The data card: what a run learns from, in Markdown, with nothing of the rows themselves."""

from collections.abc import Iterator

from trainer.contract.progress import DataLine
from trainer.contract.spec import RunSpec
from trainer.data.cautions import cautions
from trainer.data.census import COMPARED_ROWS, Census, Histogram, SourceCensus
from trainer.data.gather import Gathered
from trainer.data.mixture import TrainingSource

BAR = 30  # characters of the longest bar
_ROLES = ("system", "user", "assistant", "tool")


def data_card(
    spec: RunSpec,
    gathered: Gathered,
    census: Census,
    *,
    line: DataLine | None = None,
    lengths: Histogram | None = None,
) -> str:
    """Return the card.

    `line` and `lengths` (tokens of each sequence) are known once the rows were encoded.
    """
    parts = [f"# Data of {spec.name}\n", *_whole(spec, gathered, line), *_findings(census, spec)]
    if lengths is not None:
        parts += ["## Tokens of a sequence to learn\n", _histogram(lengths, "tokens")]
    sources = dict(zip(spec.data.training_sources, gathered.split.train.sources, strict=True))
    for name, source in census.sources.items():
        parts += _source(name, source, sources.get(name))
    return "\n".join(parts)


def _whole(spec: RunSpec, gathered: Gathered, line: DataLine | None) -> Iterator[str]:
    split = gathered.split
    yield from _table(
        ("Identity", f"sha256 `{gathered.identity}`"),
        ("Method", spec.method),
        ("Rows read", f"{gathered.rows:,}"),
        ("Rows to learn", f"{len(split.train):,}"),
        ("Rows held out", f"{len(split.held_out):,}"),
        ("Dropped as equal to a held-out row", f"{split.shared:,}"),
        ("Longest sequence", f"{spec.data.max_length} tokens, longer: {spec.data.overlength}"),
        ("Learned", "the assistant's words" if spec.data.loss_on == "answers" else "every token"),
    )
    if line is not None:
        yield from _table(
            ("Rows kept after encoding", f"{line.rows_kept:,} of {len(split.train):,}"),
            ("Tokens in an epoch", f"{line.tokens:,}, of which {line.trained_tokens:,} learned"),
            ("Longest", f"{line.longest:,} tokens"),
            ("Left out", line.note or "nothing"),
        )


def _findings(census: Census, spec: RunSpec) -> Iterator[str]:
    yield "## What to look at\n"
    found = cautions(census, spec.data)
    yield from (f"- {one.in_words}" for one in found)
    if not found:
        yield "No duplicates, leaks, garbled text, secrets or personal data were found by pattern."
    read = sum(source.rows for source in census.sources.values())
    if read > census.compared:
        yield f"\nOf {read:,} rows the first {COMPARED_ROWS:,} were compared with each other."
    yield ""


def _source(name: str, found: SourceCensus, source: TrainingSource | None) -> Iterator[str]:
    yield f"## Source `{name}`: {found.uri}\n"
    weight = [("Weight", f"{source.weight:g}")] if source is not None else []
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.most_common())
    yield from _table(
        ("sha256", f"`{found.sha256}`"),
        *weight,
        ("Format", found.format),
        ("Rows", f"{found.rows:,}: {kinds}"),
        ("Characters", f"{found.characters.total:,}, longest {found.characters.longest:,}"),
        ("Equal to an earlier row", f"{found.duplicates.count:,}"),
        ("Alike but for case, spaces, punctuation", f"{found.alike.count:,}"),
    )
    if found.turns.count:
        roles = ", ".join(f"{found.roles[role]:,} {role}" for role in _ROLES if found.roles[role])
        mean = found.turns.total / found.turns.count
        yield from _table(
            ("Messages", f"{found.turns.total:,}: {roles}"),
            ("Messages a row", f"{mean:.1f} on average, at most {found.turns.longest}"),
            ("Rows with tools", f"{found.with_tools:,}"),
        )
    yield _histogram(found.characters, "characters")
    if found.tokens is not None:
        yield "Tokens of the text, without those of the chat template:\n"
        yield _histogram(found.tokens, "tokens")


def _table(*rows: tuple[str, str]) -> Iterator[str]:
    yield "| | |\n| --- | --- |"
    yield from (f"| {name} | {value.replace('|', '/')} |" for name, value in rows)
    yield ""


def _histogram(found: Histogram, unit: str) -> str:
    classes = found.rows()
    most = max((count for _, _, count in classes), default=1)
    lines = [
        f"| {low:,} to {high:,} | {count:,} | {'█' * round(BAR * count / most)} |"
        for low, high, count in classes
    ]
    return "\n".join([f"| {unit} | rows | |\n| ---: | ---: | --- |", *lines, ""])
