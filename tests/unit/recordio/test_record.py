from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_recordio import Record, RecordIOError, RecordWriter, encode_frame, pack, parse_index, read_records, unpack

floats = st.floats(width=32, allow_nan=False)
labels = st.one_of(floats, st.lists(floats, min_size=1, max_size=6).map(tuple))
records = st.builds(Record, label=labels, id=st.integers(0, (1 << 64) - 1), image=st.binary(max_size=40))


@given(records)
def test_a_packed_record_is_unpacked(record):
    assert unpack(pack(record)) == record


@given(st.lists(records, max_size=4))
def test_a_written_file_is_read(items):
    file = BytesIO()
    writer = RecordWriter(file)
    for item in items:
        writer.write(item)
    assert list(read_records(file.getvalue())) == items


def test_the_index_leads_to_each_record():
    file, index = BytesIO(), StringIO()
    writer = RecordWriter(file, index=index)
    items = [Record(1.0, key, b"x" * key) for key in (3, 1, 7)]
    offsets = [writer.write(item) for item in items]
    assert parse_index(index.getvalue()) == dict(zip((3, 1, 7), offsets, strict=True))
    assert [next(read_records(file.getvalue()[offset:])) for offset in offsets] == items


UNFIT = {
    "negative id": (Record(0.0, -1, b""), "64-bit unsigned"),
    "id of 65 bits": (Record(0.0, 1 << 64, b""), "64-bit unsigned"),
    "no label": (Record((), 0, b""), "at least one label"),
    "label too large": (Record(1e39, 0, b""), "32-bit float"),
    "label in a vector too large": (Record((1e39,), 0, b""), "32-bit float"),
}


@pytest.mark.parametrize(("record", "message"), UNFIT.values(), ids=UNFIT)
def test_what_the_header_cannot_hold_is_refused_and_nothing_is_written(record, message):
    file = BytesIO()
    with pytest.raises(ValueError, match=message):
        RecordWriter(file).write(record)
    assert file.getvalue() == b""


BROKEN = {
    "empty": (b"", "shorter than an image header"),
    "23 bytes": (b"\0" * 23, "shorter than an image header"),
    "labels missing": (b"\x02\0\0\0" + b"\0" * 24, "says that it has 2 labels"),
    "four billion labels": (b"\xff" * 4 + b"\0" * 20, "says that it has 4294967295 labels"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_a_record_that_is_not_an_image_says_where_it_is(data, message):
    file = encode_frame(pack(Record(0.0, 0, b"1234"))) + encode_frame(data)
    with pytest.raises(RecordIOError, match=message) as caught:
        list(read_records(file))
    assert caught.value.offset == 36
