"""Read Parquet files and data sets of Hugging Face; apart because their libraries are slow."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainer.errors import BadDataError

BATCH_ROWS = 2048  # held as objects at once; a row may have some kilobytes


def iterate_parquet(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each row as a dictionary. Raises `BadDataError` for a file that is not Parquet."""
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS):
            yield from map(_row, batch.to_pylist())
    except pa.lib.ArrowException as error:
        raise BadDataError(
            f"{path.name} is not a whole Parquet file: {error}",
            remedy="Write the file again, or set data.train.format if it is another kind.",
        ) from error


def iterate_saved(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield each row of a folder that `Dataset.save_to_disk` wrote. Raises `BadDataError`."""
    # Half a second to load; Parquet does not need it.
    datasets = importlib.import_module("datasets")
    try:
        for batch in datasets.load_from_disk(str(folder)).with_format("arrow").iter(BATCH_ROWS):
            yield from map(_row, batch.to_pylist())
    except (pa.lib.ArrowException, OSError, ValueError, KeyError) as error:
        raise BadDataError(
            f"{folder.name} is not a whole data set: {error}",
            remedy="Write it again with `save_to_disk`.",
        ) from error


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _without_nulls(value) for name, value in row.items()}


def _without_nulls(value: Any) -> Any:
    """Drop the nulls inside of structures.

    Arrow gives every structure of a column the keys of all of them: a call without arguments
    comes back with each argument that any other call has, null.
    """
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value
