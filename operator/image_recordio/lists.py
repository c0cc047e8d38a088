"""Which images a `.lst` names, with the labels that it gives them: one class each, or several."""

import os
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from image_recordio.errors import DatasetError, ListError
from image_recordio.listing import ListEntry, parse_list
from image_recordio.sources import Label, Selection, Source, mixed, shown, split

MULTI_HOT, CLASS_ID = "multi-hot", "class-id"
"""How several labels are meant: an indicator for each class, or the numbers of the classes."""

# A list with a larger number is no list of classes.
MOST_CLASSES = 100_000


def select_lists(
    folder: Path, train_list: Path, validation_list: Path | None, *, validation_fraction: float, seed: int
) -> Selection:
    """Find the images of one `.lst`, or of one for each part; their paths are relative to `folder`.

    Without a list for validation, `validation_fraction` of each class is validated with. A class whose images
    all lie in a folder of its own has that folder's name, others their number. Raises DatasetError, which
    names list and line, or the image.
    """
    if not folder.is_dir():
        raise DatasetError(f"{shown(folder)} is not a folder")
    train = _read(train_list)
    validation = _read(validation_list) if validation_list is not None else []
    entries = [*train, *validation]
    kind = _kind(entries)
    count = _class_count(entries, kind)
    chance = random.Random(seed)
    ours = [_source(folder, train_list, entry, kind) for entry in train]
    theirs = [_source(folder, validation_list or train_list, entry, kind) for entry in validation]
    if validation_list is None:
        ours, theirs = split(_groups(ours, train_list), validation_fraction, chance)
    labels = _class_names(entries, count) if not kind else tuple(map(str, range(count)))
    notes = _notes(entries, count, kind, labels, both={one.name for one in ours} & {one.name for one in theirs})
    return Selection(mixed(ours, chance), mixed(theirs, chance), labels, kind, tuple(notes))


def _read(path: Path) -> list[ListEntry]:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DatasetError(f"{shown(path)} is UTF-16, by the byte order mark that it begins with; save it as UTF-8")
    try:
        # Windows' editors put a byte order mark before UTF-8, too.
        entries = list(parse_list(data.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise DatasetError(f"{shown(path)} is not UTF-8 (byte offset {error.start}); save it as UTF-8") from error
    except ListError as error:
        raise DatasetError(f"{shown(path)}, {error}") from error
    if not entries:
        raise DatasetError(f"{shown(path)} names no images")
    return entries


def _kind(entries: Sequence[ListEntry]) -> str:
    """Return how the labels are meant; empty where each image has one."""
    widths = {len(entry.labels) for entry in entries}
    if widths == {1}:
        return ""
    if _is_detection(entries):
        header, size = (int(label) for label in entries[0].labels[:2])
        raise DatasetError(
            f"this is a list for object detection (a header of {header} numbers, then {size} for each object); the "
            "image classifier trains on classes only: index, class and path, divided by tabs"
        )
    is_indicator = all(label in (0, 1) for entry in entries for label in entry.labels)
    return MULTI_HOT if len(widths) == 1 and is_indicator else CLASS_ID


def _is_detection(entries: Sequence[ListEntry]) -> bool:
    """Whether all have the header of such a list: its own length, that of an object, then whole objects.

    MXNet's image/detection.py: an object has at least a class and 4 edges.
    """
    headers = {entry.labels[:2] for entry in entries}
    if len(headers) != 1 or len(header := headers.pop()) < 2:
        return False
    if not all(label.is_integer() for label in header) or header[0] < 2 or header[1] < 5:
        return False
    bodies = [len(entry.labels) - int(header[0]) for entry in entries]
    return all(body >= 0 and body % int(header[1]) == 0 for body in bodies) and any(bodies)


def _class_count(entries: Sequence[ListEntry], kind: str) -> int:
    if kind == MULTI_HOT:
        return len(entries[0].labels)
    for entry in entries:
        for label in entry.labels:
            if not label.is_integer() or not 0 <= label < MOST_CLASSES:
                raise DatasetError(
                    f"{shown(entry.path)} has the label {label:g}, which is no class: classes are whole numbers from 0"
                )
        if len(set(entry.labels)) < len(entry.labels):
            raise DatasetError(f"{shown(entry.path)} has the same class twice")
    return 1 + int(max(label for entry in entries for label in entry.labels))


def _source(folder: Path, listed_in: Path, entry: ListEntry, kind: str) -> Source:
    root = os.path.abspath(folder)
    place = os.path.normpath(os.path.join(root, entry.path))
    if os.path.commonpath([root, place]) != root or "\0" in entry.path:
        raise DatasetError(f"{shown(listed_in)} names {shown(entry.path)}, which is not in {shown(folder)}")
    label: Label = entry.labels if kind else int(entry.labels[0])
    return Source(label, folder / Path(place).relative_to(root), entry.path)


def _groups(sources: Sequence[Source], listed_in: Path) -> list[list[Source]]:
    """Group by class to split each; images with several classes are one group."""
    groups: dict[int, list[Source]] = defaultdict(list)
    for source in sources:
        groups[source.label if isinstance(source.label, int) else 0].append(source)
    for label, group in sorted(groups.items()):
        if len(group) < 2:
            raise DatasetError(
                f"{shown(listed_in)} names 1 image of class {label}; a class needs at least 2, one to train with "
                "and one to validate with (or give --validation-list)"
            )
    return [group for _, group in sorted(groups.items())]


def _class_names(entries: Sequence[ListEntry], count: int) -> tuple[str, ...]:
    folders: dict[int, set[str]] = defaultdict(set)
    for entry in entries:
        folders[int(entry.labels[0])].add(PurePosixPath(entry.path).parent.name)
    owners = [name for names in folders.values() for name in names]
    is_by_folder = len(owners) == len(set(owners)) == len(folders) and all(map(str.isprintable, owners))
    if not is_by_folder or "" in owners:
        return tuple(map(str, range(count)))
    return tuple(next(iter(folders.get(number, {str(number)}))) for number in range(count))


def _notes(entries: Sequence[ListEntry], count: int, kind: str, labels: Sequence[str], both: set[str]) -> list[str]:
    notes = []
    if kind:
        words = f"{count} columns of 0 and 1, one for each class" if kind == MULTI_HOT else "the numbers of its classes"
        notes.append(f"each image has several labels: {words}")
    else:
        found = {int(entry.labels[0]) for entry in entries}
        if missing := [number for number in range(count) if number not in found]:
            more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
            names = ", ".join(map(str, missing[:10]))
            notes.append(f"no image is of class {names}{more}: classes are counted from 0 to the largest, {count - 1}")
    if labels == tuple(map(str, range(count))):
        notes.append("labels.txt has numbers for names: a list has none. Put the classes' names there, one a line")
    if both:
        notes.append(f"{len(both)} images are in both parts, such as {shown(min(both))}: validation will look too good")
    return notes
