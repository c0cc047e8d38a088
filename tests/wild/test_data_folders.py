"""Folders of images as people have them: splits, odd pictures, broken files, and what is left out is told."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from classifier_operator.cli import main
from image_recordio import DatasetError, images, parse_list, read_records
from image_recordio.datasets import PackedDataset, pack_folder

UPRIGHT, TURNED = 1, 6


def jpeg(size: tuple[int, int] = (16, 12), mode: str = "RGB", orientation: int = UPRIGHT) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.new(mode, size).save(out, "JPEG", exif=exif)
    return out.getvalue()


def fill(root: Path, *folders: str, count: int = 2, data: bytes | None = None) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / folder / f"{number}.jpg").write_bytes(data or jpeg())
    return root


def pack(folder: Path, **options: Any) -> PackedDataset:
    options = {"validation_fraction": 0.5, "seed": 0, **options}
    return pack_folder(folder, folder.parent / "out", **options)


def records(path: Path) -> list[Any]:
    return list(read_records(path.read_bytes()))


def names(packed: PackedDataset) -> tuple[set[str], set[str]]:
    lists = [packed.train.parent.parent / "index" / f"{part}.lst" for part in ("train", "validation")]
    train, validation = ({entry.path for entry in parse_list(path.read_text())} for path in lists)
    return train, validation


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["dataset", *map(str, arguments)])


SPLITS = {
    "kaggle": ("train", "val", "test"),
    "keras": ("training", "validation", "testing"),
    "capitals": ("Train", "Valid", "Test"),
    "without a test part": ("train", "val", ""),
}


@pytest.mark.parametrize("is_inside", [False, True], ids=["parts of classes", "classes of parts"])
@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_b19_a2_the_split_that_is_there_is_taken(tmp_path: Path, split: tuple[str, ...], *, is_inside: bool) -> None:
    train, validation, test = split
    for part, count in ((train, 3), (validation, 2), (test, 1)):
        for name in ("NORMAL", "PNEUMONIA") if part else ():
            fill(tmp_path / "in", f"{name}/{part}" if is_inside else f"{part}/{name}", count=count)
    packed = pack(tmp_path / "in")
    assert packed.labels == ("NORMAL", "PNEUMONIA")
    assert (packed.train_count, packed.validation_count) == (6, 4)
    assert all(f"/{train}/" in f"/{name}" for name in names(packed)[0])
    assert all(f"/{validation}/" in f"/{name}" for name in names(packed)[1])
    assert "are taken as the split that they are" in packed.notes[0]
    assert any("the test part, 2 images, is not packed" in note for note in packed.notes) is bool(test)


def test_b19_without_val_a_share_of_train_is_validated_with(tmp_path: Path) -> None:
    fill(tmp_path / "in", "train/cat", "train/dog", count=4)
    fill(tmp_path / "in", "test", count=5)
    packed = pack(tmp_path / "in")
    assert (packed.labels, packed.train_count, packed.validation_count) == (("cat", "dog"), 4, 4)
    assert any("they have no val" in note for note in packed.notes)
    assert any("the test part, 5 images" in note for note in packed.notes)


def test_a_class_named_train_among_others_is_a_class(tmp_path: Path) -> None:
    assert pack(fill(tmp_path / "in", "bus", "train", "tram")).labels == ("bus", "train", "tram")


NO_SPLITS = {
    "no classes": (["train", "val"], "not like classes, but the training images are in no class's folder"),
    "train alone": (["train"], "not like classes, but the training images"),
    "no train": (["val/a", "test/a"], "none of them is named train"),
    "the same twice": (["train/a", "val/a", "valid/a"], "val and valid would be the same part"),
    "strangers": (["train/a", "train/b", "val/a", "val/b", "labels"], "but labels would be no part of it"),
    "strangers in classes": (["a/train", "a/val", "b/other"], "but other would be no part of it"),
    "too much in val": (["train/a", "train/b", "val/a", "val/b", "val/c"], "that the training part has not: c"),
    "too little in val": (["train/a", "train/b", "val/a"], "that the validation part has not: b"),
    "names alike": (["seg_train/a", "seg_train/b", "seg_test/a", "seg_test/b"], "sound like the parts of a split"),
    "names alike, flat": (["TrainImages", "test1"], "sound like the parts of a split"),
    "one level too high": (["animals/cat", "animals/dog"], "all images are of one class, .*animals"),
    "two levels too high": (["train/seg_train/a", "train/seg_train/b"], "all images are of one class, .*seg_train"),
}


@pytest.mark.parametrize(("folders", "message"), NO_SPLITS.values(), ids=NO_SPLITS)
def test_b19_a2_what_cannot_be_a_split_is_refused(tmp_path: Path, folders: list[str], message: str) -> None:
    fill(tmp_path / "in", *folders)
    with pytest.raises(DatasetError, match=message):
        pack(tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_a2_subfolders_that_repeat_are_told(tmp_path: Path) -> None:
    packed = pack(fill(tmp_path / "in", "2019/cat", "2019/dog", "2020/cat", "2020/dog"))
    words = "if these are the classes, arrange the folder by them"
    assert packed.notes == (f"each of the classes 2019, 2020 has the subfolders cat, dog: {words}",)


@pytest.mark.parametrize("image_format", ["JPEG", "MPO", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_b20_a3_what_is_encoded_again_is_turned_upright(image_format: str, orientation: int) -> None:
    stored = Image.new("RGB", (400, 300), "red")
    stored.paste("blue", (0, 0, 200, 150))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    more = {"save_all": True, "append_images": [stored]} if image_format == "MPO" else {}
    stored.save(out, image_format, exif=exif, **more)
    made = images.prepare(out.getvalue(), name="x", resize=30)
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.size == ((40, 30) if orientation < 5 else (30, 40))
        assert not image.getexif().get(0x0112)
        width, height = image.size
        corners = {0: (4, 4), 1: (width - 5, 4), 2: (width - 5, height - 5), 3: (4, height - 5)}
        blue = [corner for corner, at in corners.items() if image.getpixel(at)[2] > 128]  # type: ignore[index]
    # Where the corner that is stored first belongs, by the table of EXIF: clockwise from the upper left.
    assert blue == [{1: 0, 2: 1, 3: 2, 4: 3, 5: 0, 6: 1, 7: 2, 8: 3}[orientation]]


def test_b20_without_resize_the_mark_is_kept_and_told(tmp_path: Path) -> None:
    data = jpeg((40, 30), orientation=TURNED)
    packed = pack(fill(tmp_path / "in", "a", "b", data=data))
    assert {record.image for record in records(packed.train)} == {data}
    assert any("4 with an EXIF orientation. With --resize" in note for note in packed.notes)


def test_a_damaged_exif_block_breaks_no_image() -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert images.prepare(out.getvalue(), name="x", resize=15).oddities == ()


def encoded(image: Image.Image, image_format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


ODD = {
    "cmyk": (encoded(Image.new("CMYK", (8, 6), (0, 255, 255, 0)), "JPEG"), "RGB", (255, 0, 0), images.CMYK),
    "rgba": (encoded(Image.new("RGBA", (8, 6), (9, 99, 199, 50)), "PNG"), "RGB", (9, 99, 199), images.TRANSPARENT),
    "la": (encoded(Image.new("LA", (8, 6), (99, 50)), "PNG"), "RGB", (99, 99, 99), images.TRANSPARENT),
    "transparent color": (
        encoded(Image.new("RGB", (8, 6), (9, 99, 199)), "PNG", transparency=(9, 99, 199)),
        "RGB",
        (9, 99, 199),
        images.TRANSPARENT,
    ),
    "16 bits": (encoded(Image.new("I;16", (8, 6), 99 * 256 + 3), "PNG"), "RGB", (99, 99, 99), images.DEEP),
    "16 bits white": (encoded(Image.new("I;16", (8, 6), 65535), "PNG"), "RGB", (255, 255, 255), images.DEEP),
    "16 bits tiff": (encoded(Image.new("I;16", (8, 6), 99 * 256 + 3), "TIFF"), "RGB", (99, 99, 99), ""),
    "gray": (encoded(Image.new("L", (8, 6), 99), "PNG"), "L", 99, ""),
    "palette": (encoded(Image.new("RGB", (8, 6), (9, 99, 199)).convert("P"), "PNG"), "RGB", None, ""),
}


@pytest.mark.parametrize(("data", "mode", "color", "oddity"), ODD.values(), ids=ODD)
def test_b21_odd_pictures_become_plain_and_untouched_ones_are_named(
    data: bytes, mode: str, color: Any, oddity: str
) -> None:
    made = images.prepare(data, name="x", resize=3)
    with Image.open(io.BytesIO(made.data)) as image:
        assert (image.mode, image.size, "transparency" in image.info) == (mode, (4, 3), False)
        found = image.getpixel((1, 1))
        near = color is None or (found == color if made.data[:4] == b"\x89PNG" else found[0] > 200)  # type: ignore[index]
        assert near, found
    untouched = images.prepare(data, name="x", resize=None)
    assert untouched.oddities == ((oddity,) if oddity else ())
    assert (untouched.data == data) is (data[:2] != b"II")


@pytest.mark.parametrize("mode", ["I", "F"])
def test_b21_samples_whose_range_is_unknown_are_refused(mode: str) -> None:
    with pytest.raises(DatasetError, match="x cannot be read as an image: it has 32-bit samples"):
        images.prepare(encoded(Image.new(mode, (8, 6)), "TIFF"), name="x", resize=None)


def test_a_photo_with_further_pictures_behind_it_stays_as_it_is() -> None:
    one = Image.new("RGB", (8, 6))
    data = encoded(one, "MPO", save_all=True, append_images=[one])
    assert images.prepare(data, name="x", resize=None).data == data


def test_a4_b21_what_is_left_out_is_counted_by_extension(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "a", "b", count=4)
    for name in ("1.heic", "2.HEIC", "1.gif", "README", "3.jfif"):
        (folder / "a" / name).write_bytes(jpeg())
    for name in ("loose.jpg", "notes.txt"):
        (folder / name).write_bytes(jpeg())
    done = run(folder, tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "skipped 5 files: 2 .heic, 1 .gif, 1 .txt, 1 without an extension; images are .bmp, .jfif" in done.stderr
    assert "skipped 1 images that lie beside the folders, such as" in done.stderr
    assert "numTrainingSamples: 7" in done.stdout


def test_hidden_folders_are_passed_over_at_any_depth(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "a", "b", ".ipynb_checkpoints", "a/.ipynb_checkpoints", "a/.thumbs/x")
    packed = pack(folder)
    assert (packed.train_count, packed.validation_count, packed.notes) == (2, 2, ())


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "a", "b")
    fill(tmp_path / "elsewhere", "more")
    (folder / "a" / "more").symlink_to(tmp_path / "elsewhere" / "more", target_is_directory=True)
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    packed = pack(folder)
    assert packed.train_count + packed.validation_count == 6


def spoil(folder: Path) -> list[str]:
    (folder / "a/cut.jpg").write_bytes(jpeg((200, 200))[:300])
    (folder / "a/web.jpg").write_text("<html>")
    (folder / "b/empty.png").write_bytes(b"")
    (folder / "b/lost.jpg").symlink_to("nowhere")
    (folder / "b/tab\there.jpg").write_bytes(jpeg())
    (folder / os.fsdecode(b"b/latin-\xe9.jpg")).write_bytes(jpeg())
    return ["a/cut.jpg", "a/web.jpg", "b/empty.png", "b/lost.jpg", "b/tab\\there.jpg", "b/latin-\\udce9.jpg"]


def test_a5_all_broken_images_are_named_and_counted(tmp_path: Path) -> None:
    broken = spoil(fill(tmp_path / "in", "a", "b", count=5))
    done = run(tmp_path / "in", tmp_path / "out")
    assert done.exit_code == 1
    assert "Error: 6 of 16 images cannot be packed; mend or remove them, or skip them (--skip-broken):" in done.stderr
    assert [name for name in broken if name not in done.stderr] == []
    assert "it is no JPEG, PNG, BMP, TIFF or WEBP" in done.stderr
    assert "BytesIO" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--skip-broken",)], ids=["", "a class is lost"])
def test_a4_what_is_left_out_is_told_where_broken_images_end_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    folder = fill(tmp_path / "in", "a", "b", count=2)
    fill(folder, "b", count=2, data=b"no image")
    for name in ("1.heic", "2.heic", "3.gif"):
        (folder / "b" / name).write_bytes(b"x")
    done = run(folder, tmp_path / "out", *options)
    assert done.exit_code == 1
    assert "b/0.jpg cannot be read as an image" in done.stderr
    assert "skipped 3 files: 2 .heic, 1 .gif; images are .bmp" in done.stderr


@pytest.mark.parametrize("output", ["file", "file/below"])
def test_a27_an_output_that_cannot_be_made_is_said_in_one_line(tmp_path: Path, output: str) -> None:
    folder = fill(tmp_path / "in", "a", "b")
    (tmp_path / "file").write_text("mine")
    done = run(folder, tmp_path / output)
    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: the output {tmp_path / output} cannot be made: Not a directory; "
        "give a folder that may be made, or one that you may write to\n"
    )
    assert (tmp_path / "file").read_text() == "mine"


OF_THE_SYSTEM = {
    "full": (errno.ENOSPC, "make room there, or give another OUTPUT"),
    "not allowed": (errno.EACCES, "you need the right to read FOLDER and to write to OUTPUT"),
    "other": (errno.EIO, "mend that, or give another OUTPUT"),
}


@pytest.mark.parametrize(("number", "advice"), OF_THE_SYSTEM.values(), ids=OF_THE_SYSTEM)
def test_a27_what_the_system_refuses_comes_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    folder = fill(tmp_path / "in", "a", "b")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "out/train.rec")

    monkeypatch.setattr("image_recordio.datasets._write", refuse)
    done = run(folder, tmp_path / "out")
    assert done.exit_code == 1
    assert done.stderr == f"Error: out/train.rec: {os.strerror(number)}; {advice}\n"
    assert not (tmp_path / "out").exists()


def test_a27_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "a", "b")
    (tmp_path / "out" / "labels.txt").mkdir(parents=True)
    done = run(folder, tmp_path / "out")
    assert done.exit_code == 1
    assert done.stderr == f"Error: {tmp_path}/out/labels.txt: Is a directory; mend that, or give another OUTPUT\n"


def test_a5_broken_images_can_be_skipped(tmp_path: Path) -> None:
    broken = spoil(fill(tmp_path / "in", "a", "b", count=5))
    done = run(tmp_path / "in", tmp_path / "out", "--skip-broken")
    assert done.exit_code == 0, done.output
    assert "skipped 6 broken images:" in done.stderr
    assert [name for name in broken if name not in done.stderr] == []
    counts = [len(records(tmp_path / "out" / name / f"{name}.rec")) for name in ("train", "validation")]
    assert sum(counts) == 10


def test_a5_a_class_that_loses_all_its_images_is_not_skipped(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "a", "b")
    for path in (folder / "b").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="without the broken images no image of b is left for the train channel"):
        pack(folder, skip_broken=True)


def test_a_class_that_would_be_two_lines_of_the_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"b\\nc cannot name a class in labels.txt"):
        pack(fill(tmp_path / "in", "a", "b\nc"))


@pytest.mark.parametrize("output", ["in/out", "in", "in/.out", ".", "in/a/../out", "link"])
def test_a23_an_output_inside_of_the_images_is_refused(tmp_path: Path, output: str) -> None:
    folder = fill(tmp_path / "in", "a", "b") if output != "." else fill(tmp_path / "train", "a", "b")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    before = sorted(tmp_path.rglob("*"))
    done = run(folder, tmp_path / output)
    assert done.exit_code == 1
    assert "is inside of the images' folder" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def interrupt_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def prepare(*_: Any, **__: Any) -> images.Prepared:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return images.Prepared(jpeg())

    monkeypatch.setattr(images, "prepare", prepare)


def test_a29_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "in", "a", "b")
    interrupt_at_the_second(monkeypatch)
    done = run(tmp_path / "in", tmp_path / "new" / "out")
    assert done.exit_code == 130
    assert "interrupted: nothing was written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a29_ctrl_c_leaves_what_was_packed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "in", "a", "b")
    assert run(tmp_path / "in", tmp_path / "out").exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    interrupt_at_the_second(monkeypatch)
    assert run(tmp_path / "in", tmp_path / "out", "--seed", "7").exit_code == 130
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a29_what_a_killed_process_has_left_goes_with_the_next(tmp_path: Path) -> None:
    fill(tmp_path / "in", "a", "b")
    left = tmp_path / "out" / ".dataset.partial" / "train" / "train.rec"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    pack(tmp_path / "in")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index", "labels.txt", "train", "validation"]


def test_a22_a_path_with_blanks_is_quoted_in_the_command(tmp_path: Path) -> None:
    fill(tmp_path / "in", "a", "b")
    done = run(tmp_path / "in", tmp_path / "o ut")
    assert f"--from-file='{tmp_path}/o ut/labels.txt'" in done.stdout
