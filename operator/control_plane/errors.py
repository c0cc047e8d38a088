"""The errors of this package: each message says what failed and what to do about it."""

from __future__ import annotations


class ControlPlaneError(Exception):
    """A control plane could not be started, reached or stopped."""


class ToolError(ControlPlaneError):
    """A tool (etcd, kube-apiserver, ...) could not be found, downloaded or built."""


class KubectlError(ControlPlaneError):
    """A kubectl command failed; carries what it printed."""

    def __init__(self, command: str, returncode: int, stdout: str, stderr: str) -> None:
        super().__init__(f"kubectl {command} ended with code {returncode}:\n{(stderr or stdout).strip()}")
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
