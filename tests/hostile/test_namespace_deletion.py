"""A served namespace is deleted, where the operator's rights are Roles in it: with exactly what the chart grants.

The controllers that end a namespace are the real ones, and so is the admission of the API server.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.apiserver.world import BUCKET, World, endpoint, training, until
from tests.charts.conftest import Site
from tests.charts.helm import CHART
from tests.charts.test_release import ROLE, SMOKE_TEST, prepared, sample, values
from tests.contract.manifests import REPOSITORY

# Several processes start meanwhile, on a machine that may have other things to do.
SECONDS = 120.0
MODEL = f"s3://{BUCKET}/model.tar.gz"


class Release:
    """A release of the chart with Roles in some namespaces, and one replica."""

    def __init__(self, site: Site, namespaces: list[str], **more: str) -> None:
        self.namespace = f"ops-{secrets.token_hex(3)}"
        self.name = f"op-{secrets.token_hex(3)}"
        self._site = site
        self._more = {"replicas": "1", "test.enabled": "false", "scope": "Namespaced", **more}
        site.apply(*prepared(self.namespace))
        self._helm("install", namespaces)

    def upgrade(self, namespaces: list[str]) -> None:
        """Serve these namespaces from now on."""
        self._helm("upgrade", namespaces)

    def uninstall(self, *options: str) -> None:
        """Take it away."""
        self._site.helm.run("uninstall", self.name, "-n", self.namespace, "--wait", "--timeout=90s", *options)

    def scale(self, replicas: int) -> None:
        """Have so many pods, and wait until it is so."""
        where = ("deployment", self.fullname, "-n", self.namespace)
        self._site.plane.kubectl("scale", *where, f"--replicas={replicas}")
        if replicas:
            self._site.plane.kubectl("rollout", "status", *where, "--timeout=90s", timeout=120)
        else:
            self._site.plane.kubectl(
                "wait", "--for=delete", "pod", "-n", self.namespace, "--all", "--timeout=90s", timeout=120
            )

    @property
    def fullname(self) -> str:
        """What its objects are called."""
        return f"{self.name}-classifier-operator"

    @property
    def log(self) -> str:
        """What its pods have said."""
        return self._site.kubelet.log(self.namespace)

    def left(self) -> list[str]:
        """What there is of it in the whole cluster."""
        kinds = "roles,rolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
        selector = f"--selector=app.kubernetes.io/instance={self.name}"
        return self._site.plane.kubectl("get", kinds, "-A", selector, "-o", "name").stdout.split()

    def _helm(self, verb: str, namespaces: list[str]) -> None:
        named = f"--set=namespaces={{{','.join(namespaces)}}}"
        where = (self.name, str(CHART), "-n", self.namespace, "--wait", "--timeout=90s")
        # The kinds may be another release's, and those of the cluster's roles.
        adopt = ("--take-ownership", "--set=rbac.aggregate=false")
        self._site.helm.run(verb, *where, *adopt, named, *values(self._site, **self._more))


@pytest.fixture
def namespaces(site: Site) -> Iterator[tuple[World, World]]:
    """One that is going to be deleted, and one that is not."""
    doomed = site.world(f"doomed-{secrets.token_hex(3)}", region="us-east-1", role_arn=ROLE)
    spared = World(site.plane, f"spared-{secrets.token_hex(3)}", site.aws.control)
    site.plane.kubectl("create", "namespace", spared.namespace)
    doomed.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"not looked at")
    yield doomed, spared
    doomed.close()
    spared.close()


@pytest.fixture
def install(site: Site) -> Iterator[Callable[..., Release]]:
    """Install a release for some namespaces; its pods end with the test."""
    made: list[Release] = []

    def installed(*worlds: World, **more: str) -> Release:
        made.append(Release(site, [world.namespace for world in worlds], **more))
        return made[-1]

    yield installed
    for release in made:
        site.plane.kubectl("delete", "deployment", "--all", "-n", release.namespace, "--wait=false", check=False)


def fill(world: World) -> None:
    """An endpoint that serves, tested with a picture of a ConfigMap, and a training that runs."""
    world.aws.change_settings(training={"training_seconds": 100_000})
    world.apply(
        sample(),
        endpoint(model={"artifactS3Uri": MODEL}, trainingRef=None, smokeTest=SMOKE_TEST),
        training("running", deletionPolicy="Delete"),
    )
    world.wait_for("cep", "digits", "InService", seconds=SECONDS)
    world.wait_for("ctrain", "running", "Training", seconds=SECONDS)


def serve(world: World) -> None:
    """An endpoint that serves."""
    world.apply(endpoint(model={"artifactS3Uri": MODEL}, trainingRef=None))
    world.wait_for("cep", "digits", "InService", seconds=SECONDS)


def at_aws(world: World) -> list[str]:
    """What the namespace has at AWS."""
    return [name for _, name, _ in world.remaining() if name.startswith(world.namespace[:20])]


def is_there(world: World) -> bool:
    """Whether the namespace is, ending or not."""
    return world.cluster.kubectl("get", "namespace", world.namespace, check=False).returncode == 0


def roles(world: World) -> list[str]:
    """The Roles and RoleBindings of the namespace."""
    return world.kubectl("get", "roles,rolebindings", "-o", "name").split()


@pytest.mark.timeout(600)
def test_a_served_namespace_ends_with_all_that_it_has_at_aws(
    site: Site, namespaces: tuple[World, World], install: Callable[..., Release]
) -> None:
    doomed, spared = namespaces
    release = install(doomed, spared)
    serve(spared)
    fill(doomed)
    assert at_aws(doomed)
    doomed.kubectl("create", "rolebinding", "somebody-s", "--clusterrole=view", "--user=somebody")
    site.plane.kubectl("delete", "namespace", doomed.namespace, "--timeout=150s", timeout=180)
    assert not is_there(doomed)
    assert at_aws(doomed) == []
    # The other one is as it was, and served; that Events of the ended one could not be written harms nobody.
    spared.patch_spec("cep", "digits", {"instanceCount": 2})
    until(lambda: spared.status("cep", "digits")["variants"][0]["currentInstanceCount"] == 2, "it to be scaled")
    assert "Traceback" not in release.log
    # It is made anew, and served as soon as the release has its Roles there again.
    site.plane.kubectl("create", "namespace", doomed.namespace)
    release.upgrade([doomed.namespace, spared.namespace])
    serve(doomed)
    for world in (doomed, spared):
        world.kubectl("delete", "classifiers", "--all", "--timeout=60s")
    release.uninstall()
    assert release.left() == []


@pytest.mark.timeout(600)
def test_an_operator_that_is_away_finds_its_rights_when_it_comes_back(
    site: Site, namespaces: tuple[World, World], install: Callable[..., Release]
) -> None:
    doomed, spared = namespaces
    release = install(doomed, spared)
    fill(doomed)
    release.scale(0)
    site.plane.kubectl("delete", "namespace", doomed.namespace, "--wait=false")

    def is_hindered() -> bool:
        status = json.loads(site.plane.kubectl("get", "namespace", doomed.namespace, "-o", "json").stdout)["status"]
        return "the operator needs it until ClassifierEndpoint digits is gone" in json.dumps(status)

    # The namespace says why its Roles are still there.
    until(is_hindered, "the namespace to say what it waits for")
    group = "rbac.authorization.k8s.io"
    assert {f"{kind}.{group}/{release.fullname}" for kind in ("role", "rolebinding")} <= set(roles(doomed))
    # Nobody else can take them away from it either, not even in vain again and again.
    refused = site.plane.kubectl("delete", "rolebinding", release.fullname, "-n", doomed.namespace, check=False)
    assert "the operator needs it" in refused.stderr
    release.scale(1)
    until(lambda: not is_there(doomed), "the namespace to end", SECONDS)
    assert at_aws(doomed) == []


def the_way_out(release: Release) -> list[list[str]]:
    """The commands of the page, for the release's account."""
    page = (REPOSITORY / "docs" / "operations" / "stuck-finalizers.md").read_text()
    text = page.partition("## A namespace that does not end")[2]
    found = [line.split()[1:] for line in text.splitlines() if line.startswith("kubectl create clusterrole")]
    assert len(found) == 4
    account = f"{release.namespace}:{release.fullname}"
    return [[word.replace("classifier-operator:classifier-operator", account) for word in line] for line in found]


