"""Our codec against real MXNet 1.9.1, in both directions."""

from io import BytesIO

import pytest
from PIL import Image
from tests.unit.recordio.cases import CASES, as_float32
from tests.unit.recordio.make_golden import GOLDEN

from image_recordio import Record, RecordWriter, read_records
from image_recordio.datasets import pack_folder, pack_images
from image_recordio.digits import digits

RECORDS = list(CASES.values())
READ_BACK = [as_float32(record) for record in RECORDS]


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ours")
    with (folder / "a.rec").open("wb") as rec, (folder / "a.idx").open("w") as idx:
        writer = RecordWriter(rec, index=idx)
        for record in RECORDS:
            writer.write(record)
    return folder


def test_it_is_the_mxnet_we_mean(mxnet):
    assert mxnet.run("version") == 10901


def test_mxnet_reads_ours(mxnet, ours):
    assert mxnet.read(ours / "a.rec") == READ_BACK


def test_mxnet_finds_our_records_by_our_index(mxnet, ours):
    backwards = READ_BACK[::-1]
    assert mxnet.read_indexed(ours / "a.rec", ours / "a.idx", [record.id for record in backwards]) == backwards


def test_we_read_mxnets(mxnet, tmp_path):
    mxnet.write(RECORDS, tmp_path / "m.rec", tmp_path / "m.idx")
    with (tmp_path / "m.rec").open("rb") as file:
        assert list(read_records(file)) == READ_BACK


def test_mxnet_still_writes_the_golden_files(mxnet, tmp_path):
    mxnet.write(RECORDS, tmp_path / "mxnet.rec", tmp_path / "mxnet.idx")
    for name in ("mxnet.rec", "mxnet.idx"):
        assert (tmp_path / name).read_bytes() == (GOLDEN / name).read_bytes()


def test_image_record_iter_reads_our_digits(mxnet, tmp_path):
    data = digits(size=32)
    packed = pack_images(data.train[:40], data.validation[:10], data.labels, tmp_path)
    batches = mxnet.iterate(packed.train, data_shape="(3,32,32)", batch_size=20)
    assert [batch["shape"] for batch in batches] == [[20, 3, 32, 32]] * 2
    assert [label for batch in batches for label in batch["labels"]] == [image.label for image in data.train[:40]]
    means = [mean for batch in batches for mean in batch["means"]]
    assert means == pytest.approx([mean_of(image.image) for image in data.train[:40]], abs=0.01)


def test_image_record_iter_reads_our_vectors_of_labels(mxnet, tmp_path):
    labels = [(0.0, 1.0, 1.0), (1.0, 0.0, 0.0)]
    image = digits().train[0].image
    with (tmp_path / "v.rec").open("wb") as file:
        writer = RecordWriter(file)
        for number, label in enumerate(labels):
            writer.write(Record(label, number, image))
    (batch,) = mxnet.iterate(tmp_path / "v.rec", data_shape="(3,32,32)", batch_size=2, label_width=3)
    assert [tuple(label) for label in batch["labels"]] == labels


def test_image_record_iter_reads_a_packed_folder_of_jpegs(mxnet, tmp_path):
    for name, shade in [("dark", 30), ("light", 220)]:
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (50, 40), (shade, shade, shade)).save(tmp_path / "in" / name / f"{number}.jpg")
    packed = pack_folder(tmp_path / "in", tmp_path / "out", validation_fraction=0.3, seed=1, resize=24)
    (batch,) = mxnet.iterate(packed.train, data_shape="(3,24,24)", batch_size=4)
    assert batch["means"] == pytest.approx([30 if label == 0 else 220 for label in batch["labels"]], abs=1)


def mean_of(image: bytes) -> float:
    pixels = Image.open(BytesIO(image)).tobytes()
    return sum(pixels) / len(pixels)
