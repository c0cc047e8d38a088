"""One labelled image in a record: MXNet's image header, the labels, the encoded image.

`flag u32 | label f32 | id u64 | id2 u64`, little-endian, then `flag` f32 labels if flag > 0, then the
image. With flag 0 the label is the header's own; with a vector the header's label is 0. `id2` is written as
0 and ignored when read, as MXNet does.

Format: MXNet's `src/io/image_recordio.h`.
"""

import struct
from dataclasses import dataclass

from image_recordio.errors import RecordIOError

HEADER_BYTES = 24

_HEADER = struct.Struct("<IfQQ")
_MAX_ID = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Record:
    """A labelled image.

    `label` is one number (the class) or a vector of at least one (several classes, or an indicator for
    each); both are kept as 32-bit floats in the file. `image` is an encoded JPEG or PNG, stored as it is.
    """

    label: float | tuple[float, ...]
    id: int
    image: bytes


def pack(record: Record) -> bytes:
    """Return the record's bytes, unframed. Raises ValueError for what the header cannot hold."""
    if not 0 <= record.id <= _MAX_ID:
        raise ValueError(f"a record's id is a 64-bit unsigned integer, not {record.id}")
    if not isinstance(record.label, tuple):
        return _pack_header(0, record.label, record.id) + record.image
    if not record.label:
        # MXNet would read an empty vector back as the scalar label 0.
        raise ValueError("a vector of labels needs at least one label")
    return _pack_header(len(record.label), 0.0, record.id) + _pack_labels(record.label) + record.image


def unpack(data: bytes, *, offset: int = 0) -> Record:
    """Read a record.

    `offset` is where it is in its file, for the RecordIOError when it is too short for what it says.
    """
    if len(data) < HEADER_BYTES:
        raise RecordIOError(f"a record of {len(data)} bytes is shorter than an image header ({HEADER_BYTES})", offset)
    count, label, number, _ = _HEADER.unpack_from(data)
    end = HEADER_BYTES + 4 * count
    if len(data) < end:
        raise RecordIOError(f"a record of {len(data)} bytes says that it has {count} labels", offset)
    if count == 0:
        return Record(label, number, data[HEADER_BYTES:])
    return Record(struct.unpack_from(f"<{count}f", data, HEADER_BYTES), number, data[end:])


def _pack_header(flag: int, label: float, number: int) -> bytes:
    try:
        return _HEADER.pack(flag, label, number, 0)
    except OverflowError as error:
        raise ValueError(f"the label {label} does not fit a 32-bit float") from error


def _pack_labels(labels: tuple[float, ...]) -> bytes:
    try:
        return struct.pack(f"<{len(labels)}f", *labels)
    except OverflowError as error:
        raise ValueError("a label does not fit a 32-bit float") from error
