"""`classifier-operator orphans`: what bears this cluster's tags at AWS and belongs to no object of it.

It only looks. Names are listed before objects are: what is made meanwhile has its object, and what is deleted meanwhile
is asked for once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct, to_builtins

from classifier_operator.api.cluster_name import ClusterNames, checked_cluster_name
from classifier_operator.api.kinds import Kind
from classifier_operator.api.ledger import Place
from classifier_operator.cli import clients
from classifier_operator.cli.objects import Objects, connect, kubeconfig_option
from classifier_operator.cli.owned import Listed, listed, tags_of
from classifier_operator.cli.places import own_accounts, places_in_use, recorded_in
from classifier_operator.reconcile.owner import Owner, owner_in

FAILED, FOUND = 1, 3
_COLUMNS = ("account", "region", "type", "name", "status", "object", "reason")
NO_OBJECT, NOT_IN_STATUS = "NoObject", "NotInStatus"


class Orphan(Struct, frozen=True, rename="camel"):
    """A resource that belongs to nobody.

    reason: NoObject: no object has the UID of its tag; NotInStatus: the object is there and does not name it.
    """

    type: str
    name: str
    arn: str
    account: str
    region: str
    status: str
    object: str
    uid: str
    cluster: str
    reason: str


class Failure(Struct, frozen=True, rename="camel"):
    """A place that could not be looked at, or not to the end."""

    region: str
    assume_role_arn: str
    message: str


@click.command(name="orphans")
@click.option("--namespace", "-n", "namespaces", multiple=True, help="Of this namespace only (repeatable). [all]")
@click.option(
    "--cluster-name",
    default="",
    help="Name of the cluster, as the operator's --cluster-name. [the UID of the namespace kube-system]",
)
@click.option("--former-cluster-name", "former", multiple=True, help="Name that it had before (repeatable).")
@click.option(
    "--region",
    "regions",
    multiple=True,
    callback=clients.checked_regions,
    help="Look in this region, too (repeatable).",
)
@click.option(
    "--assume-role-arn",
    "roles",
    multiple=True,
    help="Assume this role in each --region, too (repeatable). [your own credentials there]",
)
@click.option("--unnamed", is_flag=True, help="List also what bears no cluster's name; it may be another cluster's.")
@click.option("--ended-jobs", is_flag=True, help="List also ended training jobs: they are kept as a record, and free.")
@click.option("--output", "-o", type=click.Choice(["table", "json", "yaml"]), default="table", show_default=True)
@kubeconfig_option
def command(
    *,
    namespaces: tuple[str, ...],
    cluster_name: str,
    former: tuple[str, ...],
    regions: tuple[str, ...],
    roles: tuple[str, ...],
    unnamed: bool,
    ended_jobs: bool,
    output: str,
    kubeconfig: Path | None,
) -> None:
    """List what the operator has made at AWS and no object of this cluster knows of any more. Nothing is deleted.

    It looks where the objects' statuses and specs and the namespaces' annotations lead, as you: with your own AWS
    credentials, and by the roles that these name. Exit codes: 0 nothing found, 1 not all could be looked at, 3 found.
    """
    cluster = connect(kubeconfig, "default")
    names = _names(cluster, cluster_name, former)
    search = Search(cluster, namespaces, names, unnamed=unnamed, ended_jobs=ended_jobs)
    orphans, failures = search.run({Place(region, role) for region in regions for role in roles or ("",)})
    click.echo(_FORMATS[output](orphans, failures))
    for failure in failures:
        role = f" by {failure.assume_role_arn}" if failure.assume_role_arn else ""
        click.echo(f"Error: {failure.region}{role} was not looked at to the end: {failure.message}", err=True)
    if search.unnamed_count and not unnamed:
        words = "more bear no cluster's name and belong to no object; --unnamed lists them"
        click.echo(f"{search.unnamed_count} {words}", err=True)
    click.get_current_context().exit(FAILED if failures else FOUND if orphans else 0)


class Known(Struct, frozen=True):
    """What the objects say: their UIDs, and the type, name, region and account of all that their statuses name.

    The account is "" where a status does not tell it; such a name is taken for the object's in every account.
    """

    uids: frozenset[str]
    named: frozenset[tuple[str, str, str, str]]

    @classmethod
    def of(cls, bodies: list[dict[str, Any]]) -> Known:
        """Read the objects."""
        return cls(
            uids=frozenset(body["metadata"]["uid"] for body in bodies),
            named=frozenset(
                (entry["type"], entry["name"], place.region, place.account)
                for body in bodies
                for entry, place in recorded_in(body)
            ),
        )

    def names(self, one: Listed) -> bool:
        """Return whether an object's status names the resource."""
        return any((one.type.value, one.name, one.region, account) in self.named for account in (one.account, ""))


