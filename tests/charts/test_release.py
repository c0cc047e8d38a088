"""The life of a release: installed, tested, upgraded, rolled back, uninstalled; and nothing is orphaned silently."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator

import pytest

from tests.apiserver.world import World, endpoint, training, until
from tests.charts.conftest import Site
from tests.charts.helm import CHART, Json, settings

ROLE = "arn:aws:iam::123456789012:role/SageMakerExecution"
# Several processes start meanwhile, on a machine that may have other things to do.
SECONDS = 120.0
SMOKE_TEST = {"image": {"configMapKeyRef": {"name": "sample", "key": "seven.png"}}, "contentType": "image/png"}


@pytest.fixture
def team(site: Site) -> Iterator[World]:
    """A namespace whose annotations say what its objects leave out, with a picture."""
    world = site.world(f"team-{secrets.token_hex(3)}", region="us-east-1", role_arn=ROLE)
    world.apply(sample())
    yield world
    world.close()


def sample() -> Json:
    """A ConfigMap with the picture of the smoke test."""
    picture = {"seven.png": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sample"}, "binaryData": picture}


def values(site: Site, **more: str) -> list[str]:
    """The chart's values for the emulated AWS, whose time is fast."""
    return settings({
        "aws.endpointUrl": site.aws.url,
        "aws.credentials.secretName": "aws",
        "operator.sweepInterval": "0.5",
        "operator.waitInterval": "1",
        "operator.namespaceInterval": "0.5",
        "operator.log.format": "text",
        **more,
    })  # fmt: skip


def prepared(namespace: str) -> list[Json]:
    """The release's namespace, where Pod Security is restricted, with the Secret of the AWS credentials."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    secret = {"metadata": {"name": "aws", "namespace": namespace}, "stringData": keys}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}},
        {"apiVersion": "v1", "kind": "Secret", **secret},
    ]


def left_of(site: Site, namespace: str) -> list[str]:
    """What there still is of the release `op`, apart from its kinds."""
    kinds = "deployments,jobs,pods,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,pdb"
    selector = "--selector=app.kubernetes.io/instance=op"
    return site.plane.kubectl("get", kinds, "-n", namespace, selector, "-o", "name").stdout.split()


@pytest.mark.timeout(600)
def test_a_release_lives(site: Site, team: World) -> None:
    """Cluster-wide with two replicas, as it is installed by default."""
    helm = site.helm.run
    site.apply(*prepared("ops"))
    common = ("op", str(CHART), "-n", "ops", "--wait", "--timeout=90s")

    told = helm("install", *common, *values(site)).stdout
    assert "helm -n ops test op" in told

    # `helm test` passes, says what it has found, and makes nothing.
    done = helm("test", "op", "-n", "ops", "--timeout=60s")
    tested = done.stdout + done.stderr
    assert "ok      permissions: all 19 granted" in tested
    assert "ok      AWS: arn:aws:" in tested
    assert team.remaining() == []

    # The operator works, as its own account.
    team.apply(training(region=None, roleArn=None), endpoint(region=None, roleArn=None, smokeTest=SMOKE_TEST))
    team.wait_for("cep", "digits", "InService", seconds=SECONDS)
    assert team.status("cep", "digits")["smokeTest"]["outcome"] == "Passed"
    assert team.events("digits")

    # An upgrade and a rollback change the pods, and nothing at AWS.
    made = team.calls("CreateTrainingJob"), team.calls("CreateEndpoint"), team.calls("UpdateEndpoint")
    helm("upgrade", *common, *values(site, **{"operator.log.level": "debug"}))
    assert "--log-level=debug" in arguments_of(site)
    helm("rollback", "op", "1", "-n", "ops", "--wait", "--timeout=90s")
    assert "--log-level=info" in arguments_of(site)
    team.patch_spec("cep", "digits", {"instanceCount": 2})
    until(lambda: team.get("cep", "digits")["status"].get("instanceCount") == 2, "the operator to work on")
    assert (team.calls("CreateTrainingJob"), team.calls("CreateEndpoint")) == made[:2]

    # All that it did it was allowed to.
    assert "forbidden" not in site.kubelet.log("ops").lower()

    # It cannot be uninstalled while there is anything that only it takes down.
    refused = helm("uninstall", "op", "-n", "ops", "--timeout=60s", check=False)
    assert refused.returncode == 1
    assert "2 objects are left" in refused.stdout + refused.stderr
    assert f"ClassifierEndpoint/{team.namespace}/digits" in refused.stdout + refused.stderr
    assert "deployment.apps/op-classifier-operator" in left_of(site, "ops")
    # Helm takes the release for half uninstalled now; so one goes back to what it was.
    helm("rollback", "op", "3", "-n", "ops", "--wait", "--timeout=90s")
    assert "STATUS: deployed" in helm("status", "op", "-n", "ops").stdout

    # In the order that it asks for, nothing is left; the kinds stay.
    team.kubectl("delete", "classifiers", "--all", "--timeout=60s")
    assert [kind for kind, _, _ in team.remaining() if kind != "training-jobs"] == []
    helm("uninstall", "op", "-n", "ops", "--wait", "--timeout=60s")
    until(lambda: not left_of(site, "ops"), "the release to be gone", state=lambda: left_of(site, "ops"))
    assert site.plane.kubectl("get", "crd", "-o", "name").stdout.count("classifiers.sagemaker.dev") == 2

    # The kinds that stayed are no obstacle to the same release.
    helm("install", *common, *values(site))
    helm("uninstall", "op", "-n", "ops", "--timeout=60s")


def test_a_release_can_be_taken_away_from_its_objects_on_purpose(site: Site, team: World) -> None:
    """In the namespace that it serves, with one replica; the objects go over to the next release."""
    helm, namespace = site.helm.run, team.namespace
    site.apply(*prepared(namespace))
    chosen = values(site, scope="Namespaced", replicas="1")
    # The kinds may be another release's, whoever was here before.
    where = ("own", str(CHART), "-n", namespace, "--take-ownership")
    install = ("install", *where, "--wait", "--timeout=90s", *chosen)
    helm(*install)
    team.apply(training(region=None, roleArn=None, deletionPolicy="Delete"))
    team.wait_for("ctrain", "digits", "Completed", seconds=SECONDS)
    # The UID of kube-system may be read only by who serves all namespaces.
    lines = site.kubelet.log(namespace).lower().splitlines()
    assert [line for line in lines if "forbidden" in line and "kube-system" not in line] == []
    helm("uninstall", "own", "-n", namespace, "--no-hooks", "--timeout=60s")
    assert team.exists("ctrain", "digits")
    assert team.jobs() == ["Completed"]
    helm(*install)
    team.delete("ctrain", "digits")
    assert team.jobs() == []
    helm("uninstall", "own", "-n", namespace, "--timeout=60s")


def arguments_of(site: Site) -> str:
    """The arguments of the release's one Deployment."""
    found = site.plane.kubectl("get", "deployment", "op-classifier-operator", "-n", "ops", "-o", "json").stdout
    return str(json.loads(found)["spec"]["template"]["spec"]["containers"][0]["args"])
