"""Owns how commands read objects: by the official client, as the kubeconfig's user or as the pod."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import click

from classifier_operator.adapters.kubeconfig import kubeconfig_trouble
from classifier_operator.adapters.permissions import CLUSTER_UID, Permission
from classifier_operator.api.kinds import API_VERSION, GROUP, VERSION, Kind, ObjectKey
from classifier_operator.api.paths import ApiPath, PathError, path_of
from classifier_operator.cli.kubectl_options import (
    Chosen,
    chosen,
    client_of_kubeconfig,
    identity_options,
    impersonating,
)

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
    """Add the options that say which cluster, and as whom."""
    command = identity_options(command)
    return click.option(
        "--kubeconfig",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Use this file. [KUBECONFIG, ~/.kube/config, the pod's service account]",
    )(command)


class DeniedError(click.ClickException):
    """The caller may not ask for that."""


class Objects:
    """The objects of one namespace. Whatever goes wrong is a click.ClickException that says what."""

    def __init__(self, client: Any, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    def read(self, kind: Kind, name: str) -> dict[str, Any]:
        """One of our objects."""
        with _explained(f"{kind.value} {self.namespace}/{name}"):
            return self._get(path_of("apis", GROUP, VERSION, "namespaces", self.namespace, kind.plural, name))

    def find(self, kind: Kind, name: str) -> dict[str, Any]:
        """One of our objects; empty where there is none of that name."""
        place = ("namespaces", self.namespace)
        return self._found(f"{kind.value} {self.namespace}/{name}", ("apis", GROUP, VERSION, *place, kind.plural, name))

    def names(self, kind: Kind, namespace: str) -> tuple[list[str], int]:
        """Some objects of a kind in a namespace, or with "" in all, and how many there are; none of an unknown kind."""
        place = ("namespaces", namespace) if namespace else ()
        page = self._found(f"list {kind.plural}", ("apis", GROUP, VERSION, *place, kind.plural), limit=_PAGE)
        metadata = [item["metadata"] for item in page.get("items", ())]
        names = [str(ObjectKey(kind, one["namespace"], one["name"])) for one in metadata]
        return names, len(names) + page.get("metadata", {}).get("remainingItemCount", 0)

    def all(self, kind: Kind, namespace: str = "") -> Iterator[dict[str, Any]]:
        """All objects of a kind in a namespace, or with "" in all, page by page; none of an unknown kind."""
        place = ("namespaces", namespace) if namespace else ()
        yield from self._pages(f"list {kind.plural}", ("apis", GROUP, VERSION, *place, kind.plural))

    def namespaces(self) -> Iterator[dict[str, Any]]:
        """All namespaces."""
        yield from self._pages("list namespaces", ("api", "v1", "namespaces"))

    def read_namespace(self, name: str) -> dict[str, Any]:
        """One namespace."""
        with _explained(f"namespace {name}"):
            return self._get(path_of("api", "v1", "namespaces", name))

    def has_namespace(self, name: str) -> bool:
        """Whether there is that namespace.

        Raises:
            DeniedError: the caller may not ask.

        """
        return bool(self._found(f"namespace {name}", ("api", "v1", "namespaces", name)))

    def cluster_uid(self) -> str:
        """The UID of the namespace kube-system, by which an operator without a name knows its cluster; "" if denied."""
        if not self.may(CLUSTER_UID):
            return ""
        return str(self.read_namespace(CLUSTER_UID.name)["metadata"]["uid"])

    def served(self) -> set[str]:
        """The resources and subresources that are served of our version."""
        found = self._found(API_VERSION, ("apis", GROUP, VERSION))
        return {resource["name"] for resource in found.get("resources", ())}

    def may(self, wanted: Permission) -> bool:
        """Whether the caller is allowed that."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": wanted._asdict()},
        }
        path = path_of("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")
        with _explained("whether that is allowed"):
            answer = self._ask("POST", path, body=review)
        return bool(answer["status"]["allowed"])

    def admission(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The ValidatingAdmissionPolicies of the cluster, and their bindings, as JSON."""
        from kubernetes.client import AdmissionregistrationV1Api

        api = AdmissionregistrationV1Api(self._client)
        lists = (api.list_validating_admission_policy, api.list_validating_admission_policy_binding)
        with _explained("which ValidatingAdmissionPolicies there are"):
            found = [json.loads(look(_preload_content=False, _request_timeout=_SECONDS).data) for look in lists]
        policies, bindings = (each["items"] for each in found)
        return policies, bindings

    def has_role_binding(self, namespace: str, selector: str) -> bool:
        """Whether there is a RoleBinding with such labels."""
        from kubernetes.client import RbacAuthorizationV1Api

        with _explained(f"which RoleBindings there are in {namespace}"):
            found = RbacAuthorizationV1Api(self._client).list_namespaced_role_binding(
                namespace, label_selector=selector, limit=1, _request_timeout=_SECONDS
            )
        return bool(found.items)

    def read_key(self, config_map: str, key: str) -> str:
        """The text of a ConfigMap's key."""
        title = f"ConfigMap {self.namespace}/{config_map}"
        with _explained(title):
            found = self._get(path_of("api", "v1", "namespaces", self.namespace, "configmaps", config_map))
        if key in found.get("data", {}):
            return str(found["data"][key])
        if key in found.get("binaryData", {}):
            return base64.b64decode(found["binaryData"][key]).decode("utf-8", "replace")
        raise click.ClickException(f"{title} has no key {key}")

    def _pages(self, title: str, segments: Sequence[str]) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._found(title, segments, limit=_PAGE, **token)
            yield from page.get("items", ())
            following = page.get("metadata", {}).get("continue", "")
            if not following:
                return
            token = {"continue": following}

    def _found(self, title: str, segments: Sequence[str], **query: Any) -> dict[str, Any]:
        """What is at a path; empty where there is nothing of that kind."""
        from kubernetes.client.exceptions import ApiException

        with _explained(title):
            try:
                return self._get(path_of(*segments), **query)
            except ApiException as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return {}
                raise

    def _get(self, path: ApiPath, **query: Any) -> dict[str, Any]:
        return self._ask("GET", path, query=[*query.items()])

    def _ask(
        self,
        method: str,
        path: ApiPath,
        *,
        query: Sequence[tuple[str, Any]] = (),
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """One request, and its JSON answer. The client's generated methods make paths in a way of their own."""
        headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
        request = self._client.param_serialize(
            method, path, query_params=list(query), header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        response = self._client.call_api(*request, _request_timeout=_SECONDS)
        response.read()
        answer: dict[str, Any] = self._client.response_deserialize(response, {"2XX": "object"}).data
        return answer


def connect(kubeconfig: Path | None, namespace: str) -> Objects:
    """Connect as the kubeconfig's current user, or as the pod's service account where there is no kubeconfig."""
    from kubernetes import client

    # A command that a user waits for fails at once and clearly, rather than after silent retries.
    settings = client.Configuration()
    settings.retries = False
    try:
        api, own_namespace = client_of_kubeconfig(kubeconfig, settings)
        return Objects(api, namespace or own_namespace or "default")
    except click.ClickException:
        raise
    except Exception as error:
        # Of a file that is no kubeconfig the client raises anything.
        words = kubeconfig_trouble(error, kubeconfig)
        if kubeconfig or chosen() != Chosen():
            raise click.ClickException(words) from error
        return _connect_as_pod(settings, namespace, words)


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
        raise click.ClickException(f"{reason}, or --kubeconfig") from error
    # The client would take that of the environment, which is for AWS and need not reach the cluster: the operator asks
    # its API server directly too.
    settings.proxy = None
    return Objects(impersonating(client.ApiClient(settings)), namespace or _POD_NAMESPACE.read_text().strip())


@contextmanager
def _explained(title: str) -> Iterator[None]:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except PathError as error:
        raise click.ClickException(f"{title}: {error}") from error
    except ApiException as error:
        kind = DeniedError if error.status == HTTPStatus.FORBIDDEN else click.ClickException
        raise kind(f"{title}: {_words(error.body) or error.reason}") from error
    except (HTTPError, OSError) as error:
        raise click.ClickException(f"{title}: the cluster cannot be reached: {error}") from error


def _words(body: Any) -> str:
    """The API server's own message."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, TypeError, LookupError):
        return ""
