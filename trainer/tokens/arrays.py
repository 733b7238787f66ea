"""Arrays that grow on disk, and are read without being loaded."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray


class GrowingArray:
    """Writes a one-dimensional .npy file whose length is known at the end only.

    numpy leaves room in the header for the length to grow:
    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._length = 0
        self._file = path.open("wb")
        self._head()

    def add(self, values: NDArray[Any]) -> None:
        """Append `values`."""
        self._length += len(values)
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            if error is None:
                self._file.seek(0)
                self._head()

    def _head(self) -> None:
        about = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._length,)}
        npy.write_array_header_1_0(self._file, about)


def read_array(path: Path) -> NDArray[Any]:
    """Return the array in `path`, mapped into memory: what is looked at is read, no more.

    It is a plain array: numpy's memmap class makes every slice several times slower.
    """
    return np.asarray(np.load(path, mmap_mode="r"))
