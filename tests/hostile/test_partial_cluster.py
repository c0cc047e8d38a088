"""A cluster that serves a part of what the operator is for: a kind that is gone, a namespace that may not be listed."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from control_plane import ControlPlane
from sagemaker_emulator.server import EmulatorProcess
from tests.apiserver.operator_process import OperatorProcess, killed_in_the_end
from tests.apiserver.servers import SETTINGS, make_operator
from tests.apiserver.world import BUCKET, World, condition, endpoint, training, until
from tests.contract.manifests import CRDS

TRAININGS = "classifiertrainings.classifiers.sagemaker.dev"
ENDPOINTS = "classifierendpoints.classifiers.sagemaker.dev"
# The operator says so once when a kind or a namespace is not served any more, and once when it is served again.
NOT_SERVED, SERVED = "are not served, and nothing is done about them", "are served"
MODEL: dict[str, Any] = {"model": {"artifactS3Uri": f"s3://{BUCKET}/model.tar.gz"}, "trainingRef": None}
RULES = [
    {
        "apiGroups": ["classifiers.sagemaker.dev"],
        "resources": ["classifiertrainings", "classifierendpoints"],
        "verbs": ["get", "list", "watch", "patch"],
    },
    {
        "apiGroups": ["classifiers.sagemaker.dev"],
        "resources": ["classifiertrainings/status", "classifierendpoints/status"],
        "verbs": ["patch"],
    },
    {"apiGroups": [""], "resources": ["namespaces", "configmaps"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane whose namespaces end, and whose kinds are these tests' alone."""
    with ControlPlane.start(controllers=True) as made:
        yield made


@pytest.fixture
def worlds(plane: ControlPlane, emulator: EmulatorProcess) -> Iterator[Callable[[], World]]:
    """Make namespaces, in one AWS account with nothing in it but the data; both kinds are served at first."""
    emulator.control.reset()
    emulator.control.change_settings(**SETTINGS)
    plane.install(CRDS)
    made: list[World] = []

    def make() -> World:
        world = World(plane, f"test-{secrets.token_hex(4)}", emulator.control)
        plane.kubectl("create", "namespace", world.namespace)
        if not made:
            world.s3.create_bucket(Bucket=BUCKET)
            for channel in ("train", "validation"):
                world.s3.put_object(Bucket=BUCKET, Key=f"{channel}/images.rec", Body=b"not looked at")
            world.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"not looked at")
        made.append(world)
        return world

    yield make
    # The next test's kinds are to go at once when they are deleted.
    plane.install(CRDS)
    for world in made:
        for name in world.kubectl("get", "ctrain,cep", "-o", "name").split():
            world.kubectl("patch", name, "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
        world.kubectl("delete", "ctrain,cep", "--all")
        world.close()


@pytest.fixture
def run(plane: ControlPlane, emulator: EmulatorProcess, tmp_path: Path) -> Iterator[Callable[..., OperatorProcess]]:
    """Start an operator for these namespaces, all of them with none; it is killed when the test ends."""
    numbers = count()
    with killed_in_the_end() as begin:

        def start(*namespaces: str, account: Path | None = None, options: tuple[str, ...] = ()) -> OperatorProcess:
            named = [word for namespace in namespaces for word in ("--namespace", namespace)]
            process = make_operator(
                plane, emulator.url, "", tmp_path / f"operator-{next(numbers)}.log", *named, *options,
                environment={"KUBECONFIG": str(account or plane.kubeconfig)},
            )  # fmt: skip
            return begin(process)

        yield start


@pytest.fixture
def account(plane: ControlPlane) -> Path:
    """A service account that may do nothing but what `bind` lets it do."""
    plane.kubectl("create", "namespace", "ops", check=False)
    plane.kubectl("create", "serviceaccount", "op", "-n", "ops", check=False)
    return plane.service_account_kubeconfig("ops", "op")


def bind(world: World) -> None:
    """Let the account serve the namespace."""
    metadata = {"name": "op", "namespace": world.namespace}
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": RULES}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "op"},
        "subjects": [{"kind": "ServiceAccount", "name": "op", "namespace": "ops"}],
    }
    world.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding]}))


