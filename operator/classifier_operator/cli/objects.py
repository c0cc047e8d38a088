"""Owns how commands read objects: by the official client, as the kubeconfig's user or as the pod."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import click

from classifier_operator.adapters.permissions import Permission
from classifier_operator.api.kinds import API_VERSION, GROUP, VERSION, Kind, ObjectKey

C = TypeVar("C", bound=Callable[..., Any])

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_SECONDS = 30
# Objects that are asked for by name at a time.
_PAGE = 100


def cluster_options(command: C) -> C:
    """Add the options that say which cluster and namespace."""
    command = click.option("--namespace", "-n", default="", help="Namespace. [that of the context]")(command)
    return kubeconfig_option(command)


def kubeconfig_option(command: C) -> C:
    """Add the option that says which cluster."""
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

    def names(self, kind: Kind, namespace: str) -> tuple[list[str], int]:
        """Some objects of a kind in a namespace, or with "" in all, and how many there are; none of an unknown kind."""
        from kubernetes.client import CustomObjectsApi

        api = CustomObjectsApi(self._client)
        place = (GROUP, VERSION, *([namespace] if namespace else []), kind.plural)
        look = api.list_namespaced_custom_object if namespace else api.list_cluster_custom_object
        page = _found(f"list {kind.plural}", lambda: look(*place, limit=_PAGE, _request_timeout=_SECONDS))
        metadata = [item["metadata"] for item in page.get("items", ())]
        names = [str(ObjectKey(kind, one["namespace"], one["name"])) for one in metadata]
        return names, len(names) + page.get("metadata", {}).get("remainingItemCount", 0)

    def served(self) -> set[str]:
        """The resources and subresources that are served of our version."""
        from kubernetes.client import CustomObjectsApi

        api = CustomObjectsApi(self._client)
        found = _found(API_VERSION, lambda: api.get_api_resources(GROUP, VERSION, _request_timeout=_SECONDS).to_dict())
        return {resource["name"] for resource in found.get("resources", ())}

    def may(self, wanted: Permission) -> bool:
        """Whether the caller is allowed that."""
        from kubernetes.client import AuthorizationV1Api

        review = {"spec": {"resourceAttributes": wanted._asdict()}}
        with _explained("whether that is allowed"):
            answer = AuthorizationV1Api(self._client).create_self_subject_access_review(
                review, _request_timeout=_SECONDS
            )
        return bool(answer.status.allowed)

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


def _found(title: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a call finds; empty where there is nothing of that kind."""
    from kubernetes.client.exceptions import ApiException

    with _explained(title):
        try:
            return call()
        except ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise


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
