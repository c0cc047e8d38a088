"""Owns how commands read objects: by the official client, as the kubeconfig's user or as the pod."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from classifier_operator.api.kinds import GROUP, VERSION, Kind

C = TypeVar("C", bound=Callable[..., Any])

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_SECONDS = 30


def cluster_options(command: C) -> C:
    """Add the options that say which cluster and namespace."""
    command = click.option("--namespace", "-n", default="", help="Namespace. [that of the context]")(command)
    return click.option(
        "--kubeconfig",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Use this file. [KUBECONFIG, ~/.kube/config, the pod's service account]",
    )(command)


class Objects:
    """The objects of one namespace. Whatever goes wrong is a click.ClickException that says what."""

    def __init__(self, client: Any, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    def read(self, kind: Kind, name: str) -> dict[str, Any]:
        """One of our objects."""
        from kubernetes.client import CustomObjectsApi

        api = CustomObjectsApi(self._client)
        with _explained(f"{kind.value} {self.namespace}/{name}"):
            body: dict[str, Any] = api.get_namespaced_custom_object(
                GROUP, VERSION, self.namespace, kind.plural, name, _request_timeout=_SECONDS
            )
        return body

    def read_key(self, config_map: str, key: str) -> str:
        """The text of a ConfigMap's key."""
        from kubernetes.client import CoreV1Api

        title = f"ConfigMap {self.namespace}/{config_map}"
        with _explained(title):
            found = CoreV1Api(self._client).read_namespaced_config_map(
                config_map, self.namespace, _request_timeout=_SECONDS
            )
        if key in (found.data or {}):
            return str(found.data[key])
        if key in (found.binary_data or {}):
            return base64.b64decode(found.binary_data[key]).decode("utf-8", "replace")
        raise click.ClickException(f"{title} has no key {key}")


def connect(kubeconfig: Path | None, namespace: str) -> Objects:
    """Connect as the kubeconfig's current user, or as the pod's service account where there is no kubeconfig."""
    from kubernetes import client, config

    file = str(kubeconfig) if kubeconfig else None
    # A command that a user waits for fails at once and clearly, rather than after silent retries.
    settings = client.Configuration()
    settings.retries = False
    try:
        api = config.new_client_from_config(config_file=file, client_configuration=settings)
        _, context = config.list_kube_config_contexts(config_file=file)
        return Objects(api, namespace or context["context"].get("namespace") or "default")
    except config.ConfigException as error:
        if kubeconfig:
            raise click.ClickException(f"{kubeconfig} is no usable kubeconfig: {error}") from error
        return _connect_as_pod(settings, namespace, str(error))


def headline(body: Mapping[str, Any]) -> str:
    """What an object's most important condition says."""
    conditions = {one["type"]: one for one in body.get("status", {}).get("conditions", ())}
    for kind in ("Stalled", "Reconciling", "Ready"):
        if kind in conditions:
            return f"{conditions[kind]['reason']}: {conditions[kind].get('message', '')}".rstrip(": ")
    return "it has no status yet; is the operator running?"


def is_ready(body: Mapping[str, Any]) -> bool:
    """Whether the condition Ready is true."""
    conditions = body.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _connect_as_pod(settings: Any, namespace: str, reason: str) -> Objects:
    from kubernetes import client, config

    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException as error:
        raise click.ClickException(f"no cluster to ask: {reason}; set KUBECONFIG or --kubeconfig") from error
    return Objects(client.ApiClient(settings), namespace or _POD_NAMESPACE.read_text().strip())


@contextmanager
def _explained(title: str) -> Iterator[None]:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise click.ClickException(f"{title}: {_words(error.body) or error.reason}") from error
    except (HTTPError, OSError) as error:
        raise click.ClickException(f"{title}: the cluster cannot be reached: {error}") from error


def _words(body: Any) -> str:
    """The API server's own message."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, TypeError, LookupError):
        return ""
