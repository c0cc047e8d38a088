"""Owns the state folder of a control plane: what lies where, who may use it, and what is removed when.

- `kubeconfig`: the administrator's, there as long as the control plane runs;
- `control-plane.json`: what runs, if it runs in the background (see `background`);
- `control-plane.lock`: locked by the process that runs it;
- `control-plane/`: logs, secrets, data; made anew for each start; all but the logs removed at the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from control_plane.errors import ControlPlaneError
from control_plane.locks import try_exclusive


class StateFolder:
    """A folder held by one running control plane."""

    def __init__(self, folder: Path, handle: IO[str], *, temporary: bool) -> None:
        self.folder = folder
        self.is_temporary = temporary
        self._handle = handle

    @classmethod
    def take(cls, folder: Path | None) -> StateFolder:
        """Take a folder, or a new temporary one; raises ControlPlaneError if it is in use."""
        path = Path(tempfile.mkdtemp(prefix="control-plane-")) if folder is None else folder.absolute()
        path.mkdir(parents=True, exist_ok=True)
        state = cls(path, _lock_file(path).open("a"), temporary=folder is None)
        if not try_exclusive(state._handle):
            state._handle.close()
            raise ControlPlaneError(f"a control plane is already running in {path}")
        state._remove_files()
        state._remove_work()
        (state.work / "logs").mkdir(parents=True)
        return state

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def work(self) -> Path:
        """The folder of everything that only the control plane itself reads."""
        return self.folder / "control-plane"

    def log(self, name: str) -> Path:
        """Return the path of a server's log."""
        return self.work / "logs" / f"{name}.log"

    def is_in_place(self) -> bool:
        """Tell whether the folder is still the one that was taken, and not removed or made anew meanwhile."""
        try:
            return os.path.samestat(_lock_file(self.folder).stat(), os.fstat(self._handle.fileno()))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Remove what is of no use any more (all of a temporary folder) and let others take the folder."""
        if self.is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.is_in_place():
            self._remove_files()
            self._remove_work(keep="logs")
        self._handle.close()

    def _remove_files(self) -> None:
        self.kubeconfig.unlink(missing_ok=True)
        record_file(self.folder).unlink(missing_ok=True)

    def _remove_work(self, keep: str | None = None) -> None:
        if self.work.is_dir():
            for entry in self.work.iterdir():
                if entry.name != keep:
                    shutil.rmtree(entry)


def is_taken(folder: Path) -> bool:
    """Tell whether a running control plane has the folder; the lock goes with the process, files may stay."""
    try:
        with _lock_file(folder).open() as handle:
            return not try_exclusive(handle)
    except FileNotFoundError:
        return False


def record_file(folder: Path) -> Path:
    """Return the path of the record of a control plane in the background."""
    return folder / "control-plane.json"


def _lock_file(folder: Path) -> Path:
    return folder / "control-plane.lock"
