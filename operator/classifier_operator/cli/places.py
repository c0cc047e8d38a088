"""Where a cluster's objects have, or may have, something at AWS: as their statuses, specs and namespaces say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def own_accounts(bodies: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the accounts in which the operator's own credentials have made something, as far as statuses say."""
    recorded = {str(body.get("status", {}).get("account", "")) for body in bodies}
    return {account for account in recorded if is_account(account)}


def _recorded(body: Mapping[str, Any]) -> set[Place]:
    entries = body.get("status", {}).get("resources", ())
    return {Place(str(one.get("region", "")), str(one.get("assumeRoleArn", ""))) for one in entries}


def _wanted(body: Mapping[str, Any], defaults: Mapping[str, str]) -> Place:
    spec = body.get("spec", {})
    region = spec.get("region") or defaults.get("region", "")
    return Place(str(region), str(spec.get("assumeRoleArn") or defaults.get("assume-role-arn", "")))


def _defaults(namespace: Mapping[str, Any]) -> dict[str, str]:
    annotations = namespace["metadata"].get("annotations") or {}
    names = ("region", "assume-role-arn")
    return {name: str(annotations[f"{GROUP}/{name}"]) for name in names if f"{GROUP}/{name}" in annotations}
