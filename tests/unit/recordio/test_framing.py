from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_recordio import RecordIOError, encode_frame, read_frames
from image_recordio.framing import MAGIC

payloads = st.lists(st.one_of(st.binary(max_size=9), st.just(MAGIC), st.just(MAGIC[:2]))).map(b"".join)


def part(flag: int, data: bytes) -> bytes:
    return MAGIC + (flag << 29 | len(data)).to_bytes(4, "little") + data + b"\0" * (-len(data) % 4)


class Trickle:
    """A pipe that gives at most `size` bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream = BytesIO(data)
        self._size = size

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))


class Counting:
    """An endless supply of zeros after `data`, which counts what it was asked for at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.largest = 0

    def read(self, size: int, /) -> bytes:
        self.largest = max(self.largest, size)
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@given(st.lists(payloads, max_size=5))
def test_what_was_written_is_read(records):
    file = b"".join(map(encode_frame, records))
    assert [frame.data for frame in read_frames(file)] == records


@given(st.lists(payloads, max_size=5))
def test_each_record_says_where_it_starts(records):
    file = b"".join(map(encode_frame, records))
    starts = [frame.offset for frame in read_frames(file)]
    assert starts == [len(b"".join(map(encode_frame, records[:i]))) for i in range(len(records))]


@given(payloads)
def test_the_magic_stands_aligned_only_where_a_part_starts(payload):
    file = encode_frame(payload)
    found = [i for i in range(0, len(file), 4) if file[i : i + 4] == MAGIC]
    starts, at = [], 0
    while at < len(file):
        starts.append(at)
        at += 8 + ((int.from_bytes(file[at + 4 : at + 8], "little") & 0x1FFFFFFF) + 3) // 4 * 4
    assert found == starts


@given(payloads, st.data())
def test_a_file_cut_anywhere_inside_a_record_is_truncated(payload, data):
    file = encode_frame(b"before") + encode_frame(payload)
    first = len(encode_frame(b"before"))
    cut = data.draw(st.integers(first + 1, len(file) - 1))
    frames = read_frames(file[:cut])
    assert next(frames).data == b"before"
    with pytest.raises(RecordIOError, match="truncated"):
        next(frames)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data):
    with suppress(RecordIOError):
        assert sum(len(frame.data) for frame in read_frames(data)) <= len(data)


@pytest.mark.parametrize("size", [1, 3, 7, 4096])
def test_a_source_may_give_less_than_asked_for(size):
    records = [b"abc", MAGIC * 2, b""]
    source = Trickle(b"".join(map(encode_frame, records)), size)
    assert [frame.data for frame in read_frames(source)] == records


GOOD = part(0, b"good")

BROKEN = {
    "text": (b"label,path\n1,a.png\n", "not RecordIO: magic 0a23d7ce expected, 6c616265 found", 0),
    "short text": (b"hi", "not RecordIO", 0),
    "bad magic after a good record": (GOOD + b"\0" * 8, "not RecordIO", 12),
    "header cut": (GOOD + MAGIC + b"\0", "ends inside a part's header", 12),
    "magic cut": (GOOD + MAGIC[:2], "ends inside a part's header", 12),
    "data cut": (GOOD + part(0, b"abcdefgh")[:-1], "8 bytes of data expected, 7 left", 12),
    "padding cut": (GOOD + part(0, b"abc")[:-1], "4 bytes of data expected, 3 left", 12),
    "starts in the middle": (part(2, b"abcd"), r"starts with a part of flag 2 \(MIDDLE\)", 0),
    "starts with the end": (part(3, b"abcd"), r"starts with a part of flag 3 \(LAST\)", 0),
    "whole inside a record": (part(1, b"abcd") + part(0, b"x"), r"flag 0 \(WHOLE\) inside a record", 12),
    "first inside a record": (part(1, b"abcd") + part(1, b"x"), r"flag 1 \(FIRST\) inside a record", 12),
    "no last part": (part(1, b"abcd") + part(2, b"x"), "ends between the parts of a record", 24),
    "flag 5": (part(5, b"abcd"), "flag 5; there are only 0 to 3", 0),
}


@pytest.mark.parametrize(("file", "message", "offset"), BROKEN.values(), ids=BROKEN)
def test_an_error_says_what_and_where(file, message, offset):
    with pytest.raises(RecordIOError, match=message) as caught:
        list(read_frames(file))
    assert caught.value.offset == offset


def test_a_length_that_lies_costs_no_memory():
    source = Counting(MAGIC + (0x1FFFFFFF).to_bytes(4, "little") + b"few")
    with pytest.raises(RecordIOError, match="536870912 bytes of data expected, 3 left"):
        list(read_frames(source))
    assert source.largest <= 1 << 20


@pytest.mark.parametrize("file", [part(0, b"x" * 12), part(1, b"x" * 4) + part(3, b"x" * 4)], ids=["one", "parts"])
def test_a_record_above_the_limit_is_refused(file):
    with pytest.raises(RecordIOError, match="more than 11 bytes"):
        list(read_frames(file, max_bytes=11))


def test_a_chain_of_parts_ends_at_the_limit():
    endless = part(1, b"abcd") + part(2, b"abcd") * 1000
    with pytest.raises(RecordIOError, match="more than 100 bytes"):
        list(read_frames(endless, max_bytes=100))


def test_a_record_too_long_for_the_format_is_not_written():
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 29

    with pytest.raises(ValueError, match="at most 536870911 bytes"):
        encode_frame(Huge())
