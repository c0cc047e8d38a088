"""A real Kubernetes control plane (etcd and kube-apiserver) as a child of a Python process.

`ControlPlane.start()` serves the demo, the tests and `make cluster`; `find_tools` finds or builds binaries.
"""

from control_plane.binaries import find_tools
from control_plane.errors import ControlPlaneError, KubectlError, ToolError
from control_plane.plane import ControlPlane

__all__ = ["ControlPlane", "ControlPlaneError", "KubectlError", "ToolError", "find_tools"]
