"""Owns calls of helm: as the administrator of a control plane, with folders of its own, never the developer's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from control_plane import find_tools
from tests.contract.manifests import REPOSITORY

CHART: Final = REPOSITORY / "charts" / "classifier-operator"
Json = dict[str, Any]


@dataclass(frozen=True)
class Helm:
    """helm with a folder for its caches, and a kubeconfig where there is a cluster."""

    folder: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str, check: bool = True, seconds: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run it; what it printed is in the AssertionError if it fails and `check` is set."""
        done = subprocess.run(
            [str(find_tools("helm")["helm"]), *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"helm {' '.join(arguments)}: {done.stdout}\n{done.stderr}")
        return done

    def template(self, *arguments: str, release: str = "op", namespace: str = "ops", chart: Path = CHART) -> str:
        """The manifests of a release, as text."""
        return self.run("template", release, str(chart), "--namespace", namespace, *arguments).stdout

    def render(self, *arguments: str, release: str = "op", namespace: str = "ops") -> list[Json]:
        """The objects of a release."""
        text = self.template(*arguments, release=release, namespace=namespace)
        return [one for one in yaml.safe_load_all(text) if one]

    def refusal(self, *arguments: str) -> str:
        """Why values are refused."""
        done = self.run("template", "op", str(CHART), *arguments, check=False)
        assert done.returncode, f"{arguments} are accepted"
        return done.stderr

    def _environment(self) -> dict[str, str]:
        own = {f"HELM_{name}_HOME": str(self.folder / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        where = {"KUBECONFIG": str(self.kubeconfig or os.devnull)}
        return {**os.environ, **own, **where}


def one(objects: Iterable[Json], kind: str, name: str = "") -> Json:
    """The one object of a kind, and of that name if it is given."""
    found = [each for each in objects if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} objects are a {kind} {name}"
    return found[0]


def settings(values: Mapping[str, str]) -> list[str]:
    """Values as helm's options."""
    return [f"--set={name}={value}" for name, value in values.items()]