def readiness(operator: OperatorProcess) -> tuple[int, str]:
    """The status and the text of /readyz."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/readyz", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def unserved(operator: OperatorProcess) -> set[tuple[str, str]]:
    """Kind and namespace of what is not served, as the metric has it."""
    lines = operator.get("/metrics").splitlines()
    found = [line for line in lines if line.startswith("classifier_operator_unserved{") and line.endswith(" 1.0")]
    return {tuple(part.split('"')[1] for part in line.split("}")[0].split(","))[:2] for line in found}  # type: ignore[misc]


def said(operator: OperatorProcess, words: str, what: str = "") -> int:
    """How often the log has these words about that."""
    return sum(words in line and what in line for line in operator.log.read_text().splitlines())


def restore(plane: ControlPlane) -> None:
    """Install the kinds again."""
    plane.install(CRDS)


def serves(world: World, name: str = "digits") -> dict[str, Any]:
    """Have an endpoint that serves a model of its own."""
    world.apply(endpoint(name, **MODEL))
    return world.wait_for("cep", name, "InService")


def scaled(world: World, count: int, name: str = "digits") -> None:
    """Change the endpoint's count, and wait until AWS has it: the operator hears of the edit and acts on it."""
    world.patch_spec("cep", name, {"instanceCount": count})
    until(lambda: world.status("cep", name)["variants"][0]["currentInstanceCount"] == count, "it to be scaled")


def test_a_kind_that_is_gone_ends_nothing_and_comes_back(
    plane: ControlPlane, worlds: Callable[[], World], run: Callable[..., OperatorProcess]
) -> None:
    world = worlds()
    operator = run()
    serves(world)
    pid = operator.pid
    plane.kubectl("delete", "crd", TRAININGS)
    until(lambda: unserved(operator) == {("ClassifierTraining", "")}, "it to be noticed", 120)
    status, text = readiness(operator)
    assert status == 200
    assert text.startswith("ok, but not served: ClassifierTrainings: the API server does not serve /apis/")
    # The other kind: edits, and what happens at AWS, are noticed as ever.
    scaled(world, 2)
    restore(plane)
    until(lambda: not unserved(operator), "it to be served again")
    assert readiness(operator) == (200, "ok")
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    assert operator.pid == pid
    assert (said(operator, NOT_SERVED), said(operator, SERVED)) == (1, 1)
    assert "Traceback" not in operator.log.read_text()
    assert operator.stop() == 0


