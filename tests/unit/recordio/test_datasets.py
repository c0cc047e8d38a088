from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from image_recordio import DatasetError, parse_index, parse_list, read_records
from image_recordio.datasets import LabelledImage, pack_folder, pack_images


def picture(shade: int, size: tuple[int, int] = (8, 6), image_format: str = "PNG", mode: str = "RGB") -> bytes:
    out = BytesIO()
    Image.new("L", size, shade).convert(mode).save(out, image_format)
    return out.getvalue()


def make_folder(root: Path, **counts: int) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number:02}.png").write_bytes(picture(number))
    return root


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_folder(tmp_path / "in", cat=10, ape=20)


def pack(folder: Path, output: Path, **options):
    return pack_folder(folder, output, **{"validation_fraction": 0.2, "seed": 1, **options})


def records(path: Path):
    return list(read_records(path.read_bytes()))


def files(output: Path) -> dict[str, bytes]:
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def test_classes_are_numbered_in_order_of_their_names(folder, tmp_path):
    packed = pack(folder, tmp_path / "out")
    assert packed.labels == ("ape", "cat")
    assert packed.labels_file.read_text() == "ape\ncat\n"


def test_each_class_is_split_by_the_fraction(folder, tmp_path):
    packed = pack(folder, tmp_path / "out")
    labels = [record.label for record in records(packed.validation)]
    assert (labels.count(0), labels.count(1)) == (4, 2)
    assert (packed.train_count, packed.validation_count) == (24, 6)


@pytest.mark.parametrize(("fraction", "count"), [(0.001, 1), (0.999, 2)], ids=["tiny", "nearly all"])
def test_every_class_has_an_image_on_both_sides(tmp_path, fraction, count):
    packed = pack(make_folder(tmp_path / "in", a=3), tmp_path / "out", validation_fraction=fraction)
    assert packed.validation_count == count


def test_no_image_is_lost_or_doubled(folder, tmp_path):
    packed = pack(folder, tmp_path / "out")
    images = sorted(record.image for path in (packed.train, packed.validation) for record in records(path))
    assert images == sorted(path.read_bytes() for path in folder.rglob("*.png"))


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    pack(folder, tmp_path / "a")
    pack(folder, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_another_seed_gives_another_split(folder, tmp_path):
    one, other = (pack(folder, tmp_path / str(seed), seed=seed) for seed in (1, 2))
    assert one.validation.read_bytes() != other.validation.read_bytes()


def test_a_channel_folder_holds_its_rec_only(folder, tmp_path):
    pack(folder, tmp_path / "out")
    assert sorted(files(tmp_path / "out")) == [
        "index/train.idx",
        "index/train.lst",
        "index/validation.idx",
        "index/validation.lst",
        "labels.txt",
        "train/train.rec",
        "validation/validation.rec",
    ]


def test_index_and_list_describe_the_records(folder, tmp_path):
    packed = pack(folder, tmp_path / "out")
    entries = list(parse_list((tmp_path / "out/index/train.lst").read_text()))
    offsets = parse_index((tmp_path / "out/index/train.idx").read_text())
    rec = packed.train.read_bytes()
    for entry in entries:
        record = next(read_records(rec[offsets[entry.index] :]))
        assert (record.id, record.label) == (entry.index, entry.labels[0])
        assert record.image == (folder / entry.path).read_bytes()


def test_resize_sets_the_shorter_edge(tmp_path):
    (tmp_path / "in/a").mkdir(parents=True)
    for number, size in enumerate([(40, 20), (20, 50)]):
        (tmp_path / f"in/a/{number}.png").write_bytes(picture(9, size))
    packed = pack(tmp_path / "in", tmp_path / "out", resize=10)
    sizes = {Image.open(BytesIO(r.image)).size for p in (packed.train, packed.validation) for r in records(p)}
    assert sizes == {(20, 10), (10, 25)}


STORED = {
    "jpeg": ("JPEG", "RGB", None, "JPEG"),
    "cmyk jpeg, resized": ("JPEG", "CMYK", 4, "JPEG"),
    "palette png, resized": ("PNG", "P", 4, "PNG"),
    "png with alpha, resized": ("PNG", "RGBA", 4, "PNG"),
    "webp": ("WEBP", "RGB", None, "PNG"),
    "bmp": ("BMP", "RGB", None, "PNG"),
    "black and white tiff": ("TIFF", "1", None, "PNG"),
}


@pytest.mark.parametrize(("source", "mode", "resize", "stored"), STORED.values(), ids=STORED)
def test_images_are_stored_as_jpeg_or_png(tmp_path, source, mode, resize, stored):
    (tmp_path / "in/a").mkdir(parents=True)
    for number in range(2):
        (tmp_path / f"in/a/{number}.{source.lower()}").write_bytes(picture(99, image_format=source, mode=mode))
    (record,) = records(pack(tmp_path / "in", tmp_path / "out", resize=resize).train)
    assert Image.open(BytesIO(record.image)).format == stored


def test_other_files_are_passed_over(folder, tmp_path):
    (folder / "cat/notes.txt").write_text("x")
    (folder / "cat/._00.png").write_text("x")
    (folder / ".thumbnails").mkdir()
    assert pack(folder, tmp_path / "out").train_count == 24


def spoil(folder: Path) -> None:
    (folder / "cat/00.png").write_bytes(picture(1)[:40])


def empty(folder: Path) -> None:
    (folder / "bat").mkdir()


REFUSED = {
    "a broken image": (spoil, {}, r"cat/00\.png cannot be read as an image"),
    "an empty class": (empty, {}, r"in/bat has 0 images .* needs at least 2"),
    "fraction 0": (lambda _: None, {"validation_fraction": 0}, "between 0 and 1, not 0"),
    "fraction 1": (lambda _: None, {"validation_fraction": 1}, "between 0 and 1, not 1"),
    "resize 0": (lambda _: None, {"resize": 0}, "resize must be a number of pixels above 0"),
}


@pytest.mark.parametrize(("damage", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_packed_is_refused_and_leaves_no_rec(folder, tmp_path, damage, options, message):
    damage(folder)
    with pytest.raises(DatasetError, match=message):
        pack(folder, tmp_path / "out", **options)
    assert [name for name in files(tmp_path / "out") if "partial" in name or name == "labels.txt"] == []


@pytest.mark.parametrize(("name", "message"), [("none", "is not a folder"), ("in/cat", "has no subfolders")])
def test_a_folder_without_classes_is_refused(folder, tmp_path, name, message):
    with pytest.raises(DatasetError, match=message):
        pack(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([], "no images for the train channel"),
        ([LabelledImage(2, b"", "x.png")], "x.png is of class 2, but there are 2"),
    ],
    ids=["none", "no name"],
)
def test_images_that_do_not_fit_their_labels_are_refused(tmp_path, train, message):
    with pytest.raises(DatasetError, match=message):
        pack_images(train, [LabelledImage(0, b"", "y.png")], ["a", "b"], tmp_path)
