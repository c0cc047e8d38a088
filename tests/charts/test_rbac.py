"""The operator may do what it does, and nothing else: each permission of the chart is missed when it is taken away."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from copy import deepcopy

import pytest

from classifier_operator.adapters.cluster import MERGE_PATCH
from classifier_operator.adapters.permissions import Permission, permissions
from classifier_operator.api.kinds import GROUP, VERSION
from tests.apiserver.world import endpoint, training, until
from tests.charts.conftest import Site
from tests.charts.helm import Helm, Json
from tests.charts.test_release import SMOKE_TEST, prepared, sample, values
from tests.contract.api_server import ApiServer

SCOPES = {"Cluster": [], "Namespaced": ["--set=scope=Namespaced", "--set=namespaces={here,there}"]}
# All of them start at a time, each of which takes seconds of a processor.
SECONDS = 180.0


def granted(objects: list[Json]) -> list[Permission]:
    """What the operator's account may do: each verb on each resource of each rule of the roles that are bound to it."""
    bound = {(one["roleRef"]["kind"], one["roleRef"]["name"]) for one in objects if "roleRef" in one}
    roles = [one for one in objects if (one["kind"], one["metadata"]["name"]) in bound]
    return [
        Permission(verb, group, *_split(resource), role["metadata"].get("namespace", ""), name)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    ]


def _split(resource: str) -> tuple[str, str]:
    name, _, subresource = resource.partition("/")
    return name, subresource


@pytest.mark.parametrize(("scope", "namespaces"), [("Cluster", []), ("Namespaced", ["here", "there"])])
def test_the_chart_grants_what_is_said_to_be_needed(helm: Helm, scope: str, namespaces: list[str]) -> None:
    found = granted(helm.render(*SCOPES[scope]))
    assert sorted(found) == sorted(permissions(namespaces, "ops"))


@pytest.mark.parametrize("scope", SCOPES)
def test_no_rule_has_a_wildcard(helm: Helm, scope: str) -> None:
    roles = [one for one in helm.render(*SCOPES[scope]) if one["kind"] in ("Role", "ClusterRole")]
    rules = [rule for role in roles for rule in role["rules"]]
    assert rules
    assert not [rule for rule in rules if "*" in str(rule)]
    assert not [rule for rule in rules if set(rule["verbs"]) & {"escalate", "bind", "impersonate"}]


def test_without_leader_election_there_is_nothing_about_leases(helm: Helm) -> None:
    found = granted(helm.render("--set=leaderElection.enabled=false", "--set=replicas=1"))
    assert sorted(found) == sorted(permissions([]))


class Mutant:
    """A release of one namespace that lacks one permission, as it runs, with a training and an endpoint to work on."""

    def __init__(self, site: Site, lacks: Permission, scope: str = "Namespaced") -> None:
        self.namespace = f"lacking-{secrets.token_hex(3)}"
        self._site = site
        self._lacks = lacks
        more = {"scope": scope, "replicas": "1", "crds.enabled": "false", "rbac.aggregate": "false"}
        hooks = {"test.enabled": "false", "uninstallCheck.enabled": "false"}
        objects = site.helm.render(*values(site, **more, **hooks), namespace=self.namespace, release=self.namespace)
        life = [sample(), training(), endpoint(smokeTest=SMOKE_TEST)]
        for each in life:
            each["metadata"]["namespace"] = self.namespace
        site.apply(*prepared(self.namespace), *(without(lacks, each) for each in objects), *life)

    def annoy(self, api: ApiServer) -> None:
        """Change the objects again while it writes what it has made of the last change, so that it has to read them."""
        for policy in ("Delete", "Retain") * 5:
            place = (GROUP, VERSION, self.namespace, self._lacks.resource, "digits")
            change = {"spec": {"deletionPolicy": policy}}
            api.objects.patch_namespaced_custom_object(*place, change, _content_type=MERGE_PATCH)

    def has_missed_it(self) -> bool:
        """Whether its log says that it was not allowed to do just that."""
        resource = "/".join(part for part in (self._lacks.resource, self._lacks.subresource) if part)
        # In the API server's words or, of a ConfigMap that a spec names, in the operator's.
        refused = rf'cannot {self._lacks.verb} resource \\*"{re.escape(resource)}\\*"'
        missing = rf"\({self._lacks.verb} {resource}( in [^)]*)?\)"
        return bool(re.search(f"{refused}|{missing}", self._site.kubelet.log(self.namespace)))

    def close(self) -> None:
        """End its operator; its objects stay where they are."""
        self._site.plane.kubectl("delete", "deployment", "--all", "-n", self.namespace, "--wait=false")


