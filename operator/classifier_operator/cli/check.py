"""`classifier-operator check`: whether the operator would find what it needs, before somebody needs the operator.

`helm test` runs it as the operator's own service account, and `helm uninstall` asks it whether there is anything left
that only the operator can take down. It makes nothing, neither in the cluster nor at AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from classifier_operator.adapters.permissions import CLUSTER_UID, permissions
from classifier_operator.adapters.secrets import known_secrets
from classifier_operator.api.kinds import API_VERSION, Kind
from classifier_operator.api.redaction import redacted
from classifier_operator.cli import clients
from classifier_operator.cli.objects import DeniedError, Objects, connect, kubeconfig_option
from classifier_operator.cli.outliving import selectors, unkept

# So many objects are named, the others counted.
_NAMED = 20


@click.command(name="check")
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Check for this namespace (repeatable). [all]")
@click.option("--lease-namespace", default="", help="Check that Leases can be used there, too.")
@click.option("--aws/--no-aws", default=False, show_default=True, help="Ask AWS who the operator is, too.")
@click.option(
    "--region",
    envvar=["CLASSIFIER_OPERATOR_CHECK_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"],
    default="us-east-1",
    show_default=True,
    callback=clients.checked_regions,
    help="Region to ask AWS in. [AWS_REGION]",
)
@click.option("--no-objects", is_flag=True, help="Check nothing but that no objects are left.")
@kubeconfig_option
def command(
    *,
    namespaces: tuple[str, ...],
    lease_namespace: str,
    aws: bool,
    region: str,
    no_objects: bool,
    kubeconfig: Path | None,
) -> None:
    """Check that the cluster serves the two kinds and allows what the operator does, as whom this runs.

    With --no-objects: that the operator can be taken away, because no object waits for it.
    """
    cluster = connect(kubeconfig, "default")
    if no_objects:
        _require_none(cluster, namespaces)
        return
    checks: list[tuple[str, Callable[[], str]]] = [
        ("kinds", lambda: _served(cluster)),
        ("permissions", lambda: _allowed(cluster, namespaces, lease_namespace)),
        ("cluster", lambda: _name_of(cluster)),
    ]
    if aws:
        checks.append(("AWS", lambda: _identity(region)))
    failed = [name for name, check in checks if not _passes(name, check)]
    if namespaces:
        _say_what_outlives(cluster, namespaces)
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")


def _passes(name: str, check: Callable[[], str]) -> bool:
    """Do one check and say how it went; the others are done all the same."""
    try:
        click.echo(f"ok      {name}: {check()}")
    except click.ClickException as error:
        message = error.message.removeprefix(f"{name}: ")
        click.echo(f"FAILED  {name}: {redacted(message, known_secrets())}")
        return False
    return True


def _served(cluster: Objects) -> str:
    served = cluster.served()
    wanted = [name for kind in Kind for name in (kind.plural, f"{kind.plural}/status")]
    if missing := [name for name in wanted if name not in served]:
        raise click.ClickException(
            f"the cluster does not serve {', '.join(missing)} of {API_VERSION}: install the CRDs"
        )
    return f"{API_VERSION} is served"


def _allowed(cluster: Objects, namespaces: Sequence[str], lease_namespace: str) -> str:
    wanted = permissions(namespaces, lease_namespace)
    if denied := [str(one) for one in wanted if not cluster.may(one)]:
        raise click.ClickException(f"not allowed: {'; '.join(denied)}")
    return f"all {len(wanted)} granted"


def _name_of(cluster: Objects) -> str:
    """Say by which name the operator knows its resources at AWS; to go without one is no failure."""
    if cluster.may(CLUSTER_UID):
        return "its resources at AWS are told apart by --cluster-name, else by the UID of the namespace kube-system"
    return f"without --cluster-name its resources at AWS bear no cluster's name: not allowed: {CLUSTER_UID}"


def _say_what_outlives(cluster: Objects, namespaces: Sequence[str]) -> None:
    """Warn of namespaces in which the operator's Roles would go before the objects do; it is no failure."""
    try:
        found = selectors(*cluster.admission())
        kept_by = {selector for of_kind in found.values() for selector in of_kind}
        bound = {one: {name for name in namespaces if cluster.has_role_binding(name, one)} for one in kept_by}
    except click.ClickException as error:
        click.echo(f"unknown deletion of namespaces: {redacted(error.message, known_secrets())}")
        return
    if missing := unkept(namespaces, found, bound):
        click.echo(
            f"WARNING deletion of namespaces: in {', '.join(missing)} no policy keeps the operator's Roles when the "
            "namespace is deleted; if it has no others, delete the objects first, and wait until they are gone, or set "
            "the chart's rbac.outliveNamespaces"
        )
    else:
        click.echo("ok      deletion of namespaces: the operator's Roles stay until the objects are gone")


def _identity(region: str) -> str:
    with clients.explained():
        return str(clients.client("sts", region).get_caller_identity()["Arn"])


def _require_none(cluster: Objects, namespaces: Sequence[str]) -> None:
    """Refuse while there are objects: whoever goes now leaves what they have at AWS."""
    served = [one for one in namespaces if not _is_gone(cluster, one)] if namespaces else [""]
    found = [cluster.names(kind, namespace) for kind in Kind for namespace in served]
    count, named = sum(total for _, total in found), [name for names, _ in found for name in names][:_NAMED]
    if not count:
        click.echo("no objects are left")
        return
    more = f" and {count - len(named)} more" if count > len(named) else ""
    raise click.ClickException(
        f"{count} objects are left, and nobody else would take down what they have at AWS: "
        f"{', '.join(named)}{more}. Delete them first (kubectl delete classifiers …), and wait until they are "
        "gone; or leave them and what they have at AWS behind with helm uninstall --no-hooks"
    )


def _is_gone(cluster: Objects, namespace: str) -> bool:
    """Whether a namespace is gone, and its objects with it: the Role by which they could be listed is gone as well.

    Raises:
        ClickException: its objects may not be listed, and it is there; or nobody may tell whether it is.

    """
    try:
        cluster.names(next(iter(Kind)), namespace)
    except DeniedError as denied:
        try:
            is_there = cluster.has_namespace(namespace)
        except DeniedError:
            raise click.ClickException(
                f"{denied.message}. If there is no namespace {namespace} any more, its objects and the permission to "
                f"list them have gone with it: take {namespace} out of the chart's namespaces, or go on with "
                "helm uninstall --no-hooks"
            ) from denied
        if is_there:
            raise
        click.echo(f"there is no namespace {namespace} any more, so nothing is left in it")
        return True
    return False
