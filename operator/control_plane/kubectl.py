"""Owns running kubectl: as somebody, with a cache of its own, with errors that say what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from control_plane.catalog import parse_version
from control_plane.errors import ControlPlaneError, KubectlError, ToolError

# Kubernetes supports a kubectl one minor version older or newer than the API server.
SUPPORTED_SKEW: Final = 1

# What `kubectl wait --for=condition=...` says of an object that was made a moment ago, instead of waiting.
_NO_CONDITIONS: Final = "accessor error: <nil> is of the type <nil>"


@dataclass(frozen=True)
class Kubectl:
    """A kubectl binary with the kubeconfig and the cache folder that it is to use."""

    path: Path
    kubeconfig: Path
    cache: Path

    def run(
        self, arguments: Sequence[str], *, text: str | None, check: bool, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run it with `text` on standard input; raises KubectlError if it fails and `check` is set."""
        end = time.monotonic() + timeout
        done = self._run(arguments, text, timeout)
        while _NO_CONDITIONS in done.stderr and time.monotonic() < end:
            time.sleep(0.1)
            done = self._run(arguments, text, timeout)
        if check and done.returncode != 0:
            raise KubectlError(" ".join(arguments), done.returncode, done.stdout, done.stderr)
        return done

    def _run(self, arguments: Sequence[str], text: str | None, timeout: float) -> subprocess.CompletedProcess[str]:
        command = [str(self.path), f"--kubeconfig={self.kubeconfig}", *arguments]
        # A cache below the home folder would answer for an earlier API server that had the same port.
        environ = {**os.environ, "KUBECACHEDIR": str(self.cache)}
        try:
            return subprocess.run(
                command, input=text, env=environ, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)} took over {timeout:.0f} s") from error


def kubectl_version(path: str) -> tuple[int, ...]:
    """Return the version of a kubectl, or () where it does not tell one."""
    command = [path, "version", "--client", "--output", "json"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return parse_version(json.loads(answer.stdout)["clientVersion"]["gitVersion"])
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError, ToolError):
        return ()


def is_supported(version: tuple[int, ...], server: tuple[int, ...]) -> bool:
    """Tell whether a kubectl is within the supported skew of a server."""
    return version[:1] == server[:1] and len(version) > 1 and abs(version[1] - server[1]) <= SUPPORTED_SKEW
