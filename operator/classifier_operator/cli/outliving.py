"""Owns the question whether an operator's Roles stay in a namespace that is being deleted for as long as it needs them.

The chart's ValidatingAdmissionPolicies keep them (`rbac.outliveNamespaces`); docs/concepts/deletion.md says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from classifier_operator.api.kinds import API_VERSION, Kind

Json = Mapping[str, Any]


def selectors(policies: Iterable[Json], bindings: Iterable[Json]) -> dict[Kind, list[str]]:
    """For each kind the label selectors of the Roles and RoleBindings that a policy keeps for its objects' sake."""
    denying = {one["spec"].get("policyName") for one in bindings if "Deny" in one["spec"].get("validationActions", ())}
    found: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for policy in policies:
        spec = policy["spec"]
        params = spec.get("paramKind") or {}
        if policy["metadata"]["name"] not in denying or params.get("apiVersion") != API_VERSION or not _keeps(spec):
            continue
        labels = spec["matchConstraints"].get("objectSelector", {}).get("matchLabels", {})
        found[Kind(params["kind"])].append(",".join(f"{name}={value}" for name, value in sorted(labels.items())))
    return found


def unkept(namespaces: Sequence[str], found: Mapping[Kind, Sequence[str]], bound: Mapping[str, set[str]]) -> list[str]:
    """The namespaces in which a kind's objects keep no RoleBinding.

    bound: by selector the namespaces that have RoleBindings with such labels.
    """
    kept = [set().union(*(bound.get(selector, set()) for selector in found[kind])) for kind in Kind]
    return [namespace for namespace in namespaces if not all(namespace in of_kind for of_kind in kept)]


def _keeps(spec: Json) -> bool:
    """Whether a policy looks at the deletion of Roles and RoleBindings."""
    rules = spec.get("matchConstraints", {}).get("resourceRules", ())
    deletions = [rule for rule in rules if "DELETE" in rule.get("operations", ())]
    return {"roles", "rolebindings"} <= {resource for rule in deletions for resource in rule.get("resources", ())}
