"""`classifier-operator run`: the operator itself."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from classifier_operator.adapters.role_sessions import checked_external_id
from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.api.cluster_name import checked_cluster_name
from classifier_operator.api.names import is_namespace
from classifier_operator.cli.import_options import import_options
from classifier_operator.cli.outcome import LoggedCommand
from classifier_operator.reconcile.decision import Defaults
from classifier_operator.runtime.election.shards import Shard, parse_shard
from classifier_operator.runtime.hints.address import QueueAddress, address_of
from classifier_operator.runtime.importing.netguard import Rules
from classifier_operator.runtime.pacing.rates import MOST_RATE
from classifier_operator.sagemaker import regions, roles
from classifier_operator.settings import Election, Settings

# Where a pod finds its own namespace.
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
# A Lease's name that is a label's value too.
_LEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class ShardType(click.ParamType[Shard]):
    """I/N."""

    name = "I/N"

    def convert(self, value: str | Shard, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """The shard, or an error that says how to write one."""
        try:
            return parse_shard(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(name="run", cls=LoggedCommand)
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Serve this namespace only (repeatable). [all]")
@click.option(
    "--cluster-name",
    default="",
    help="Name of this cluster, unique among those whose operators work in the same AWS account; it becomes the tag "
    "classifiers.sagemaker.dev/cluster. [the UID of the namespace kube-system, where it may be read]",
)
@click.option(
    "--former-cluster-name",
    "former_cluster_names",
    multiple=True,
    help="Name that this cluster had before: what bears it at AWS is still this cluster's (repeatable).",
)
@click.option("--region", default="", help="Region of objects that name none. [AWS_REGION]")
@click.option("--role-arn", default="", help="Execution role of objects that name none.")
@click.option("--assume-role-arn", default="", help="Role to take on for objects that name none.")
@click.option(
    "--assume-role-external-id",
    default="",
    metavar="TEXT",
    help="ExternalId of every AssumeRole; {namespace} and {cluster} in it stand for the object's and --cluster-name. "
    "[none]",
)
@click.option(
    "--assume-role-session-tags/--no-assume-role-session-tags",
    default=False,
    show_default=True,
    help="Tag the sessions of assumed roles with the object's namespace and the cluster. Both halves of the trust need "
    "sts:TagSession.",
)
@click.option(
    "--deletion-policy",
    type=click.Choice(["Stop", "Delete", "Retain"]),
    default=None,
    help="Deletion policy of objects that name none. [Stop for trainings, Delete for endpoints]",
)
@click.option(
    "--tenants",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML file that says which roles, regions, instance types and buckets each namespace may use. [all]",
)
@click.option(
    "--sweep-interval",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds between looks at what is on the move at AWS.",
)
@click.option(
    "--events-queue",
    "events_queues",
    multiple=True,
    metavar="URL",
    help="SQS queue that EventBridge tells of SageMaker's state changes; what it names is looked at before the next "
    "sweep (repeatable, for accounts and regions). Each shard needs its own.",
)
@click.option(
    "--guard-interval",
    default=300.0,
    show_default=True,
    type=click.FloatRange(1),
    help="Seconds between looks at what ought to stay as it is.",
)
@click.option(
    "--resync-interval",
    default=600.0,
    show_default=True,
    type=click.FloatRange(1),
    help="Seconds between full listings of the cluster's objects.",
)
@click.option(
    "--namespace-interval",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds between looks at the namespaces' annotations, at the file of --tenants, and for other operators.",
)
@click.option(
    "--aws-rate",
    default=MOST_RATE,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Calls a second of one operation, in an account and region, at most over time; half of it may come at once. "
    "Not of Lists.",
)
@click.option(
    "--wait-interval",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds before a quota, a role or a permission is tried again; doubles up to 300.",
)
@click.option(
    "--smoke-test-timeout",
    default=300.0,
    show_default=True,
    type=click.FloatRange(1),
    help="Seconds that an endpoint has to answer all invocations of a smoke test, warm-ups included.",
)
@click.option("--workers", default=16, show_default=True, type=click.IntRange(1), help="Objects worked on at a time.")
@import_options
@click.option(
    "--leader-elect/--no-leader-elect",
    default=True,
    show_default=True,
    help="Work only while holding a Lease: of several replicas one works, the others stand by, and other operators "
    "notice it.",
)
@click.option(
    "--lease-name",
    default="classifier-operator",
    show_default=True,
    help="Name of the Lease; another one for each operator with namespaces of its own.",
)
@click.option(
    "--lease-namespace",
    default="",
    help="Namespace of the Lease. [the pod's own; elsewhere the first --namespace, or default]",
)
@click.option(
    "--shard",
    default="1/1",
    show_default=True,
    type=ShardType(),
    help="Work on one of N parts of the objects; there must be an operator for each.",
)
@click.option("--health-host", default="0.0.0.0", show_default=True, help="Address of /healthz, /readyz and /metrics.")  # noqa: S104
@click.option(
    "--health-port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of /healthz, /readyz and /metrics; 0 takes any.",
)
@click.option(
    "--object-metrics/--no-object-metrics",
    default=True,
    show_default=True,
    help="Whether /metrics has series for each object; some three for each are too many for very large installations.",
)
@click.option("--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def command(
    *,
    namespaces: tuple[str, ...],
    cluster_name: str,
    former_cluster_names: tuple[str, ...],
    region: str,
    role_arn: str,
    assume_role_arn: str,
    assume_role_external_id: str,
    assume_role_session_tags: bool,
    deletion_policy: str | None,
    tenants: Path | None,
    sweep_interval: float,
    events_queues: tuple[str, ...],
    guard_interval: float,
    aws_rate: float,
    resync_interval: float,
    namespace_interval: float,
    wait_interval: float,
    smoke_test_timeout: float,
    workers: int,
    import_rules: Rules,
    import_max_bytes: int,
    import_concurrency: int,
    leader_elect: bool,
    lease_name: str,
    lease_namespace: str,
    shard: Shard,
    health_host: str,
    health_port: int,
    object_metrics: bool,
    log_format: str,  # noqa: ARG001 - LoggedCommand's
    log_level: str,  # noqa: ARG001
) -> None:
    """Run the operator until it is told to stop.

    AWS credentials come from the usual chain (a pod identity, a web identity, the environment, a profile), and
    AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SAGEMAKER lead calls to another address. SSL_CERT_FILE names the authorities
    that vouch for the hosts that inputs are fetched from. The cluster is the one the process
    runs in, or the kubeconfig's current context.
    """
    election = _election(lease_name, lease_namespace, namespaces) if leader_elect else None
    _require("--cluster-name", checked_cluster_name, cluster_name)
    for former in former_cluster_names:
        _require("--former-cluster-name", checked_cluster_name, former)
    _require("--assume-role-external-id", checked_external_id, assume_role_external_id)
    # An allow-list that cannot be relied on must not be started with.
    _require(str(tenants), TenantsFile, tenants)
    region = region or os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", ""))
    _check_names(namespaces, region, {"--role-arn": role_arn, "--assume-role-arn": assume_role_arn})
    queues = _queues(events_queues, region)
    # Imported here because kopf configures things on import that no other command wants.
    from classifier_operator.main import run

    settings = Settings(
        namespaces=namespaces,
        cluster_name=cluster_name,
        former_cluster_names=former_cluster_names,
        defaults=Defaults(
            region=region,
            role_arn=role_arn,
            assume_role_arn=assume_role_arn,
            deletion_policy=deletion_policy or "",
        ),
        assume_role_external_id=assume_role_external_id,
        assume_role_session_tags=assume_role_session_tags,
        tenants=tenants,
        sweep_interval=sweep_interval,
        events_queues=queues,
        guard_interval=guard_interval,
        aws_rate=aws_rate,
        resync_interval=resync_interval,
        namespace_interval=namespace_interval,
        wait_interval=wait_interval,
        smoke_test_timeout=smoke_test_timeout,
        workers=workers,
        import_rules=import_rules,
        import_max_bytes=import_max_bytes,
        import_concurrency=import_concurrency,
        election=election,
        shard=shard,
        object_metrics=object_metrics,
        health_host=health_host,
        health_port=health_port,
        identity=socket.gethostname(),
    )
    run(settings)


def _check_names(namespaces: tuple[str, ...], region: str, arns: Mapping[str, str]) -> None:
    """What becomes a part of paths and host names is a name, and no pattern of names; a role is an ARN."""
    if wrong := [name for name in namespaces if not is_namespace(name)]:
        raise click.UsageError(f"--namespace {wrong[0]!r} is no name of a namespace: write one, for example vision")
    if region and (problem := regions.problem_of(region)):
        raise click.UsageError(f"--region {problem} (it may come from AWS_REGION)")
    for option, arn in arns.items():
        if arn and (problem := roles.problem_of(arn)):
            raise click.UsageError(f"{option} {problem}")


def _queues(urls: tuple[str, ...], region: str) -> tuple[QueueAddress, ...]:
    """Where events come from; two listeners would take them from each other."""
    try:
        return tuple(dict.fromkeys(address_of(url, region) for url in urls))
    except ValueError as error:
        raise click.UsageError(f"--events-queue: {error}") from error


def _election(name: str, namespace: str, served: tuple[str, ...]) -> Election:
    """Which Lease decides; two operators of people who start them alike find the same one."""
    if not _LEASE_NAME.fullmatch(name):
        raise click.UsageError(f"--lease-name {name!r}: at most 63 lower-case letters, digits and dashes")
    if not namespace and POD_NAMESPACE.is_file():
        namespace = POD_NAMESPACE.read_text().strip()
    return Election(name=name, namespace=namespace or next(iter(served), "default"))


def _require(what: str, check: Callable[[Any], object], value: Any) -> None:
    """Refuse an option's value that the check raises ValueError for."""
    try:
        check(value)
    except ValueError as error:
        raise click.UsageError(f"{what}: {error}") from error
