"""Which images of a folder are in which class and in which part: a subfolder for each class, or a split of such.

A split has a folder for each part (`train`, `val`, `test`) with the classes in it, or such folders in each class.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from image_recordio.errors import DatasetError
from image_recordio.sources import Selection, Source, mixed, shown, split

IMAGE_SUFFIXES = frozenset({".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_PARTS = {
    TRAIN: TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    VALIDATION: VALIDATION,
    "dev": VALIDATION,
    "eval": VALIDATION,
    TEST: TEST,
    "testing": TEST,
}
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass
class _Class:
    """A class's folder in one part, and the images in and below it."""

    folder: Path
    images: list[Path] = field(default_factory=list)


@dataclass
class _Layout:
    """The classes of each part by their names, and the images that lie in no class's folder."""

    parts: dict[str, dict[str, _Class]]
    loose: dict[str, list[Path]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, part: str, name: str, path: Path) -> None:
        """Add an image to a class, or to the loose ones where `name` is empty."""
        if name:
            self.parts[part][name].images.append(path)
        else:
            self.loose.setdefault(part, []).append(path)


def select_folder(folder: Path, *, validation_fraction: float, seed: int) -> Selection:
    """Find the images of a folder and decide which part each is in.

    The classes are numbered in order of their names. Where the folder is a split, its `val` folder is the
    validation part, and what is in `test` is not packed; without `val`, as without a split,
    `validation_fraction` of every class is. Raises DatasetError, which says what to change.
    """
    if not folder.is_dir():
        raise DatasetError(f"{shown(folder)} is not a folder")
    files = list(_files(folder, frozenset()))
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    layout = _layout(folder, images)
    train, validation = layout.parts[TRAIN], layout.parts.get(VALIDATION)
    labels = tuple(sorted(train))
    for name in labels:
        if not name.isprintable():
            raise DatasetError(f"the folder {shown(train[name].folder)} cannot name a class in labels.txt; rename it")
    _check_classes(train, validation)
    numbered = [_sources(folder, label, train[name]) for label, name in enumerate(labels)]
    chance = random.Random(seed)
    if validation is None:
        ours, theirs = split(numbered, validation_fraction, chance)
    else:
        ours = [source for sources in numbered for source in sources]
        theirs = [one for label, name in enumerate(labels) for one in _sources(folder, label, validation[name])]
    if layout.notes and validation is None:
        layout.notes.append(f"they have no val: {validation_fraction:g} of each class of train is validated with")
    notes = [*layout.notes, *_skipped(set(files) - set(images)), *_unpacked(layout), *_repeated(train)]
    return Selection(mixed(ours, chance), mixed(theirs, chance), labels, notes=tuple(notes))


