"""Records in which something is special, written both by us and by MXNet."""

import struct
import zlib

from image_recordio import Record, pack, unpack
from image_recordio.framing import MAGIC

MAGIC_AS_LABEL = struct.unpack("<f", MAGIC)[0]
MAGIC_AS_ID = int.from_bytes(b"\0\0\0\0" + MAGIC, "little")


def _png() -> bytes:
    """A 2 by 2 gray PNG, made by hand: an encoder's next release would change the bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = b"\x78\x01\x01\x06\x00\xf9\xff\x00\x00\x55\x00\xaa\xff" + struct.pack(
        ">I", zlib.adler32(b"\0\0\x55\0\xaa\xff")
    )
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


# The header has 24 bytes, so an image starts aligned; a vector of n labels moves it by 4n, which keeps that.
CASES: dict[str, Record] = {
    "an image": Record(3.0, 1, _png()),
    "nothing in it": Record(0.0, 2, b""),
    "one odd byte": Record(1.0, 3, b"\x01"),
    "two bytes over": Record(1.0, 4, b"123456"),
    "three bytes over": Record(1.0, 5, b"1234567"),
    "an aligned magic": Record(2.0, 6, b"abcd" + MAGIC + b"efgh"),
    "an aligned magic, odd end": Record(2.0, 7, b"abcd" + MAGIC + b"e"),
    "an unaligned magic": Record(2.0, 8, b"a" + MAGIC + b"bcd"),
    "only a magic": Record(2.0, 9, MAGIC),
    "three magics in a row": Record(2.0, 10, MAGIC * 3),
    "a magic at both ends": Record(2.0, 11, MAGIC + b"1234" + MAGIC),
    "unaligned, then aligned": Record(2.0, 12, b"a" + MAGIC + b"bcd" + MAGIC + b"x"),
    "half a magic at the end": Record(2.0, 13, b"abcd" + MAGIC[:2]),
    "a label that is the magic": Record(MAGIC_AS_LABEL, 14, b"abc"),
    "an id that holds the magic": Record(0.5, MAGIC_AS_ID, b"abc"),
    "the largest id": Record(-7.25, (1 << 64) - 1, b"abc"),
    "a vector of one": Record((5.0,), 17, b"abc"),
    "a multi-hot vector": Record((0.0, 1.0, 0.0, 1.0, 1.0), 18, _png()),
    "a vector with the magic": Record((1.0, MAGIC_AS_LABEL), 19, MAGIC),
    "a vector and nothing else": Record((0.25, -0.5, 1e30), 20, b""),
}


def as_float32(record: Record) -> Record:
    """The record with its labels as a file keeps them."""
    return unpack(pack(record))
