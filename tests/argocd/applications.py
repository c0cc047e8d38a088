"""Argo CD's Applications: made, looked at and waited for by kubectl."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import yaml

from control_plane import ControlPlane
from tests.apiserver.world import Json, until
from tests.argocd.servers import NAMESPACE

_COMPARE_SECONDS = 20.0


class Applications:
    """The Applications of one Argo CD."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._cluster = cluster

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in Argo CD's namespace; its output."""
        return self._cluster.kubectl("--namespace", NAMESPACE, *arguments, input=stdin).stdout

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Make or change one."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(dict(manifest)))

    def get(self, name: str) -> Json:
        """One as it is now."""
        found: Json = json.loads(self.kubectl("get", "application", name, "-o", "json"))
        return found

    def refresh(self, name: str) -> Json:
        """Have Git and the cluster compared; the Application thereafter."""
        # A hard one takes nothing from a cache. The annotation goes once the comparison has been written down.
        self._compare(name, "hard")

        def refreshed() -> Json | None:
            found = self.get(name)
            return found if "argocd.argoproj.io/refresh" not in found["metadata"].get("annotations", {}) else None

        found: Json = until(refreshed, f"{name} to be compared", state=lambda: self.get(name))
        return found

    def wait_for(
        self, name: str, what: str, reached: Callable[[Json], Any], *, revision: str = "", seconds: float = 60.0
    ) -> Json:
        """The Application once it is as described, and at that commit if one is given.

        Argo CD compares every two to three minutes by itself, and may judge a CRD in the moment before it is
        established: it is asked to compare again from time to time.
        """
        asked_at = time.monotonic()

        def found() -> Json | None:
            nonlocal asked_at
            if time.monotonic() > asked_at + _COMPARE_SECONDS:
                self._compare(name, "normal")
                asked_at = time.monotonic()
            application = self.get(name)
            status = application.get("status", {})
            is_at = not revision or status.get("sync", {}).get("revision") == revision
            return application if is_at and reached(status) else None

        answer: Json = until(found, f"{name} to be {what}", seconds, lambda: self._state(name))
        return answer

    def _compare(self, name: str, how: Literal["normal", "hard"]) -> None:
        """Ask Argo CD to compare Git and the cluster."""
        self.kubectl("annotate", "application", name, f"argocd.argoproj.io/refresh={how}", "--overwrite")

    def _state(self, name: str) -> Json:
        """Return its health, what is not synced, and the conditions of the objects that its health depends on."""
        status = self.get(name).get("status", {})
        behind = {key: one for key, one in resources_of(status).items() if one.get("status") != "Synced"}
        kinds = "deployments,replicasets,pods,poddisruptionbudgets"
        listed = self._cluster.kubectl("get", kinds, "--all-namespaces", "-o", "json").stdout
        conditions = {
            f"{one['kind']}/{one['metadata']['name']}": one.get("status", {}).get("conditions", [])
            for one in json.loads(listed)["items"]
        }
        said = {"health": health_of(status), "sync": sync_of(status), "message": message_of(status)}
        return {**said, "conditions": status.get("conditions", []), "not synced": behind, "objects": conditions}

    def settled(self, name: str, revision: str = "", *, seconds: float = 60.0) -> Json:
        """The Application once it is Synced and Healthy."""
        return self.wait_for(name, "Synced and Healthy", is_settled, revision=revision, seconds=seconds)

    def delete(self, name: str) -> None:
        """Take it away; what it has made stays."""
        self.kubectl("delete", "application", name, "--ignore-not-found", "--timeout=60s")


def is_settled(status: Json) -> bool:
    """Whether nothing differs, all is healthy, and no sync is under way."""
    return health_of(status) == "Healthy" and sync_of(status) == "Synced" and phase_of(status) != "Running"


def health_of(status: Mapping[str, Any]) -> str:
    """The Application's health."""
    health: str = status.get("health", {}).get("status", "")
    return health


def sync_of(status: Mapping[str, Any]) -> str:
    """Whether the cluster is what Git says."""
    sync: str = status.get("sync", {}).get("status", "")
    return sync


def phase_of(status: Mapping[str, Any]) -> str:
    """How the last sync goes, or went."""
    phase: str = status.get("operationState", {}).get("phase", "")
    return phase


def message_of(status: Mapping[str, Any]) -> str:
    """What is said of the last sync."""
    message: str = status.get("operationState", {}).get("message", "")
    return message


def resources_of(status: Mapping[str, Any]) -> dict[str, Json]:
    """What is said of each object, by kind and name."""
    return {f"{one['kind']}/{one['name']}": one for one in status.get("resources", [])}
