"""dmlc RecordIO: byte strings in a file, each found again by a magic number. Knows nothing of images.

A part is `magic u32 | flag << 29 | length u32 | data | zero padding to 4 bytes`, little-endian. A record is
one part, or several where its data holds the magic number at a multiple of 4 bytes: the writer splits there
and drops the number, so that a reader which lands anywhere in the file can look for the magic; the reader
puts it back.

Format: dmlc-core's `include/dmlc/recordio.h`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO
from typing import Protocol

from image_recordio.errors import RecordIOError

MAGIC = struct.pack("<I", 0xCED7230A)
MAX_RECORD_BYTES = (1 << 29) - 1
"""The longest record: its length has 29 bits."""

_HEAD = struct.Struct("<4sI")
# A length field can lie. Data is asked for in pieces of this size, so that a lie costs no memory.
_PIECE = 1 << 20


class Flag(IntEnum):
    """Which part of its record a part is."""

    WHOLE = 0
    FIRST = 1
    MIDDLE = 2
    LAST = 3


class Readable(Protocol):
    """What is asked of a source: a file, a pipe, an S3 body. A read may return less than asked for."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, and none only at the end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One record's bytes and where it starts in the source."""

    offset: int
    data: bytes


def read_frames(source: Readable | bytes, *, max_bytes: int = MAX_RECORD_BYTES) -> Iterator[Frame]:
    """Read record after record, holding no more than one in memory.

    Raises RecordIOError, after the good records before it, for what is not RecordIO and for a record above
    `max_bytes`.
    """
    cursor = _Cursor(BytesIO(source) if isinstance(source, bytes) else source)
    while (frame := _read_frame(cursor, max_bytes)) is not None:
        yield frame


def encode_frame(data: bytes) -> bytes:
    """Return a record as it stands in a file. Raises ValueError when it is too long for the format."""
    if len(data) > MAX_RECORD_BYTES:
        raise ValueError(f"a record has at most {MAX_RECORD_BYTES} bytes; this one has {len(data)}")
    parts = _split(data)
    flags = _flags(len(parts))
    return b"".join(_encode_part(flag, part) for flag, part in zip(flags, parts, strict=True))


class _Cursor:
    """A source, and how far it has been read."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.offset = 0

    def take(self, size: int) -> bytes:
        """Up to `size` bytes: fewer only where the source ends."""
        pieces = []
        while size > 0 and (piece := self._source.read(min(size, _PIECE))):
            pieces.append(piece)
            size -= len(piece)
            self.offset += len(piece)
        return b"".join(pieces)


def _read_frame(cursor: _Cursor, max_bytes: int) -> Frame | None:
    start = cursor.offset
    part = _read_part(cursor)
    if part is None:
        return None
    flag, data = part
    if flag not in (Flag.WHOLE, Flag.FIRST):
        raise RecordIOError(f"a record starts with a part of flag {flag:d} ({flag.name}), not 0 or 1", start)
    pieces = [data]
    while flag not in (Flag.WHOLE, Flag.LAST):
        _check_size(pieces, max_bytes, start)
        flag, data = _read_continuation(cursor)
        pieces.append(data)
    _check_size(pieces, max_bytes, start)
    return Frame(start, MAGIC.join(pieces))


def _read_continuation(cursor: _Cursor) -> tuple[Flag, bytes]:
    start = cursor.offset
    part = _read_part(cursor)
    if part is None:
        raise RecordIOError("truncated: the source ends between the parts of a record", start)
    if part[0] not in (Flag.MIDDLE, Flag.LAST):
        raise RecordIOError(f"a part of flag {part[0]:d} ({part[0].name}) inside a record; expected 2 or 3", start)
    return part


def _read_part(cursor: _Cursor) -> tuple[Flag, bytes] | None:
    start = cursor.offset
    head = cursor.take(_HEAD.size)
    if not head:
        return None
    # The magic is looked at first: a text file shorter than a header is "not RecordIO", not "truncated".
    if not MAGIC.startswith(head[:4]):
        raise RecordIOError(f"not RecordIO: magic {MAGIC.hex()} expected, {head[:4].hex()} found", start)
    if len(head) < _HEAD.size:
        raise RecordIOError("truncated: the source ends inside a part's header", start)
    return _read_data(cursor, _HEAD.unpack(head)[1], start)


def _read_data(cursor: _Cursor, lrec: int, start: int) -> tuple[Flag, bytes]:
    value, size = lrec >> 29, lrec & MAX_RECORD_BYTES
    if value > Flag.LAST:
        raise RecordIOError(f"a part of flag {value}; there are only 0 to 3", start)
    padded = (size + 3) & ~3
    data = cursor.take(padded)
    if len(data) < padded:
        raise RecordIOError(f"truncated: {padded} bytes of data expected, {len(data)} left", start)
    return Flag(value), data[:size]


def _check_size(pieces: list[bytes], max_bytes: int, start: int) -> None:
    # Each part is within the format's limit; a chain of parts need not be.
    if sum(map(len, pieces)) + len(MAGIC) * (len(pieces) - 1) > max_bytes:
        raise RecordIOError(f"a record of more than {max_bytes} bytes", start)


def _split(data: bytes) -> list[bytes]:
    parts, start, found = [], 0, data.find(MAGIC)
    while found >= 0:
        if found % 4:
            found = data.find(MAGIC, found + 1)
            continue
        parts.append(data[start:found])
        start = found + len(MAGIC)
        found = data.find(MAGIC, start)
    return [*parts, data[start:]]


def _flags(count: int) -> list[Flag]:
    if count == 1:
        return [Flag.WHOLE]
    return [Flag.FIRST, *[Flag.MIDDLE] * (count - 2), Flag.LAST]


def _encode_part(flag: Flag, data: bytes) -> bytes:
    return _HEAD.pack(MAGIC, flag << 29 | len(data)) + data + b"\0" * (-len(data) % 4)