def _files(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """List files in order of their paths: a folder's own order differs between systems.

    Hidden ones are passed over. Links to folders are followed, but never to one that they are in.
    """
    status = folder.stat()
    here = above | {(status.st_dev, status.st_ino)}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            status = path.stat()
            if (status.st_dev, status.st_ino) not in here:
                yield from _files(path, here)
        elif path.is_file() or path.is_symlink():
            yield path


def _layout(folder: Path, images: Sequence[Path]) -> _Layout:
    top = _folders(folder)
    if not top:
        raise DatasetError(
            f"{shown(folder)} has no subfolders; put the images of each class into a subfolder of its name"
        )
    _refuse_a_likely_split(folder, top)
    inner = {name: _folders(folder / name) for name in top}
    within = sorted({entry for entries in inner.values() for entry in entries})
    if _is_split(top):
        _check_parts(f"{shown(folder)}: {_listed(top)} look like the parts of a split", top)
        places = [(_PARTS[part.lower()], name, folder / part / name) for part in top for name in inner[part]]
        return _placed(folder, images, places, sorted(_parts_of(top)), depth=0, told=top)
    if _is_split(within) and len(_parts_of(within)) > 1:
        _check_parts(f"{shown(folder)}: {_listed(within)} in its subfolders look like the parts of a split", within)
        places = [(_PARTS[part.lower()], name, folder / name / part) for part in within for name in top]
        return _placed(folder, images, places, sorted(_parts_of(within)), depth=1, told=within)
    whole = _Layout({TRAIN: {name: _Class(folder / name) for name in top}})
    for path in images:
        names = path.relative_to(folder).parts[:-1]
        whole.add(TRAIN, names[0] if names else "", path)
    return whole


def _placed(
    folder: Path,
    images: Sequence[Path],
    places: Sequence[tuple[str, str, Path]],
    parts: Sequence[str],
    *,
    depth: int,
    told: Sequence[str],
) -> _Layout:
    """Sort the images of a split: the folder `depth` levels down names the part, the other one of two the class."""
    layout = _Layout({part: {} for part in parts})
    layout.notes.append(f"the folders {_listed(told)} are taken as the split that they are")
    for part, name, place in places:
        layout.parts[part].setdefault(name, _Class(place))
    for path in images:
        names = path.relative_to(folder).parts[:-1]
        part = _PARTS[names[depth].lower()] if len(names) > depth else TRAIN
        layout.add(part, names[1 - depth] if len(names) > 1 else "", path)
    if not any(one.images for one in layout.parts[TRAIN].values()):
        raise DatasetError(
            f"{shown(folder)}: {_listed(told)} look like the parts of a split, not like classes, but the training "
            "images are in no class's folder; put those of each class into a subfolder of its name, or name them in a "
            "list (--list)"
        )
    return layout


def _folders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _parts_of(names: Sequence[str]) -> set[str]:
    return {_PARTS[name.lower()] for name in names if name.lower() in _PARTS}


def _is_split(names: Sequence[str]) -> bool:
    """Whether folders are parts of a split; `train` beside others may be a vehicle."""
    found = _parts_of(names)
    return bool(names) and (all(name.lower() in _PARTS for name in names) or (TRAIN in found and len(found) > 1))


def _check_parts(look: str, names: Sequence[str]) -> None:
    if strangers := [name for name in names if name.lower() not in _PARTS]:
        raise DatasetError(f"{look}, but {_listed(strangers)} would be no part of it; move that elsewhere")
    if TRAIN not in _parts_of(names):
        raise DatasetError(f"{look}, but none of them is named train")
    by_part = sorted({(_PARTS[name.lower()], name.lower()) for name in names})
    for (part, one), (other_part, other) in pairwise(by_part):
        if part == other_part:
            raise DatasetError(f"{look}, but {one} and {other} would be the same part; keep one of them")


def _refuse_a_likely_split(folder: Path, names: Sequence[str]) -> None:
    """Refuse names such as `seg_train` and `seg_test`: a model that tells the parts apart is of no use to anybody."""
    words = [{_PARTS[word.lower()] for word in _WORDS.findall(name) if word.lower() in _PARTS} for name in names]
    if _is_split(names) or not all(words) or len(set.union(*words)) == 1:
        return
    raise DatasetError(
        f"{shown(folder)}: {_listed(names)} sound like the parts of a split, not like classes; name them train, val "
        "and test, each with a subfolder for each class. If they are classes, name them otherwise"
    )


def _check_classes(train: dict[str, _Class], validation: dict[str, _Class] | None) -> None:
    if validation is not None and (extra := sorted(set(validation) - set(train))):
        raise DatasetError(f"the validation part has classes that the training part has not: {_listed(extra)}")
    if validation is not None and (missing := sorted(set(train) - set(validation))):
        raise DatasetError(f"the training part has classes that the validation part has not: {_listed(missing)}")
    least, purpose = (2, "2, one to train with and one to validate with") if validation is None else (1, "1")
    for part in (train, validation or {}):
        for one in part.values():
            if len(one.images) < least:
                raise DatasetError(
                    f"{shown(one.folder)} has {len(one.images)} images ({', '.join(sorted(IMAGE_SUFFIXES))}); "
                    f"a class needs at least {purpose}"
                )
    if len(train) == 1:
        (only,) = train.values()
        below = sorted({path.relative_to(only.folder).parts[0] for path in only.images if path.parent != only.folder})
        if below:
            raise DatasetError(
                f"all images are of one class, {shown(only.folder)}, whose subfolders ({_listed(below)}) look like "
                "classes; give the folder that has a subfolder for each class"
            )


def _sources(folder: Path, label: int, images: _Class) -> list[Source]:
    return [Source(label, path, path.relative_to(folder).as_posix()) for path in images.images]


def _skipped(files: set[Path]) -> list[str]:
    if not files:
        return []
    return [f"skipped {_counted(files)}; images are {', '.join(sorted(IMAGE_SUFFIXES))}"]


def _counted(files: set[Path]) -> str:
    kinds = Counter(shown(path.suffix.lower()) or "without an extension" for path in files)
    listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0])))
    return f"{len(files)} file{'s' if len(files) > 1 else ''}: {listed}"


def _unpacked(layout: _Layout) -> list[str]:
    notes = []
    if TEST in layout.parts:
        count = sum(len(one.images) for one in layout.parts[TEST].values()) + len(layout.loose.get(TEST, ()))
        notes.append(f"the test part, {count} images, is not packed: keep it to judge the trained model with")
    if loose := [path for part, paths in layout.loose.items() if part != TEST for path in paths]:
        notes.append(f"skipped {len(loose)} images that lie beside the folders, such as {shown(loose[0])}")
    return notes


def _repeated(classes: dict[str, _Class]) -> list[str]:
    """Tell of subfolders that each class has: they may be the classes, and what is taken for classes something else."""
    below = {
        frozenset(path.relative_to(one.folder).parts[0] for path in one.images if path.parent != one.folder)
        for one in classes.values()
    }
    if len(classes) < 2 or len(below) != 1 or len(names := sorted(*below)) < 2:
        return []
    return [
        f"each of the classes {_listed(sorted(classes))} has the subfolders {_listed(names)}: if these are the "
        "classes, arrange the folder by them"
    ]


def _listed(names: Sequence[str], most: int = 10) -> str:
    listed = [shown(name) for name in names[:most]]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(listed) + more
