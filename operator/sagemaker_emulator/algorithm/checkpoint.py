"""MXNet's file of arrays (`.params`), in the layout that MXNet 1.x writes: src/ndarray/ndarray.cc, NDArray::Save.

Numbers are little-endian. First the list's magic number (uint64) and a reserved one (uint64), then the number of arrays
(uint64) and the arrays, then the number of names (uint64) and each name with its length (uint64) in front.

An array is its magic number (uint32), the kind of storage (int32, 0 is dense), the number of dimensions (int32), the
dimensions (int64), the device (two int32: CPU, 0), the type (int32, 0 is float32), and the values.
"""

import math
import struct
from collections.abc import Mapping

import numpy as np

from sagemaker_emulator.algorithm.dataset import Matrix

_LIST_MAGIC = 0x112
_ARRAY_MAGIC = 0xF993FAC9
_DENSE, _CPU, _FLOAT32 = 0, 1, 0
_MAX_ARRAYS = 64
_MAX_DIMENSIONS = 8
_MAX_NAME = 256


def pack_arrays(arrays: Mapping[str, Matrix]) -> bytes:
    """Write arrays, as 32-bit floats, under their names."""
    parts = [struct.pack("<QQQ", _LIST_MAGIC, 0, len(arrays))]
    for array in arrays.values():
        head = struct.pack(f"<Iii{array.ndim}q", _ARRAY_MAGIC, _DENSE, array.ndim, *array.shape)
        parts += [head, struct.pack("<iii", _CPU, 0, _FLOAT32), np.ascontiguousarray(array, dtype="<f4").tobytes()]
    parts.append(struct.pack("<Q", len(arrays)))
    for name in arrays:
        parts += [struct.pack("<Q", len(name.encode())), name.encode()]
    return b"".join(parts)


def unpack_arrays(data: bytes) -> dict[str, Matrix]:
    """Read what `pack_arrays` has written. Raises ValueError for anything else, and for numbers that are not finite."""
    reader = _Reader(data)
    magic, _, count = reader.read("<QQQ")
    if magic != _LIST_MAGIC or not 0 < count <= _MAX_ARRAYS:
        raise ValueError("it is not MXNet's file of arrays")
    arrays = [reader.read_array() for _ in range(count)]
    if reader.read("<Q") != (count,):
        raise ValueError("it has not a name for each array")
    names = [reader.read_name() for _ in range(count)]
    if reader.rest or len(set(names)) != count:
        raise ValueError("its names are not clear")
    return dict(zip(names, arrays, strict=True))


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def rest(self) -> int:
        return len(self._data) - self._at

    def read(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(layout, self.read_bytes(struct.calcsize(layout)))

    def read_bytes(self, size: int) -> bytes:
        if size > self.rest:
            raise ValueError("it is cut off")
        self._at += size
        return self._data[self._at - size : self._at]

    def read_array(self) -> Matrix:
        magic, storage, dimensions = self.read("<Iii")
        if (magic, storage) != (_ARRAY_MAGIC, _DENSE) or not 0 < dimensions <= _MAX_DIMENSIONS:
            raise ValueError("one of its arrays is of another kind")
        shape = self.read(f"<{dimensions}q")
        *_, kind = self.read("<iii")
        if kind != _FLOAT32 or min(shape) < 1:
            raise ValueError("one of its arrays is not of 32-bit floats")
        values: Matrix = np.frombuffer(self.read_bytes(4 * math.prod(shape)), dtype="<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("a parameter is not a finite number")
        return values.reshape(shape)

    def read_name(self) -> str:
        (size,) = self.read("<Q")
        if size > _MAX_NAME:
            raise ValueError("one of its names is too long")
        return self.read_bytes(size).decode()
