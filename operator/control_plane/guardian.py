"""Owns the life of one child process whose parent may vanish.

Run as `python guardian.py [--remove DIR] COMMAND...`. The parent holds the other end of standard input. A line
`stop SECONDS` there ends the child gently, and by force when the time is over; `kill` ends it at once. The end
of the stream means that the parent is gone, by whatever way, and ends the child too. (The kernel's death signal
alone would not do: it fires when the *thread* that started the child ends.) Only the standard library is imported:
nothing else is there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
# On a busy machine another process of the same parent may take many seconds to end.
_REMOVALS, _PAUSE_SECONDS = 1200, 0.05


def main(arguments: list[str]) -> int:
    """Run the command until it ends or the parent wants it ended; return its exit code."""
    removed, command = (arguments[1], arguments[2:]) if arguments[0] == "--remove" else (None, arguments)
    # A Ctrl-C or a hang-up of the terminal is the parent's matter, who says `stop` in the right order.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_prepare_child)
    orphaned = threading.Event()
    threading.Thread(target=_obey, args=(child, orphaned), daemon=True).start()
    code = child.wait()
    if orphaned.is_set() and removed is not None:
        _remove(removed)
    return code if code >= 0 else 128 - code


def _remove(folder: str) -> None:
    """Delete a folder that others still write to: they have lost the same parent, and end at their own pace."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(_PAUSE_SECONDS)


def _prepare_child() -> None:
    """Before the exec: undo the ignored signals, and die with the guardian should that be killed itself."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _obey(child: subprocess.Popen[bytes], orphaned: threading.Event) -> None:
    match os.read(sys.stdin.fileno(), 64).split():
        case [b"stop", seconds]:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(float(seconds))
        case []:
            orphaned.set()
    # Does nothing to a child that has ended.
    child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
