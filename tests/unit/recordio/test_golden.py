"""Our codec against a file that real MXNet wrote: see golden/README.md."""

from io import BytesIO, StringIO

import pytest
from tests.unit.recordio.cases import CASES, as_float32
from tests.unit.recordio.make_golden import GOLDEN

from image_recordio import Frame, RecordWriter, encode_frame, pack, parse_index, read_frames, read_records, unpack

REC = (GOLDEN / "mxnet.rec").read_bytes()
IDX = (GOLDEN / "mxnet.idx").read_text()
STARTS = list(parse_index(IDX).values())


def frame_of(name: str) -> bytes:
    number = list(CASES).index(name)
    return REC[STARTS[number] : [*STARTS, len(REC)][number + 1]]


@pytest.mark.parametrize(("name", "record"), CASES.items(), ids=CASES)
def test_we_write_what_mxnet_wrote(name, record):
    assert encode_frame(pack(record)) == frame_of(name)


@pytest.mark.parametrize(("name", "record"), CASES.items(), ids=CASES)
def test_we_read_what_mxnet_wrote(name, record):
    frames = list(read_frames(frame_of(name)))
    assert frames == [Frame(0, pack(unpack(frames[0].data)))]
    assert list(read_records(frame_of(name))) == [as_float32(record)]


def test_our_file_and_index_are_mxnets():
    rec, idx = BytesIO(), StringIO()
    writer = RecordWriter(rec, index=idx)
    for record in CASES.values():
        writer.write(record)
    assert (rec.getvalue(), idx.getvalue()) == (REC, IDX)
