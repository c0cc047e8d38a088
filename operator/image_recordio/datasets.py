"""Training data from images.

A train and a validation `.rec`, as the built-in algorithm wants them. Takes im2rec's place.

The same images, fraction and seed give the same bytes on every machine. Needs Pillow to pack files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from image_recordio import images
from image_recordio.errors import DatasetError
from image_recordio.files import RecordWriter
from image_recordio.folders import select_folder
from image_recordio.listing import ListEntry, format_entry
from image_recordio.lists import select_lists
from image_recordio.record import Record
from image_recordio.sources import Selection, Source, shown
from image_recordio.staging import staged

_INDEX = "index"


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An encoded image, the index of its class, and the name that the `.lst` gives it."""

    label: int
    image: bytes
    name: str


@dataclass(frozen=True, slots=True)
class VectorImage:
    """An encoded image with several labels, and the name that the `.lst` gives it."""

    label: tuple[float, ...]
    image: bytes
    name: str


@dataclass(frozen=True, slots=True)
class PackedDataset:
    """What was written, under one output folder.

    `train` and `validation` are the only files of their folders, so that each folder can be copied to S3 as
    a channel; the `.idx` and `.lst` are in `index/`, which the algorithm must not see. `labels_file` has
    one class name a line, in class order. `label_format` is `multi-hot` or `class-id` where images have
    several labels. `notes`: what was left out or decided, a sentence each.
    """

    train: Path
    validation: Path
    labels: tuple[str, ...]
    labels_file: Path
    train_count: int
    validation_count: int
    label_format: str = ""
    notes: tuple[str, ...] = ()


def pack_folder(
    folder: Path,
    output: Path,
    *,
    validation_fraction: float,
    seed: int,
    resize: int | None = None,
    skip_broken: bool = False,
) -> PackedDataset:
    """Pack a folder that has one subfolder of images for each class, or a folder of such for each part.

    `validation_fraction` (between 0 and 1) of every class, at least one image, is validated with, unless the
    folder has a part for that. `resize` is the wanted length of the shorter edge in pixels. `skip_broken`: go
    on without images that cannot be read. One image at a time is in memory. Raises DatasetError, which says
    what to change, with nothing written.
    """
    _check(validation_fraction, resize)
    if inside := [target for target in _targets(output) if _is_within(target.parent, folder)]:
        raise DatasetError(
            f"the output {shown(inside[0].parent)} is inside of the images' folder {shown(folder)}, where it would be "
            "taken for images the next time; give another folder"
        )
    selection = select_folder(folder, validation_fraction=validation_fraction, seed=seed)
    return _pack(selection, output, _Reader(resize), skip_broken=skip_broken)


def pack_lists(
    folder: Path,
    output: Path,
    *,
    train_list: Path,
    validation_list: Path | None = None,
    validation_fraction: float,
    seed: int,
    resize: int | None = None,
    skip_broken: bool = False,
) -> PackedDataset:
    """Pack the images that a `.lst` names below `folder`, or one for each part, with the labels that it gives them.

    For the rest see `pack_folder`.
    """
    _check(validation_fraction, resize)
    ends = {target.resolve() for target in _targets(output)}
    if clash := [path for path in (train_list, validation_list) if path is not None and path.resolve() in ends]:
        raise DatasetError(f"the list {shown(clash[0])} would be replaced by the output; give another folder")
    selection = select_lists(folder, train_list, validation_list, validation_fraction=validation_fraction, seed=seed)
    return _pack(selection, output, _Reader(resize), skip_broken=skip_broken)


def pack_images(
    train: Iterable[LabelledImage],
    validation: Iterable[LabelledImage],
    labels: Sequence[str],
    output: Path,
    *,
    held_out: Iterable[LabelledImage] = (),
) -> PackedDataset:
    """Pack images that are split already, in the order given; those held out become files in `held-out/`.

    Raises DatasetError for a class without a name or an empty part, with nothing written.
    """
    with staged(output) as staging:
        counts = _write(train, validation, labels, staging)
        _check_parts(counts)
        for image in held_out:
            path = staging / "held-out" / image.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image.image)
    return _packed(output, labels, counts)


def _check(validation_fraction: float, resize: int | None) -> None:
    if not 0 < validation_fraction < 1:
        raise DatasetError(f"the validation fraction must be between 0 and 1, not {validation_fraction}")
    if resize is not None and resize < 1:
        raise DatasetError(f"resize must be a number of pixels above 0, not {resize}")


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