class Search:
    """A search through all places in use.

    unnamed_count: how many orphans were found that bear no cluster's name.
    """

    def __init__(
        self, cluster: Objects, namespaces: tuple[str, ...], names: ClusterNames, *, unnamed: bool, ended_jobs: bool
    ) -> None:
        self.unnamed_count = 0
        self._cluster = cluster
        self._namespaces = namespaces
        self._names = names
        self._unnamed = unnamed
        self._ended_jobs = ended_jobs
        self._own_account = ""

    def run(self, more: Iterable[Place]) -> tuple[list[Orphan], list[Failure]]:
        """Return what is found in the places that objects and namespaces name, and in these."""
        before = self._objects()
        places = sorted({*places_in_use(before, self._read_namespaces()), *more})
        if not places:
            raise click.UsageError("there is no region to look in, because no object names one: give --region")
        failures: list[Failure] = []
        found: dict[str, tuple[Listed, Any]] = {}
        for place in places:
            with _failing(place, failures):
                client = self._client(place)
                # An account may be reached by several roles.
                found |= {one.arn: (one, client) for one in self._listed(client, place) if one.arn not in found}
        self._note_unreached(places, before, failures)
        orphans: list[Orphan] = []
        known = Known.of(self._objects())
        for one, client in found.values():
            with _failing(Place(one.region), failures):
                if (orphan := self._judged(one, client, known)) is not None:
                    orphans.append(orphan)
        return sorted(orphans, key=lambda one: (one.account, one.region, one.object, one.type, one.name)), failures

    def _listed(self, client: Any, place: Place) -> list[Listed]:
        return list(listed(client, place.region, ended_jobs=self._ended_jobs))

    def _judged(self, one: Listed, client: Any, known: Known) -> Orphan | None:
        """Return it as an orphan, if it is one. Tags are read of what no status names only."""
        if known.names(one):
            return None
        tags = tags_of(client, one.arn)
        if tags is None or not (owner := owner_in(tags)).uid:
            return None
        if not self._is_ours(owner) or (owner.uid in known.uids and one.has_ended):
            return None
        if not owner.cluster:
            self.unnamed_count += 1
            if self._names.name and not self._unnamed:
                return None
        return Orphan(
            type=one.type.value,
            name=one.name,
            arn=one.arn,
            account=one.account,
            region=one.region,
            status=one.status,
            object=owner.object,
            uid=owner.uid,
            cluster=owner.cluster,
            reason=NOT_IN_STATUS if owner.uid in known.uids else NO_OBJECT,
        )

    def _is_ours(self, owner: Owner) -> bool:
        """Whether it is of this cluster, and of the namespaces that are asked for."""
        namespace = owner.object.split("/")[1:2]
        is_asked_for = not self._namespaces or bool(set(namespace) & set(self._namespaces))
        return self._names.include(owner.cluster) and is_asked_for

    def _client(self, place: Place) -> Any:
        """Return a client of SageMaker there, as the caller, who assumes no role in an account of its own."""
        role = place.assume_role_arn
        if not self._own_account:
            with clients.explained():
                self._own_account = str(clients.client("sts", place.region).get_caller_identity()["Account"])
        is_at_home = place.account == self._own_account
        return clients.client("sagemaker", place.region, "" if is_at_home else role, is_patient=True)

    def _note_unreached(self, places: list[Place], bodies: list[dict[str, Any]], failures: list[Failure]) -> None:
        """Say in which accounts objects have something that neither the caller nor one of the roles can list."""
        if not self._own_account:
            return
        reached = {(place.region, place.account or self._own_account) for place in places}
        unreached: dict[str, set[str]] = {}
        for region, account in own_accounts(bodies) - reached:
            unreached.setdefault(region, set()).add(account)
        for region, accounts in sorted(unreached.items()):
            message = (
                f"objects have something in account {', '.join(sorted(accounts))}, and your credentials are of account "
                f"{self._own_account}: use credentials of that account, or a role in it (--assume-role-arn)"
            )
            failures.append(Failure(region, "", message))

    def _objects(self) -> list[dict[str, Any]]:
        return [body for kind in Kind for namespace in self._namespaces or ("",) for body in self._all(kind, namespace)]

    def _all(self, kind: Kind, namespace: str) -> Iterable[dict[str, Any]]:
        return self._cluster.all(kind, namespace)

    def _read_namespaces(self) -> list[dict[str, Any]]:
        if not self._namespaces:
            return list(self._cluster.namespaces())
        return [self._cluster.read_namespace(name) for name in self._namespaces]


class _failing:  # noqa: N801 - used like a function
    """Turn what goes wrong at a place into a failure of that place: the others are looked at all the same."""

    def __init__(self, place: Place, failures: list[Failure]) -> None:
        self._place = place
        self._failures = failures

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, (click.ClickException, ClientError, BotoCoreError)):
            return False
        message = error.message if isinstance(error, click.ClickException) else f"AWS: {error}"
        failure = Failure(self._place.region, self._place.assume_role_arn, message)
        if failure not in self._failures:
            self._failures.append(failure)
        return True


def _names(cluster: Objects, given: str, former: tuple[str, ...]) -> ClusterNames:
    for name in (given, *former):
        try:
            checked_cluster_name(name)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    return ClusterNames(name=given or cluster.cluster_uid(), former=frozenset(former))


def _as_table(orphans: list[Orphan], _: list[Failure]) -> str:
    rows = [[name.upper() for name in _COLUMNS]]
    rows += [[str(getattr(one, name)) or "-" for name in _COLUMNS] for one in orphans]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) if orphans else "No orphans found."


def _as_value(orphans: list[Orphan], failures: list[Failure]) -> Mapping[str, Any]:
    value: Mapping[str, Any] = to_builtins({"orphans": orphans, "failures": failures})
    return value


_FORMATS: dict[str, Callable[[list[Orphan], list[Failure]], str]] = {
    "table": _as_table,
    "json": lambda orphans, failures: json.dumps(_as_value(orphans, failures), indent=2),
    "yaml": lambda orphans, failures: yaml.safe_dump(_as_value(orphans, failures), sort_keys=False).rstrip(),
}
