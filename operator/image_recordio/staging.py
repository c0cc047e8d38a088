"""Writing several files so that all of them appear, or none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from image_recordio.errors import DatasetError
from image_recordio.sources import shown

_NAME = ".dataset.partial"


@contextmanager
def staged(output: Path) -> Iterator[Path]:
    """Yield a folder to write into; once the body is done its files replace those of `output`.

    If the body fails or is interrupted, nothing of it is left, `output` neither if it was made for this. What
    a killed process has left is removed by the next one. Raises DatasetError if there can be no such folder.
    """
    # Inside of the output, because a rename cannot lead to another file system.
    staging = output / _NAME
    made = _missing([staging, *staging.parents])
    try:
        shutil.rmtree(staging, ignore_errors=True)
        _make(staging, output)
        yield staging
        _publish(staging, output)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise
    shutil.rmtree(staging, ignore_errors=True)


def _make(staging: Path, output: Path) -> None:
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        what = "written to" if output.is_dir() else "made"
        raise DatasetError(
            f"the output {shown(output)} cannot be {what}: {error.strerror}; give a folder that may be made, or one "
            "that you may write to"
        ) from error


def _missing(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if not folder.exists()]


def _publish(staging: Path, output: Path) -> None:
    files = sorted(path.relative_to(staging) for path in staging.rglob("*") if path.is_file())
    # First all that can fail without a file having been replaced.
    for parent in {output / file.parent for file in files}:
        parent.mkdir(parents=True, exist_ok=True)
    for file in files:
        os.replace(staging / file, output / file)
