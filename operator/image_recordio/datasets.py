"""Training data from images.

A train and a validation `.rec`, as the built-in algorithm wants them. Takes im2rec's place.

The same images, fraction and seed give the same bytes on every machine. Needs Pillow for `pack_folder`.
"""

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from image_recordio import images
from image_recordio.errors import DatasetError
from image_recordio.files import RecordWriter
from image_recordio.listing import ListEntry, format_entry
from image_recordio.record import Record

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An encoded image, the index of its class, and the name that the `.lst` gives it."""

    label: int
    image: bytes
    name: str


@dataclass(frozen=True, slots=True)
class PackedDataset:
    """What was written, under one output folder.

    `train` and `validation` are the only files of their folders, so that each folder can be copied to S3 as
    a channel; the `.idx` and `.lst` are in `index/`, which the algorithm must not see. `labels_file` has
    one class name a line, in class order.
    """

    train: Path
    validation: Path
    labels: tuple[str, ...]
    labels_file: Path
    train_count: int
    validation_count: int


@dataclass(frozen=True, slots=True)
class _Source:
    label: int
    path: Path
    name: str


def pack_folder(
    folder: Path, output: Path, *, validation_fraction: float, seed: int, resize: int | None = None
) -> PackedDataset:
    """Pack a folder that has one subfolder of images for each class.

    The classes are numbered in order of their names.

    `validation_fraction` (between 0 and 1) of every class, at least one image, goes to validation. `resize`
    is the wanted length of the shorter edge in pixels. One image at a time is in memory. Raises
    DatasetError, which says what to change.
    """
    if not 0 < validation_fraction < 1:
        raise DatasetError(f"the validation fraction must be between 0 and 1, not {validation_fraction}")
    if resize is not None and resize < 1:
        raise DatasetError(f"resize must be a number of pixels above 0, not {resize}")
    labels = _class_names(folder)
    train, validation = _split(_sources(folder, labels), validation_fraction, random.Random(seed))
    return pack_images(_load(train, resize), _load(validation, resize), labels, output)


def pack_images(
    train: Iterable[LabelledImage], validation: Iterable[LabelledImage], labels: Sequence[str], output: Path
) -> PackedDataset:
    """Pack images that are split already, in the order given.

    Raises DatasetError for a class without a name or an empty part.
    """
    labels_file = output / "labels.txt"
    dataset = PackedDataset(
        train=output / "train" / "train.rec",
        validation=output / "validation" / "validation.rec",
        labels=tuple(labels),
        labels_file=labels_file,
        train_count=_write_channel(train, "train", len(labels), output),
        validation_count=_write_channel(validation, "validation", len(labels), output),
    )
    labels_file.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    return dataset


def _class_names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        raise DatasetError(f"{folder} has no subfolders; put the images of each class into a subfolder of its name")
    return tuple(names)


def _sources(folder: Path, labels: Sequence[str]) -> list[list[_Source]]:
    """List the images of each class in order of their paths: a folder's own order differs between systems."""
    classes = []
    for label, name in enumerate(labels):
        paths = sorted(path for path in (folder / name).rglob("*") if _is_image(path))
        if len(paths) < 2:
            raise DatasetError(
                f"{folder / name} has {len(paths)} images ({', '.join(sorted(IMAGE_SUFFIXES))}); "
                "a class needs at least 2, one to train with and one to validate with"
            )
        classes.append([_Source(label, path, path.relative_to(folder).as_posix()) for path in paths])
    return classes


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _split(classes: list[list[_Source]], fraction: float, chance: random.Random) -> tuple[list[_Source], list[_Source]]:
    train: list[_Source] = []
    validation: list[_Source] = []
    for sources in classes:
        chance.shuffle(sources)
        cut = min(max(1, round(len(sources) * fraction)), len(sources) - 1)
        validation += sources[:cut]
        train += sources[cut:]
    # Mixed, because a reader that takes the file in order would otherwise see one class at a time.
    chance.shuffle(train)
    chance.shuffle(validation)
    return train, validation


def _load(sources: list[_Source], resize: int | None) -> Iterator[LabelledImage]:
    for source in sources:
        data = images.prepare(source.path.read_bytes(), name=str(source.path), resize=resize)
        yield LabelledImage(source.label, data, source.name)


def _write_channel(samples: Iterable[LabelledImage], channel: str, classes: int, output: Path) -> int:
    """Write under names of their own and rename at the end.

    A half-written `.rec` never looks like a whole one.
    """
    targets = [
        output / channel / f"{channel}.rec",
        output / "index" / f"{channel}.idx",
        output / "index" / f"{channel}.lst",
    ]
    partial = [target.with_name(f".{target.name}.partial") for target in targets]
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        count = _write_files(samples, partial, channel, classes)
        for source, target in zip(partial, targets, strict=True):
            os.replace(source, target)
    finally:
        for path in partial:
            path.unlink(missing_ok=True)
    return count


def _write_files(samples: Iterable[LabelledImage], paths: list[Path], channel: str, classes: int) -> int:
    count = 0
    with ExitStack() as files:
        rec = files.enter_context(paths[0].open("wb"))
        idx, lst = (files.enter_context(path.open("w", encoding="utf-8", newline="\n")) for path in paths[1:])
        writer = RecordWriter(rec, index=idx)
        for sample in samples:
            if not 0 <= sample.label < classes:
                raise DatasetError(f"{sample.name} is of class {sample.label}, but there are {classes} class names")
            writer.write(Record(float(sample.label), count, sample.image))
            lst.write(format_entry(ListEntry(count, (float(sample.label),), sample.name)))
            count += 1
    if count == 0:
        raise DatasetError(f"no images for the {channel} channel")
    return count
