"""Read Parquet rows; apart from the other readers because pyarrow is slow to load."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trainer.errors import BadDataError

BATCH_ROWS = 2048  # held as objects at once; a row may have some kilobytes


def iterate(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each row as a dictionary. Raises `BadDataError` for a file that is not Parquet."""
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS):
            yield from batch.to_pylist()
    except pa.lib.ArrowException as error:
        raise BadDataError(
            f"{path.name} is not a whole Parquet file: {error}",
            remedy="Write the file again, or set data.train.format if it is another kind.",
        ) from error
