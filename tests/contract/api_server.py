"""Owns calls to the API server and what of its answers the tests look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kubernetes import client, config

from tests.contract.manifests import API_VERSION, PLURALS

GROUP, VERSION = API_VERSION.split("/")


@dataclass(frozen=True)
class Cause:
    """One complaint about one field."""

    field: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What the API server said to a manifest."""

    status: int
    body: dict[str, Any]

    @property
    def is_accepted(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def causes(self) -> list[Cause]:
        """The complaints; rules that were left unchecked because of another complaint are none."""
        given = self.body.get("details", {}).get("causes", [])
        # The path of the scale subresource's field comes with a dot before it.
        return [
            Cause(one["field"].lstrip("."), one["message"]) for one in given if one.get("field", "<nil>") != "<nil>"
        ]


class ApiServer:
    """The classifiers of one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        configuration = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        configuration.proxy = None  # a proxy of the environment knows nothing of this loopback
        self.client = client.ApiClient(configuration)
        self.objects = client.CustomObjectsApi(self.client)
        self.namespace = namespace

    def try_create(self, manifest: dict[str, Any]) -> Answer:
        """Have a manifest judged, strictly and without keeping it."""
        return self._answer(
            self.objects.create_namespaced_custom_object,
            *self._place(manifest["kind"]),
            manifest,
            dry_run="All",
            field_validation="Strict",
        )

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        created: dict[str, Any] = self.objects.create_namespaced_custom_object(
            *self._place(manifest["kind"]), manifest, field_validation="Strict"
        )
        return created

    def read(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.objects.get_namespaced_custom_object(*self._place(kind), name)
        return found

    def apply(self, manifest: dict[str, Any], *, manager: str = "test") -> dict[str, Any]:
        """Apply server-side, as GitOps tools do."""
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        self.objects.patch_namespaced_custom_object(
            *self._place(kind),
            name,
            manifest,
            field_manager=manager,
            force=True,
            _content_type="application/apply-patch+yaml",
        )
        # The client drops the answer where the patch has created the object.
        return self.read(kind, name)

    def write_status(self, kind: str, name: str, status: dict[str, Any]) -> Answer:
        return self._answer(
            self.objects.patch_namespaced_custom_object_status,
            *self._place(kind),
            name,
            {"status": status},
            field_validation="Strict",
            _content_type="application/merge-patch+json",
        )

    def _place(self, kind: str) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, PLURALS[kind]

    def _answer(self, call: Any, *arguments: Any, **options: Any) -> Answer:
        try:
            return Answer(HTTPStatus.OK, call(*arguments, **options))
        except client.ApiException as error:
            return Answer(error.status, json.loads(error.body))