class _Reader:
    """Reads images one by one, and goes on after those that cannot be read."""

    def __init__(self, resize: int | None) -> None:
        self._resize = resize
        self._oddities: Counter[str] = Counter()
        self._lost: set[Source] = set()
        self.broken: list[str] = []

    def read(self, sources: Iterable[Source]) -> Iterator[LabelledImage | VectorImage]:
        """Yield the images that can be read."""
        for source in sources:
            try:
                prepared = _read(source, self._resize)
            except DatasetError as error:
                self.broken.append(str(error))
                self._lost.add(source)
                continue
            self._oddities.update(prepared.oddities)
            if isinstance(source.label, int):
                yield LabelledImage(source.label, prepared.data, source.name)
            else:
                yield VectorImage(source.label, prepared.data, source.name)

    def check_classes(self, selection: Selection) -> None:
        """Raise DatasetError where a part has lost all images of a class."""
        for part, sources in (("train", selection.train), ("validation", selection.validation)):
            left = {source.label for source in sources if source not in self._lost}
            gone = {source.label for source in sources if isinstance(source.label, int)} - left
            if gone:
                names = ", ".join(shown(selection.labels[label]) for label in sorted(gone) if isinstance(label, int))
                raise DatasetError(
                    f"without the broken images no image of {names} is left for the {part} channel:\n"
                    + "\n".join([*self.broken, *selection.notes])
                )

    def notes(self) -> list[str]:
        """What was left out, and what is stored as it is though readers differ about it."""
        notes = []
        if self.broken:
            notes.append("\n  ".join([f"skipped {len(self.broken)} broken images:", *self.broken]))
        if self._oddities:
            kinds = ", ".join(f"{count} with {kind}" for kind, count in sorted(self._oddities.items()))
            notes.append(
                f"stored as they are, and up to the reader: {kinds}. With --resize images become upright and 8-bit "
                "RGB or gray"
            )
        return notes


def _pack(selection: Selection, output: Path, reader: _Reader, *, skip_broken: bool) -> PackedDataset:
    with staged(output) as staging:
        train, validation = reader.read(selection.train), reader.read(selection.validation)
        counts = _write(train, validation, selection.labels, staging)
        if reader.broken and not skip_broken:
            # What was left out besides is told, too: it may be what the broken ones should have been.
            raise DatasetError("\n".join([_told_broken(reader.broken, sum(counts)), *selection.notes]))
        _check_parts(counts)
        reader.check_classes(selection)
    notes = (*selection.notes, *reader.notes())
    return _packed(output, selection.labels, counts, selection.label_format, notes)


def _read(source: Source, resize: int | None) -> images.Prepared:
    try:
        format_entry(ListEntry(0, (0.0,), source.name)).encode()
    except ValueError as error:
        raise DatasetError(
            f"{shown(source.path)} cannot stand in a .lst: rename it (tab, line break, UTF-8)"
        ) from error
    try:
        data = source.path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{shown(source.path)} cannot be read: {error.strerror}") from error
    return images.prepare(data, name=shown(source.path), resize=resize)


def _told_broken(broken: Sequence[str], good: int) -> str:
    total = good + len(broken)
    head = f"{len(broken)} of {total} images cannot be packed; mend or remove them, or skip them (--skip-broken):"
    return "\n  ".join([head, *broken])


def _targets(output: Path) -> list[Path]:
    channels = ("train", "validation")
    names = [f"{_INDEX}/{channel}.{kind}" for channel in channels for kind in ("idx", "lst")]
    return [output / name for name in ("labels.txt", *(f"{channel}/{channel}.rec" for channel in channels), *names)]


def _packed(
    output: Path, labels: Sequence[str], counts: tuple[int, int], label_format: str = "", notes: tuple[str, ...] = ()
) -> PackedDataset:
    return PackedDataset(
        train=output / "train" / "train.rec",
        validation=output / "validation" / "validation.rec",
        labels=tuple(labels),
        labels_file=output / "labels.txt",
        train_count=counts[0],
        validation_count=counts[1],
        label_format=label_format,
        notes=notes,
    )


def _write(
    train: Iterable[LabelledImage | VectorImage],
    validation: Iterable[LabelledImage | VectorImage],
    labels: Sequence[str],
    output: Path,
) -> tuple[int, int]:
    """Write both channels and the class names; return how many images each channel has."""
    counts = (
        _write_channel(train, "train", len(labels), output),
        _write_channel(validation, "validation", len(labels), output),
    )
    text = "".join(f"{label}\n" for label in labels)
    (output / "labels.txt").write_text(text, encoding="utf-8", newline="\n")
    return counts


def _check_parts(counts: tuple[int, int]) -> None:
    for channel, count in zip(("train", "validation"), counts, strict=True):
        if count == 0:
            raise DatasetError(f"no images for the {channel} channel")


def _write_channel(samples: Iterable[LabelledImage | VectorImage], channel: str, classes: int, output: Path) -> int:
    for folder in (output / channel, output / _INDEX):
        folder.mkdir(exist_ok=True)
    count = 0
    with ExitStack() as files:
        rec = files.enter_context((output / channel / f"{channel}.rec").open("wb"))
        idx, lst = (
            files.enter_context((output / _INDEX / f"{channel}.{kind}").open("w", encoding="utf-8", newline="\n"))
            for kind in ("idx", "lst")
        )
        writer = RecordWriter(rec, index=idx)
        for sample in samples:
            labels = sample.label if isinstance(sample.label, tuple) else (float(sample.label),)
            if isinstance(sample.label, int) and not 0 <= sample.label < classes:
                raise DatasetError(f"{sample.name} is of class {sample.label}, but there are {classes} class names")
            writer.write(Record(labels if isinstance(sample.label, tuple) else labels[0], count, sample.image))
            lst.write(format_entry(ListEntry(count, labels, sample.name)))
            count += 1
    return count
