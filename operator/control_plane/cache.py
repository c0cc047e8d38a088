"""Owns the cache folder of tools: where it is, what makes it stale, one writer at a time, no half files.

What is put there, and how it is made, is the matter of `prebuilt` and `golang`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from control_plane.catalog import GoModule
from control_plane.locks import try_exclusive
from control_plane.progress import Reporter

_PARTIAL: Final = "partial-"
# To be raised when the way in which tools are built changes: earlier ones are then built anew.
_RECIPE: Final = 1


def cache_root(environ: Mapping[str, str]) -> Path:
    """Return the folder for everything cached: `CLASSIFIER_OPERATOR_CACHE`, else the user's cache folder."""
    base = environ.get("CLASSIFIER_OPERATOR_CACHE") or environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "classifier-operator"


@dataclass(frozen=True)
class ToolCache:
    """The finished tools of one Go module, in one folder that no other set of versions shares."""

    folder: Path

    @classmethod
    def of(cls, module: GoModule, root: Path) -> ToolCache:
        """Return the cache whose folder is named by all that decides what the binaries are."""
        digest = hashlib.sha256(f"{_RECIPE} {platform.system()} {platform.machine()}".encode())
        for path in module.files():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return cls(root / "tools" / digest.hexdigest()[:16])

    def find(self, name: str) -> Path | None:
        """Return the cached tool, or None."""
        path = self.folder / name
        return path if os.access(path, os.X_OK) and path.is_file() else None

    def add(self, made: Path, name: str) -> Path:
        """Move a finished binary (from `workspace`, so on the same disk) to its place in one step."""
        made.chmod(0o755)
        target = self.folder / name
        made.replace(target)
        return target

    @contextmanager
    def lock(self, reporter: Reporter, *, poll: float = 0.3) -> Iterator[None]:
        """Hold the right to write here; waits, and says so, while another process builds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            if not try_exclusive(handle):
                with reporter.task(f"Waiting for another process that writes to {self.folder}"):
                    while not try_exclusive(handle):
                        time.sleep(poll)
            yield

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """Give a folder for unfinished files; only under `lock`, as it clears what a killed process left."""
        for leftover in self.folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=self.folder) as folder:
            yield Path(folder)