@pytest.mark.timeout(600)
def test_without_the_policies_it_hangs_and_a_binding_in_the_cluster_ends_it(
    site: Site, namespaces: tuple[World, World], install: Callable[..., Release]
) -> None:
    """What the policies are for; and the way out for who has none (docs/operations/stuck-finalizers.md)."""
    doomed, spared = namespaces
    release = install(doomed, spared, **{"rbac.outliveNamespaces": "false"})
    fill(doomed)
    # With the operator away it is no race.
    release.scale(0)
    site.plane.kubectl("delete", "namespace", doomed.namespace, "--wait=false")
    until(lambda: roles(doomed) == [], "the Roles to go")
    release.scale(1)
    until(lambda: f"namespace {doomed.namespace} are not served" in release.log, "the operator to say so")
    assert is_there(doomed)
    assert at_aws(doomed)
    for command in the_way_out(release):
        site.plane.kubectl(*command)
    until(lambda: not is_there(doomed), "the namespace to end", SECONDS)
    assert at_aws(doomed) == []
    site.plane.kubectl("delete", "clusterrole,clusterrolebinding", "rescue-objects", "rescue-namespaces")


@pytest.mark.timeout(600)
def test_the_policies_are_in_the_way_of_nobody_else(
    site: Site, namespaces: tuple[World, World], install: Callable[..., Release]
) -> None:
    """Roles that a person deletes, a release that is taken away from its objects, a kind that is gone."""
    doomed, spared = namespaces
    release = install(doomed, spared)
    serve(doomed)
    site.plane.kubectl("delete", "role,rolebinding", release.fullname, "-n", spared.namespace, "--timeout=30s")
    release.uninstall("--no-hooks")
    assert release.left() == []
    assert doomed.get("cep", "digits")["metadata"]["finalizers"]
    doomed.kubectl("patch", "cep", "digits", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    site.plane.kubectl("delete", "namespace", doomed.namespace, "--timeout=90s", timeout=120)
