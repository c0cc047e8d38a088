"""`.rec` files of labelled images: reading one after the other, and writing with an index."""

from collections.abc import Iterator
from typing import Protocol

from image_recordio.framing import MAX_RECORD_BYTES, Readable, encode_frame, read_frames
from image_recordio.record import Record, pack, unpack


class ByteSink(Protocol):
    """Where records go."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class TextSink(Protocol):
    """Where index lines go."""

    def write(self, text: str, /) -> object:
        """Take all of `text`."""


def read_records(source: Readable | bytes, *, max_bytes: int = MAX_RECORD_BYTES) -> Iterator[Record]:
    """Read labelled images one by one, holding one in memory.

    Raises RecordIOError where the source is not image RecordIO.
    """
    for frame in read_frames(source, max_bytes=max_bytes):
        yield unpack(frame.data, offset=frame.offset)


class RecordWriter:
    """Appends labelled images to a `.rec`, and their offsets to an `.idx` if one is given.

    The caller opens and closes both.
    """

    def __init__(self, sink: ByteSink, *, index: TextSink | None = None) -> None:
        self._sink = sink
        self._index = index
        self.offset = 0

    def write(self, record: Record) -> int:
        """Append a record and return its byte offset.

        Raises ValueError, with nothing written, for what the format cannot hold.
        """
        start = self.offset
        frame = encode_frame(pack(record))
        self._sink.write(frame)
        self.offset += len(frame)
        if self._index is not None:
            self._index.write(f"{record.id}\t{start}\n")
        return start