def without(lacking: Permission, manifest: Json) -> Json:
    """The object without the permission, if it is a role that has it."""
    if manifest["kind"] not in ("Role", "ClusterRole"):
        return manifest
    role = deepcopy(manifest)
    role["rules"] = [split for rule in role["rules"] for split in _without(lacking, rule)]
    return role


def _without(lacking: Permission, rule: Json) -> Iterator[Json]:
    for resource in rule["resources"]:
        is_it = (lacking.resource, lacking.subresource) == _split(resource) and lacking.group in rule["apiGroups"]
        verbs = [verb for verb in rule["verbs"] if not (is_it and verb == lacking.verb)]
        if verbs:
            yield {**rule, "resources": [resource], "verbs": verbs}


@pytest.mark.timeout(600)  # it starts an operator for each of them
def test_each_permission_of_a_namespace_is_missed(site: Site) -> None:
    """Whatever is taken away, the operator asks for it in the life of a training and an endpoint, and says so."""
    install_kinds(site)
    site.world("unused").close()
    api = ApiServer(site.plane.kubeconfig, "unused")
    waiting = {lacking: Mutant(site, lacking) for lacking in permissions(["here"], "here")}

    def all_missed() -> bool:
        for lacking, mutant in list(waiting.items()):
            if mutant.has_missed_it():
                waiting.pop(lacking).close()
            elif lacking.verb == "get" and lacking.group == GROUP:
                mutant.annoy(api)
        return not waiting

    until(all_missed, "each to be missed", SECONDS, lambda: [str(one) for one in waiting])
    api.client.close()


def test_listing_namespaces_is_missed_by_who_serves_all(site: Site) -> None:
    """The other permissions are those of a namespace, for all of them."""
    install_kinds(site)
    mutant = Mutant(site, Permission("list", "", "namespaces"), "Cluster")
    try:
        until(mutant.has_missed_it, "it to be missed", SECONDS)
    finally:
        mutant.close()


def test_people_reach_the_kinds_by_the_cluster_s_own_roles(site: Site) -> None:
    install_kinds(site)
    site.plane.kubectl("apply", "-f", "-", input=site.helm.template("--show-only=templates/aggregate-roles.yaml"))
    for role in ("view", "edit", "admin"):
        site.plane.kubectl(
            "create", "rolebinding", f"people-{role}", "-n", "default", f"--clusterrole={role}", f"--user={role}er"
        )

    def may(user: str, verb: str, resource: str) -> bool:
        name, _, subresource = resource.partition("/")
        asked = ("auth", "can-i", verb, name, f"--subresource={subresource}", "-n", "default", f"--as={user}")
        return site.plane.kubectl(*asked, check=False).stdout.strip() == "yes"

    # A controller puts the roles together.
    until(lambda: may("adminer", "create", f"classifierendpoints.{GROUP}"), "the roles to be put together")
    for user, verb, resource, is_allowed in (
        ("viewer", "watch", f"classifiertrainings.{GROUP}", True),
        ("viewer", "patch", f"classifiertrainings.{GROUP}", False),
        ("editer", "delete", f"classifiertrainings.{GROUP}", True),
        ("editer", "patch", f"classifierendpoints.{GROUP}/scale", True),
        ("editer", "patch", f"classifierendpoints.{GROUP}/status", False),
        ("adminer", "patch", f"classifierendpoints.{GROUP}/status", False),
        ("nobody", "list", f"classifierendpoints.{GROUP}", False),
    ):
        assert may(user, verb, resource) is is_allowed, (user, verb, resource)


def install_kinds(site: Site) -> None:
    """Make the API server serve both kinds."""
    kinds = site.helm.template("--show-only=templates/crds.yaml")
    site.plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=kinds)
    site.plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
