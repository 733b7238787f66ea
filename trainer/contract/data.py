"""The part of a spec that says what a model learns from, and what it is judged on."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from trainer.contract.part import Part

Format = Literal["auto", "jsonl", "parquet", "text", "arrow"]


class DataSource(Part):
    """Rows: `builtin:<name>`, a path, or `azureml:<name>:<version>`.

    A path is a JSONL, Parquet or text file, a folder of such files of one kind, or a data set that
    Hugging Face's `save_to_disk` wrote (`arrow`).
    """

    uri: str = Field(min_length=1, max_length=1024, title="Data")
    format: Format = "auto"
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="Refuse the file if its hash differs."
    )


def _source_from_words(given: Any) -> Any:
    """Read what `MixedSource.in_words` writes; weight and format may be left out."""
    if not isinstance(given, str):
        return given
    words = given.split()
    found: dict[str, Any] = {}
    if len(words) > 1 and words[-1] in get_args(Format):
        found["format"] = words.pop()
    if len(words) > 1:
        found["weight"] = words.pop()
    return {"uri": " ".join(words), **found}


class MixedSource(DataSource):
    """A further source, and how often each of its rows is seen in an epoch."""

    weight: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="How often each of its rows is seen in an epoch: 2 is twice, 0.5 is half of "
        "the rows, drawn by `optim.seed`; 1.5 is all of them once and a drawn half once more. The "
        "rows that are drawn are the same in each epoch.",
    )

    @property
    def in_words(self) -> str:
        """Return it as a person types it: `<uri> <weight>`, and the format where it is given."""
        said = f"{self.uri} {self.weight:g}"
        return said if self.format == "auto" else f"{said} {self.format}"


def _mix_from_words(given: Any) -> Any:
    return [part for part in given.split(",") if part.strip()] if isinstance(given, str) else given


Mix = Annotated[
    tuple[Annotated[MixedSource, BeforeValidator(_source_from_words)], ...],
    BeforeValidator(_mix_from_words),
]


class Data(Part):
    """What the model learns from, and what it is judged on."""

    train: DataSource
    mix: Mix = Field(
        default=(),
        max_length=31,
        title="Further sources",
        description="Mixed into `data.train`, each row of which is seen once in an epoch. In a "
        "form: `<uri> <weight>`, with commas between several (`web.jsonl 0.5, faq.jsonl 2`).",
    )
    eval: DataSource | None = Field(default=None, description="Empty: a part of the training rows.")
    eval_fraction: float = Field(default=0.05, gt=0, le=0.5)
    max_length: int = Field(
        default=512,
        ge=16,
        le=131_072,
        title="Longest sequence",
        json_schema_extra={"unit": "tokens"},
    )
    overlength: Literal["drop", "truncate", "error"] = Field(
        default="drop",
        description="What happens to rows longer than `max_length`; always reported.",
    )
    loss_on: Literal["answers", "all"] = Field(
        default="answers", description="Score only the assistant's words, or every token."
    )

    @property
    def training_sources(self) -> Mapping[str, DataSource]:
        """Return every source that is learned from, by the name of its input in a job."""
        return {"train": self.train, **{f"mix{n}": one for n, one in enumerate(self.mix)}}

    @property
    def sources(self) -> Mapping[str, DataSource]:
        """Return every source that is read, by the name of its input in a job."""
        return {**self.training_sources, **({} if self.eval is None else {"eval": self.eval})}

    @property
    def in_words(self) -> str:
        """Return what is learned from, with the weight of each further source."""
        further = (f"{source.uri} x {source.weight:g}" for source in self.mix)
        return " + ".join([self.train.uri, *further])

    @model_validator(mode="after")
    def _each_source_once(self) -> "Data":
        uris = [source.uri for source in self.training_sources.values()]
        twice = sorted({uri for uri in uris if uris.count(uri) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice: give its rows a weight instead")
        return self
