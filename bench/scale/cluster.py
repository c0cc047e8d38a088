"""A real API server with both kinds, and a client of it that takes little of the machine."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import requests
import yaml

from bench.scale.manifests import API_VERSION, NAMESPACE, Json
from control_plane import ControlPlane
from control_plane.catalog import REPOSITORY

# As many as keep the API server busy without queues of their own.
CONNECTIONS = 16
_KINDS = {"ClassifierTraining": "classifiertrainings", "ClassifierEndpoint": "classifierendpoints"}
_WRITES = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Cluster:
    """A control plane of its own, as a context manager."""

    def __init__(self) -> None:
        self.plane = ControlPlane.start()
        self.kubeconfig = self.plane.kubeconfig
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {self.plane.token}"
        self._session.verify = str(self.plane.ca_file)

    def __enter__(self) -> Self:
        try:
            self.plane.install(REPOSITORY / "crds")
            self.plane.kubectl("create", "namespace", NAMESPACE)
        except BaseException:
            self.plane.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()
        self.plane.close()

    @property
    def version(self) -> str:
        """The API server's version."""
        return str(self._get("/version").json()["gitVersion"])

    def create(self, manifests: Sequence[Json]) -> dict[str, float]:
        """Create objects as fast as the API server takes them; when each creation was answered, by name."""
        return asyncio.run(self._create(manifests))

    def apply(self, manifests: Sequence[Json]) -> None:
        """Create objects as users do: by `kubectl apply` of one file."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "objects.yaml"
            file.write_text(yaml.dump_all(manifests, Dumper=yaml.CSafeDumper))
            self.plane.kubectl("apply", "--filename", str(file), timeout=1800)

    def patch(self, plural: str, name: str, changes: Json) -> float:
        """Change an object by a merge patch; when that was answered."""
        answer = self._session.patch(
            f"{self.plane.url}{path(plural)}/{name}",
            data=json.dumps(changes),
            headers={"Content-Type": "application/merge-patch+json"},
            timeout=30,
        )
        answer.raise_for_status()
        return time.time()

    def delete(self, plural: str, name: str) -> None:
        """Ask for an object's deletion; one that is gone already is no matter."""
        answer = self._session.delete(f"{self.plane.url}{path(plural)}/{name}", timeout=30)
        if answer.status_code != requests.codes.not_found:
            answer.raise_for_status()

    def listed(self, plural: str) -> list[Json]:
        """All objects of a kind."""
        items: list[Json] = self._get(path(plural)).json()["items"]
        return items

    def watch(self, plural: str, version: str) -> requests.Response:
        """The stream of changes after a resourceVersion."""
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=7200"
        return self._session.get(f"{self.plane.url}{path(plural)}?{query}", stream=True, timeout=7300)

    def writes(self) -> int:
        """How many writes of our objects, and of Events, the API server has answered, whoever made them."""
        counted = 0.0
        for labels, value in _WRITES.findall(self._get("/metrics").text):
            of = dict(_LABEL.findall(labels))
            if of["resource"] in (*_KINDS.values(), "events") and of["verb"] in ("POST", "PUT", "PATCH", "DELETE"):
                counted += float(value)
        return int(counted)

    def _get(self, where: str) -> requests.Response:
        answer = self._session.get(f"{self.plane.url}{where}", timeout=60)
        answer.raise_for_status()
        return answer

    async def _create(self, manifests: Sequence[Json]) -> dict[str, float]:
        trust = ssl.create_default_context(cafile=self.plane.ca_file)
        connector = aiohttp.TCPConnector(ssl=trust, limit=CONNECTIONS)
        headers = {"Authorization": f"Bearer {self.plane.token}", "Content-Type": "application/json"}
        answered: dict[str, float] = {}
        left = iter(manifests)
        async with aiohttp.ClientSession(self.plane.url, connector=connector, headers=headers) as session:

            async def work() -> None:
                for manifest in left:
                    target = path(_KINDS[manifest["kind"]])
                    async with session.post(target, data=json.dumps(manifest)) as answer:
                        answer.raise_for_status()
                        answered[manifest["metadata"]["name"]] = time.time()

            await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return answered


def path(plural: str) -> str:
    """Where the objects of a kind are."""
    return f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{plural}"


def names(prefix: str, count: int) -> list[str]:
    """So many names."""
    return [f"{prefix}-{number:05d}" for number in range(count)]
