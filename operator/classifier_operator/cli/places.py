"""Where a cluster's objects have, or may have, something at AWS: as their statuses, specs and namespaces say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from classifier_operator.api.kinds import GROUP
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.account import is_account
from classifier_operator.sagemaker.regions import is_region


def places_in_use(bodies: Iterable[Mapping[str, Any]], namespaces: Iterable[Mapping[str, Any]]) -> set[Place]:
    """Return the regions, each with the role that the operator assumes there, that objects and namespaces name.

    The operator's own options are not known here.
    """
    bodies, defaults = list(bodies), {one["metadata"]["name"]: _defaults(one) for one in namespaces}
    found = {place for body in bodies for place in _recorded(body)}
    found |= {_wanted(body, defaults.get(body["metadata"]["namespace"], {})) for body in bodies}
    found |= {Place(one.get("region", ""), one.get("assume-role-arn", "")) for one in defaults.values()}
    # They become parts of addresses, and whoever may write a status has written them.
    return {place for place in found if is_region(place.region)}


def own_accounts(bodies: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return the regions and accounts in which the operator's own credentials have made something, by the statuses."""
    own = (place for body in bodies for _, place in recorded_in(body) if not place.assume_role_arn)
    return {(place.region, place.account) for place in own if place.account and is_region(place.region)}


def recorded_in(body: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """Yield what the status names, and where that is; in no account where the status does not tell it."""
    status = body.get("status", {})
    account = str(status.get("account", ""))
    for entry in status.get("resources", ()):
        place = Place(str(entry.get("region", "")), str(entry.get("assumeRoleArn", "")))
        yield entry, place.acting_for("", account if is_account(account) else "")


def _recorded(body: Mapping[str, Any]) -> set[Place]:
    return {place._replace(own_account="") for _, place in recorded_in(body)}


def _wanted(body: Mapping[str, Any], defaults: Mapping[str, str]) -> Place:
    spec = body.get("spec", {})
    region = spec.get("region") or defaults.get("region", "")
    return Place(str(region), str(spec.get("assumeRoleArn") or defaults.get("assume-role-arn", "")))


def _defaults(namespace: Mapping[str, Any]) -> dict[str, str]:
    annotations = namespace["metadata"].get("annotations") or {}
    names = ("region", "assume-role-arn")
    return {name: str(annotations[f"{GROUP}/{name}"]) for name in names if f"{GROUP}/{name}" in annotations}
