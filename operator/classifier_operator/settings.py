"""The operator's settings, read once at the start."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from classifier_operator.reconcile.decision import Defaults
from classifier_operator.runtime.election.shards import Shard
from classifier_operator.runtime.hints.address import QueueAddress
from classifier_operator.runtime.importing.netguard import Rules
from classifier_operator.runtime.pacing.rates import MOST_RATE


class Election(Struct, frozen=True, kw_only=True):
    """Which Lease decides who works: its name (a shard's begins with it) and its namespace."""

    name: str
    namespace: str


class Settings(Struct, frozen=True, kw_only=True):
    """How the operator runs.

    namespaces: those that it serves; all of them where none are named.
    cluster_name: the name of the cluster; "" where nobody has given it one.
    former_cluster_names: the names that it had before.
    assume_role_external_id: the ExternalId of each AssumeRole, as `RoleSessions.external_id` has it; "" sends none.
    assume_role_session_tags: whether sessions of assumed roles bear the namespace and the cluster as tags.
    tenants: the file that says what each namespace may use; without, everything.
    sweep_interval: seconds between looks at what is on the move at AWS.
    events_queues: where SageMaker's state changes are told, as hints of where to look before the next sweep does.
    guard_interval: seconds between looks at what ought to stay as it is there.
    resync_interval: seconds between full listings of the cluster's objects.
    namespace_interval: seconds between looks at the namespaces' annotations.
    wait_interval: seconds before the first retry of what waits for a quota, a role or a permission.
    aws_rate: calls a second of one operation other than a List, in an account and region, at most over time.
    smoke_test_timeout: seconds that an endpoint has for all invocations of a smoke test together.
    workers: how many objects are worked on at a time.
    import_rules: where inputs may be fetched from, beyond https from public addresses.
    import_max_bytes: the size of the largest file that is fetched.
    import_concurrency: how many files are fetched at a time.
    object_metrics: whether there are metrics of each object.
    election: the Lease without which nothing is done; None for an operator that is the only one.
    shard: which objects are this operator's.
    """

    namespaces: tuple[str, ...] = ()
    cluster_name: str = ""
    former_cluster_names: tuple[str, ...] = ()
    defaults: Defaults = Defaults()
    assume_role_external_id: str = ""
    assume_role_session_tags: bool = False
    tenants: Path | None = None
    sweep_interval: float = 5.0
    events_queues: tuple[QueueAddress, ...] = ()
    guard_interval: float = 300.0
    resync_interval: float = 600.0
    namespace_interval: float = 60.0
    wait_interval: float = 15.0
    aws_rate: float = MOST_RATE
    smoke_test_timeout: float = 300.0
    workers: int = 16
    import_rules: Rules = Rules()
    import_max_bytes: int = 100 * 1024**3
    import_concurrency: int = 2
    object_metrics: bool = True
    election: Election | None = None
    shard: Shard = Shard()
    health_host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus come from outside of the pod
    health_port: int = 8080
    identity: str = "classifier-operator"
