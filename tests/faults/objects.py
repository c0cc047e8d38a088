"""The objects of one namespace as a user deals with them who does not give up while the API server is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from tests.apiserver.world import KINDS, Json
from tests.contract.api_server import GROUP, VERSION, ApiServer
from tests.contract.manifests import PLURALS

T = TypeVar("T")
PATIENCE = 300.0
_NOT_FOUND, _CONFLICT = 404, 409
# No answer at all, and what an API server says that has not found itself yet: that its storage is being initialized, or
# that it does not know all of its paths.
_NOT_YET = (0, 429, 500, 503, 504)


class Name(NamedTuple):
    """One object: `ctrain` or `cep`, and its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Objects:
    """Not to be shared by threads."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._api = ApiServer(kubeconfig, namespace)
        # It is this class that tries again, and says nothing of it.
        self._api.client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        self._namespace = namespace

    def close(self) -> None:
        """Close the connections."""
        self._api.client.close()

    def all(self) -> dict[Name, Json]:
        """All of them as they are now."""
        return {
            Name(kind, item["metadata"]["name"]): item
            for kind, full in KINDS.items()
            for item in _insisted(partial(self._list, full))
        }

    def create(self, manifest: Json) -> None:
        """Make one; one that is there already was made by a try whose answer was lost."""
        _insisted(lambda: self._api.create(manifest), accepted=_CONFLICT)

    def edit(self, name: Name, spec: Mapping[str, Any]) -> None:
        """Change the spec, whatever its version is, if the object is still there."""
        self.patch(name, {"spec": dict(spec)})

    def patch(self, name: Name, patch: Json) -> None:
        """Change anything but the status."""
        _insisted(lambda: self._patch(name, patch), accepted=_NOT_FOUND)

    def delete(self, name: Name) -> None:
        """Ask for its deletion; one that is gone need not be asked."""
        _insisted(
            lambda: self._api.objects.delete_namespaced_custom_object(*self._place(name.kind), name.name),
            accepted=_NOT_FOUND,
        )

    def _list(self, kind: str) -> list[Json]:
        listed = self._api.objects.list_namespaced_custom_object(GROUP, VERSION, self._namespace, PLURALS[kind])
        items: list[Json] = listed["items"]
        return items

    def _patch(self, name: Name, patch: Json) -> None:
        self._api.objects.patch_namespaced_custom_object(
            *self._place(name.kind), name.name, patch, _content_type="application/merge-patch+json"
        )

    def _place(self, kind: str) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self._namespace, PLURALS[KINDS[kind]]


def _insisted(call: Callable[[], T], accepted: int = 0) -> Any:
    """The call's answer, as soon as there is one; nothing where it is refused with the accepted status."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except ApiException as error:
            if error.status == accepted:
                return None
            if error.status not in _NOT_YET or time.monotonic() > end:
                raise
        except (HTTPError, OSError):
            if time.monotonic() > end:
                raise
        time.sleep(0.2)