def test_a_start_without_a_kind_serves_the_other_and_concludes_nothing(
    plane: ControlPlane, worlds: Callable[[], World], run: Callable[..., OperatorProcess]
) -> None:
    world = worlds()
    operator = run()
    world.apply(training(), endpoint())
    before = world.wait_for("cep", "digits", "InService")
    operator.stop()
    plane.kubectl("delete", "crd", TRAININGS, "--wait=false")
    # Nobody is there to take the finalizer off: somebody does it by hand, and the kind is gone.
    world.kubectl("patch", "ctrain", "digits", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
    plane.kubectl("wait", "--for=delete", f"crd/{TRAININGS}", "--timeout=60s", timeout=90)
    operator = run()
    until(lambda: readiness(operator)[0] == 200, "it to be ready")
    assert unserved(operator) == {("ClassifierTraining", "")}
    # It goes on serving what it has, and what is new waits for what is not known, not for what does not exist.
    scaled(world, 2)
    world.apply(endpoint("follower", trainingRef={"name": "later"}))
    waiting = world.wait_for("cep", "follower", "WaitingForTraining")
    assert "cannot list the ClassifierTrainings" in condition(waiting, "Ready")["message"]
    assert world.status("cep", "digits")["variants"][0]["modelName"] == before["variants"][0]["modelName"]
    restore(plane)
    until(
        lambda: "ClassifierTraining later to exist" in condition(world.status("cep", "follower"), "Ready")["message"],
        "it to be known that it does not exist",
    )
    world.apply(training("later"))
    world.wait_for("cep", "follower", "InService")
    assert world.calls("DeleteEndpoint") == 0
    assert operator.stop() == 0


def test_a_kind_that_is_deleted_takes_what_its_objects_have_at_aws_along(
    plane: ControlPlane, worlds: Callable[[], World], run: Callable[..., OperatorProcess]
) -> None:
    world = worlds()
    operator = run()
    serves(world)
    world.aws.change_settings(training={"training_seconds": 100_000})
    world.apply(training(deletionPolicy="Delete"))
    world.wait_for("ctrain", "digits", "Training")
    old = world.get("ctrain", "digits")["metadata"]["uid"]
    # The API server deletes the objects first, and waits for their finalizers.
    plane.kubectl("delete", "crd", TRAININGS, "--timeout=90s", timeout=120)
    assert world.jobs() == []
    until(lambda: unserved(operator) == {("ClassifierTraining", "")}, "it to be noticed", 120)
    scaled(world, 2)
    world.aws.change_settings(training={"training_seconds": 60})
    restore(plane)
    world.apply(training(deletionPolicy="Delete"))
    done = world.wait_for("ctrain", "digits", "Completed", seconds=90)
    new = world.get("ctrain", "digits")["metadata"]["uid"]
    assert new != old
    assert world.tags_of(done["jobArn"])["classifiers.sagemaker.dev/uid"] == new
    assert operator.stop() == 0


def test_a_version_that_is_not_served_is_a_kind_that_is_not_there(
    plane: ControlPlane, worlds: Callable[[], World], run: Callable[..., OperatorProcess]
) -> None:
    world = worlds()
    operator = run()
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    serves(world)
    version = [{"op": "replace", "path": "/spec/versions/0/served", "value": False}]
    plane.kubectl("patch", "crd", ENDPOINTS, "--type=json", "-p", json.dumps(version))
    until(lambda: unserved(operator) == {("ClassifierEndpoint", "")}, "it to be noticed", 120)
    world.apply(training("other"))
    world.wait_for("ctrain", "other", "Completed")
    version[0]["value"] = True
    plane.kubectl("patch", "crd", ENDPOINTS, "--type=json", "-p", json.dumps(version))
    until(lambda: not unserved(operator), "it to be served again")
    # All the time it has been there, and nobody has taken it for deleted.
    assert world.status("cep", "digits")["endpointStatus"] == "InService"
    assert world.calls("DeleteEndpoint") == 0
    scaled(world, 2)
    assert operator.stop() == 0


def test_a_namespace_that_may_not_be_listed_does_not_hold_up_the_others(
    worlds: Callable[[], World], run: Callable[..., OperatorProcess], account: Path
) -> None:
    here, there = worlds(), worlds()
    bind(here)
    bind(there)
    operator = run(here.namespace, there.namespace, account=account)
    serves(there)
    operator.stop()
    there.kubectl("delete", "rolebinding", "op")
    operator = run(here.namespace, there.namespace, account=account)
    until(lambda: readiness(operator)[0] == 200, "it to be ready")
    _, text = readiness(operator)
    assert f"ClassifierEndpoints in namespace {there.namespace}: GET /apis/" in text
    assert "HTTP 403" in text
    assert unserved(operator) == {(kind, there.namespace) for kind in ("ClassifierTraining", "ClassifierEndpoint")}
    here.apply(training())
    here.wait_for("ctrain", "digits", "Completed")
    bind(there)
    until(lambda: not unserved(operator), "it to be served")
    assert there.calls("DeleteEndpoint") == 0
    scaled(there, 2)
    assert said(operator, NOT_SERVED, there.namespace) == 2
    assert operator.stop() == 0


def test_a_permission_that_goes_and_comes_back_while_it_runs(
    worlds: Callable[[], World], run: Callable[..., OperatorProcess], account: Path
) -> None:
    here, there = worlds(), worlds()
    bind(here)
    bind(there)
    # A watch that has begun goes on without the permission: it is missed at the next full listing.
    operator = run(here.namespace, there.namespace, account=account, options=("--resync-interval", "1"))
    serves(there)
    serves(there, "doomed")
    there.kubectl("delete", "rolebinding", "op")
    until(lambda: len(unserved(operator)) == 2, "it to be noticed")
    # What is known is looked at still: this one fails at AWS.
    polls = there.calls("ListEndpoints") + there.calls("DescribeEndpoint")
    operator.wait_for_more("sweep_seconds_count", 3)
    serves(here)
    assert there.calls("ListEndpoints") + there.calls("DescribeEndpoint") > polls
    # Somebody deletes one of them by force meanwhile: nobody tells the operator.
    there.kubectl("patch", "cep", "doomed", "--type=merge", "-p", '{"metadata":{"finalizers":[]}}')
    there.kubectl("delete", "cep", "doomed")
    assert there.calls("DeleteEndpoint") == 0
    bind(there)
    until(lambda: not unserved(operator), "it to be served")
    objects = 'object_ready{kind="ClassifierEndpoint",name="doomed"'
    until(lambda: objects not in operator.get("/metrics"), "the one that is gone to be forgotten")
    scaled(there, 2)
    assert operator.stop() == 0


def test_a_namespace_that_is_deleted_and_made_anew_is_served_again(
    worlds: Callable[[], World], run: Callable[..., OperatorProcess]
) -> None:
    """With rights in all namespaces, as an administrator has them who runs the operator for two."""
    here, there = worlds(), worlds()
    operator = run(here.namespace, there.namespace)
    serves(there)
    there.cluster.kubectl("delete", "namespace", there.namespace, "--timeout=90s", timeout=120)
    assert there.remaining() == []
    there.cluster.kubectl("create", "namespace", there.namespace)
    serves(there)
    serves(here)
    assert operator.stop() == 0


def test_namespaces_come_to_the_list_and_leave_it_at_a_restart(
    worlds: Callable[[], World], run: Callable[..., OperatorProcess], account: Path
) -> None:
    here, there = worlds(), worlds()
    for world in (here, there):
        bind(world)
        world.apply(endpoint(**MODEL))
    first = run(here.namespace, account=account)
    here.wait_for("cep", "digits", "InService")
    assert "endpointName" not in there.status("cep", "digits")
    first.stop()
    second = run(there.namespace, account=account)
    there.wait_for("cep", "digits", "InService")
    here.patch_spec("cep", "digits", {"instanceCount": 2})
    second.stop()
    # Nobody has touched what nobody serves, and whoever serves it again finds what was asked for meanwhile.
    assert here.status("cep", "digits")["variants"][0]["currentInstanceCount"] == 1
    assert here.calls("DeleteEndpoint") == 0
    both = run(here.namespace, there.namespace, account=account)
    until(lambda: here.status("cep", "digits")["variants"][0]["currentInstanceCount"] == 2, "it to be scaled")
    assert both.stop() == 0


def test_without_anything_that_can_be_served_it_is_not_ready(
    plane: ControlPlane, worlds: Callable[[], World], run: Callable[..., OperatorProcess]
) -> None:
    world = worlds()
    plane.kubectl("delete", "crd", TRAININGS, ENDPOINTS)
    operator = run()
    until(lambda: "install the CRDs" in readiness(operator)[1], "it to say what is missing")
    status, text = readiness(operator)
    assert status == 503
    assert text.startswith("nothing can be served: ")
    assert operator.get("/healthz") == "ok"
    restore(plane)
    until(lambda: readiness(operator) == (200, "ok"), "it to be ready")
    serves(world)
    plane.kubectl("delete", "cep", "--all", "-A")
    plane.kubectl("delete", "crd", TRAININGS, ENDPOINTS)
    until(lambda: readiness(operator)[0] == 503, "it not to be ready any more", 120)
    restore(plane)
    until(lambda: readiness(operator) == (200, "ok"), "it to be ready again")
    assert operator.stop() == 0
