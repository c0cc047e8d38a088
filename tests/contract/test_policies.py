"""The example policies for admission, on a real API server: what is refused with which words, and what is not.

Whatever they refuse the operator would refuse as well: both are held against the same tables.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import yaml

from classifier_operator.adapters.tenants_file import tenants_of
from classifier_operator.api.kinds import ADOPT_ANNOTATION, Kind, ObjectKey
from classifier_operator.endpoint import tenancy as endpoints
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.situation import Endpoint
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.reconcile.decision import Defaults, Meta
from classifier_operator.training import tenancy as trainings
from classifier_operator.training.spec import TrainingSpec
from control_plane import ControlPlane
from tests.contract.api_server import Answer, ApiServer
from tests.contract.manifests import API_VERSION, CRDS, REPOSITORY
from tests.contract.paths import DROP, patched

POLICIES = REPOSITORY / "manifests" / "policies"
TENANTS = REPOSITORY / "manifests" / "tenants.yaml"
SECONDS = 60.0

TRAINING: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "ClassifierTraining",
    "metadata": {"name": "birds"},
    "spec": {
        "region": "us-east-1",
        "roleArn": "arn:aws:iam::123456789012:role/vision-training",
        "hyperparameters": {"numClasses": 200, "numTrainingSamples": 5994},
        "inputs": [
            {"name": "train", "s3Uri": "s3://vision-data/train"},
            {"name": "validation", "s3Uri": "s3://shared-data/vision/validation"},
        ],
        "output": {"s3Uri": "s3://vision-models"},
        "resources": {"instanceType": "ml.g4dn.xlarge"},
    },
}
ENDPOINT: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "ClassifierEndpoint",
    "metadata": {"name": "birds"},
    "spec": {
        "region": "us-east-1",
        "roleArn": "arn:aws:iam::123456789012:role/vision-serving",
        "model": {"artifactS3Uri": "s3://vision-models/birds/model.tar.gz"},
        "instanceType": "ml.m5.large",
    },
}
VARIANTS = patched(
    ENDPOINT,
    {
        "spec.model": DROP,
        "spec.instanceType": DROP,
        "spec.variants": [
            {
                "name": name,
                "model": {"artifactS3Uri": f"s3://vision-models/{name}.tar.gz"},
                "instanceType": "ml.m5.large",
            }
            for name in ("a", "b")
        ],
    },
)
BASES = {"training": TRAINING, "endpoint": ENDPOINT, "variants": VARIANTS}

ROLE = "arn:aws:iam::123456789012:role/audio"
MANIFEST = {"s3DataType": "ManifestFile"}
BUCKETS = "is not allowed in namespace vision; allowed: vision-*, shared-data/vision/*"
MACHINES = "is not allowed in namespace vision; allowed: ml.m5.*, ml.g4dn.xlarge"


def of_inputs(s3_uri: str, **more: Any) -> dict[str, Any]:
    return {"spec.inputs[train]": {"s3Uri": s3_uri, **more}}


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("training", {}),
    ("training", {"spec.resources.instanceType": "ml.m5.24xlarge", "spec.algorithm.image": "mine:1"}),
    ("training", of_inputs("s3://vision-data")),
    ("training", of_inputs("s3://shared-data/vision/")),
    ("training", of_inputs("s3://shared-data/vision/a.lst", **MANIFEST)),
    ("training", of_inputs("s3://vision-data/...a/..b/c..")),
    ("training", {"spec.spot": {"maxWaitSeconds": 90000, "checkpointS3Uri": "s3://vision-data/checkpoints"}}),
    ("endpoint", {}),
    ("endpoint", {"spec.instanceType": DROP, "spec.serverless": {"memorySizeMB": 1024, "maxConcurrency": 1}}),
    ("endpoint", {"spec.model": DROP, "spec.trainingRef": {"name": "birds"}}),
    ("endpoint", {"spec.dataCapture": {"s3Uri": "s3://vision-captured"}}),
    ("endpoint", {"spec.smokeTest": {"image": {"s3Uri": "s3://shared-data/vision/x.png"}}}),
    ("endpoint", {"spec.smokeTest": {"image": {"configMapKeyRef": {"name": "x", "key": "x.png"}}}}),
    ("endpoint", {"metadata.annotations": {ADOPT_ANNOTATION: "vision-old"}}),
    ("endpoint", {"metadata.annotations": {ADOPT_ANNOTATION: "legacy-endpoint"}}),
    ("variants", {}),
]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "training",
        {"spec.region": "eu-west-1"},
        "spec.region: eu-west-1 is not allowed in namespace vision; allowed: us-east-1",
    ),
    (
        "training",
        {"spec.roleArn": ROLE},
        f"spec.roleArn: {ROLE} is not allowed in namespace vision; allowed: arn:aws:iam::123456789012:role/vision-*",
    ),
    (
        "training",
        {"spec.assumeRoleArn": ROLE},
        f"spec.assumeRoleArn: {ROLE} is not allowed in namespace vision; allowed: none",
    ),
    (
        "training",
        {"spec.resources.instanceType": "ml.p3.2xlarge"},
        f"spec.resources.instanceType: ml.p3.2xlarge {MACHINES}",
    ),
    (
        "training",
        {"spec.resources.instanceType": "ml.m5d.large", "spec.algorithm.image": "mine:1"},
        f"spec.resources.instanceType: ml.m5d.large {MACHINES}",
    ),
    *[
        ("training", of_inputs(uri), f"spec: what begins with {uri} {BUCKETS}")
        for uri in (
            "s3://audio/x",
            "s3://vision/x",
            "s3://my-vision-data/x",
            "s3://VISION-data/x",
            "s3://shared-data",
            "s3://shared-data/vision",
            "s3://shared-data/vision-of-others/x",
            "s3://shared-data-2/vision/x",
            "s3://shared-data//vision/x",
            "s3://vision-data/%2e%2E/x",
            "s3://vision-data/..%2Fx",
            "s3://vision-data/..\\x",
            "s3://arn:aws:s3:us-east-1:123456789012:accesspoint/vision-data/x",
        )
    ],
    ("training", of_inputs("s3://audio/a.lst", **MANIFEST), f"spec: s3://audio/a.lst {BUCKETS}"),
    (
        "training",
        {"spec.output.s3Uri": "s3://audio/output"},
        f"spec: what begins with s3://audio/output {BUCKETS}",
    ),
    (
        "training",
        {
            "spec.spot": {"maxWaitSeconds": 90000, "checkpointS3Uri": "s3://audio/c"},
            "spec.output.s3Uri": "s3://music/o",
        },
        "spec: what begins with s3://music/o, s3://audio/c " + BUCKETS,
    ),
    (
        "endpoint",
        {"metadata.annotations": {ADOPT_ANNOTATION: "audio-old"}},
        "metadata.annotations: adopt: audio-old is not allowed in namespace vision; allowed: vision-*, legacy-endpoint",
    ),
    (
        "endpoint",
        {"spec.region": "eu-west-1"},
        "spec.region: eu-west-1 is not allowed in namespace vision; allowed: us-east-1",
    ),
    (
        "endpoint",
        {"spec.roleArn": ROLE},
        f"spec.roleArn: {ROLE} is not allowed in namespace vision; allowed: arn:aws:iam::123456789012:role/vision-*",
    ),
    (
        "endpoint",
        {"spec.assumeRoleArn": ROLE},
        f"spec.assumeRoleArn: {ROLE} is not allowed in namespace vision; allowed: none",
    ),
    ("endpoint", {"spec.instanceType": "ml.p3.2xlarge"}, f"spec.instanceType: ml.p3.2xlarge {MACHINES}"),
    (
        "endpoint",
        {"spec.acceleratorType": "ml.eia1.large"},
        "spec.acceleratorType: ml.eia1.large is not allowed in namespace vision; allowed: none",
    ),
    (
        "endpoint",
        {"spec.acceleratorType": "ml.eia1.large", "spec.acceleratorFallback": {"instanceType": "ml.p3.2xlarge"}},
        f"spec.instanceType: ml.p3.2xlarge {MACHINES}",
    ),
    (
        "endpoint",
        {"spec.model.artifactS3Uri": "s3://audio/model.tar.gz"},
        f"spec: s3://audio/model.tar.gz {BUCKETS}",
    ),
    (
        "endpoint",
        {"spec.dataCapture": {"s3Uri": "s3://shared-data/vision"}},
        f"spec: what begins with s3://shared-data/vision {BUCKETS}",
    ),
    (
        "variants",
        {"spec.variants[b].instanceType": "ml.p3.2xlarge"},
        f"spec.instanceType: ml.p3.2xlarge {MACHINES}",
    ),
    (
        "variants",
        {"spec.variants[b].model.artifactS3Uri": "s3://audio/model.tar.gz"},
        f"spec: s3://audio/model.tar.gz {BUCKETS}",
    ),
    (
        "variants",
        {
            "spec.variants[b].acceleratorType": "ml.eia2.medium",
            "spec.variants[b].acceleratorFallback": {"instanceType": "ml.p3.2xlarge"},
        },
        f"spec.instanceType: ml.p3.2xlarge {MACHINES}",
    ),
    (
        "variants",
        {"spec.variants[b].acceleratorType": "ml.eia2.medium"},
        "spec.acceleratorType: ml.eia2.medium is not allowed in namespace vision; allowed: none",
    ),
]


@pytest.fixture(scope="module")
def guarded() -> Iterator[ControlPlane]:
    """A control plane with the policies in force, and controllers that check their types."""
    with ControlPlane.start(controllers=True) as plane:
        plane.install(CRDS)
        for name in ("classifier-operator", "vision", "platform"):
            plane.kubectl("create", "namespace", name)
        plane.kubectl("apply", "-f", str(POLICIES))
        yield plane


@pytest.fixture(scope="module")
def vision(guarded: ControlPlane) -> Iterator[ApiServer]:
    """The tenant's namespace, once each policy is in force."""
    server = ApiServer(guarded.kubeconfig, "vision")
    elsewhere = {"spec.region": "eu-west-1"}
    until(lambda: not server.try_create(patched(TRAINING, elsewhere)).is_accepted)
    until(lambda: not server.try_create(patched(ENDPOINT, elsewhere)).is_accepted)
    yield server
    server.client.close()


@pytest.fixture
def as_user(guarded: ControlPlane, vision: ApiServer) -> Iterator[Callable[[str], ApiServer]]:
    """The tenant's namespace as somebody else sees it."""
    made: list[ApiServer] = []

    def connect(user: str) -> ApiServer:
        server = ApiServer(guarded.kubeconfig, "vision")
        server.client.set_default_header("Impersonate-User", user)
        made.append(server)
        return server

    yield connect
    for server in made:
        server.client.close()


def until(reached: Callable[[], Any]) -> Any:
    end = time.monotonic() + SECONDS
    while not (found := reached()):
        assert time.monotonic() < end, "the policies are not in force"
        time.sleep(0.1)
    return found


def words_of(answer: Answer) -> str:
    """What the policy says, without the API server's own words around it."""
    message: str = answer.body["message"]
    assert "ValidatingAdmissionPolicy" in message
    return message.partition(" denied request: ")[2]


def operators_refusal(manifest: dict[str, Any]) -> str:
    """What the operator itself says of it, by the example of its file."""
    spec = manifest["spec"]
    allowance = tenants_of(TENANTS.read_bytes()).of("vision")
    if manifest["kind"] == "ClassifierTraining":
        return allowance.refusal_of(trainings.uses_of(msgspec.convert(spec, TrainingSpec), Defaults()))
    adopt = manifest["metadata"].get("annotations", {}).get(ADOPT_ANNOTATION, "")
    meta = Meta(key=ObjectKey(Kind.ENDPOINT, "vision", "birds"), uid="1", adopt=adopt)
    endpoint = Endpoint(meta=meta, spec=msgspec.convert(spec, EndpointSpec), status=EndpointStatus())
    return allowance.refusal_of(endpoints.uses_of(endpoint))


@pytest.mark.parametrize(("base", "changes"), ACCEPTED)
def test_accepted(vision: ApiServer, base: str, changes: dict[str, Any]) -> None:
    manifest = patched(BASES[base], changes)
    answer = vision.try_create(manifest)
    assert answer.is_accepted, answer.body
    assert operators_refusal(manifest) == ""


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        *(("training", of_inputs(f"s3://vision-data/{key}")) for key in ("../audio/x", "..", "./x")),
        ("endpoint", {"spec.smokeTest": {"image": {"s3Uri": "s3://vision-data/../audio/x.png"}}}),
    ],
)
def test_plain_dots_are_refused_by_the_kinds_already(vision: ApiServer, base: str, changes: dict[str, Any]) -> None:
    manifest = patched(BASES[base], changes)
    answer = vision.try_create(manifest)
    assert answer.status == 422
    assert "must have no . or .. between slashes" in answer.body["message"]
    assert operators_refusal(manifest)


@pytest.mark.parametrize(("base", "changes", "words"), REFUSED)
def test_refused(vision: ApiServer, base: str, changes: dict[str, Any], words: str) -> None:
    manifest = patched(BASES[base], changes)
    answer = vision.try_create(manifest)
    assert (answer.status, words_of(answer)) == (422, words)
    assert operators_refusal(manifest)


def test_the_files_of_both_say_the_same() -> None:
    first = next(yaml.safe_load_all((POLICIES / "tenant-vision.yaml").read_text()))["data"]
    entry = yaml.safe_load(TENANTS.read_text())["tenants"][0]
    assert {name: text.split() for name, text in first.items()} == {
        name: value for name, value in entry.items() if name != "namespaces"
    }


def test_their_types_are_sound(guarded: ControlPlane) -> None:
    """A warning would mean that a field is misspelt, and the rule errs whenever it is asked."""
    broken = yaml.safe_load((POLICIES / "adoption.yaml").read_text().split("\n---\n")[0])
    broken["metadata"]["name"] = "broken"
    broken["spec"]["validations"] = [{"expression": "object.spec.modle == ''"}]
    guarded.kubectl("apply", "-f", "-", input=yaml.safe_dump(broken))

    def checked() -> dict[str, Any] | None:
        found = json.loads(guarded.kubectl("get", "validatingadmissionpolicies", "-o", "json").stdout)["items"]
        if any(one.get("status", {}).get("observedGeneration") != one["metadata"]["generation"] for one in found):
            return None
        return {one["metadata"]["name"]: one["status"]["typeChecking"].get("expressionWarnings") for one in found}

    warnings = until(checked)
    guarded.kubectl("delete", "validatingadmissionpolicy", "broken")
    assert "undefined field 'modle'" in warnings.pop("broken")[0]["warning"]
    assert len(warnings) == 4
    assert not any(warnings.values()), warnings


def test_namespaces_of_others_are_none_of_the_tenants(guarded: ControlPlane) -> None:
    server = ApiServer(guarded.kubeconfig, "platform")
    assert server.try_create(patched(TRAINING, {"spec.region": "eu-west-1"})).is_accepted
    server.client.close()


def test_what_the_namespace_says_counts_where_the_field_is_absent(guarded: ControlPlane, vision: ApiServer) -> None:
    silent = patched(TRAINING, {"spec.region": DROP, "spec.roleArn": DROP})
    assert vision.try_create(silent).is_accepted
    annotations = ("classifiers.sagemaker.dev/role-arn=" + ROLE, "classifiers.sagemaker.dev/region=eu-west-1")
    guarded.kubectl("annotate", "namespace", "vision", *annotations)
    try:
        answer = until(lambda: None if (one := vision.try_create(silent)).is_accepted else one)
        assert "spec.region: eu-west-1 is not allowed" in words_of(answer) or ROLE in words_of(answer)
        assert vision.try_create(TRAINING).is_accepted
    finally:
        guarded.kubectl("annotate", "namespace", "vision", *(f"{one.partition('=')[0]}-" for one in annotations))
    until(lambda: vision.try_create(silent).is_accepted)


def test_an_update_is_looked_at_when_it_changes_the_spec(guarded: ControlPlane, vision: ApiServer) -> None:
    def patch(changes: dict[str, Any], *options: str) -> str:
        words = ("patch", "-n", "vision", "ctrain", "old", "--type=merge", "-p", json.dumps(changes), *options)
        return guarded.kubectl(*words, check=False).stderr

    old = patched(TRAINING, {"metadata.name": "old"})
    vision.create(old)
    elsewhere = {"spec": {"output": {"s3Uri": "s3://audio/output"}}}
    assert "spec: what begins with s3://audio/output is not allowed in namespace vision" in patch(elsewhere)
    assert not patch({"spec": {"output": {"s3Uri": "s3://vision-data/output"}}})
    # The rules get tighter: what is there may be labelled, held and let go, and its status be written.
    config_map = ("configmap", "classifiers-vision", "-n", "classifier-operator")
    guarded.kubectl("patch", *config_map, "--type=merge", "-p", '{"data": {"instanceTypes": "ml.m5.*"}}')
    try:
        until(lambda: not vision.try_create(TRAINING).is_accepted)
        assert not patch({"metadata": {"labels": {"a": "b"}, "finalizers": ["classifiers.sagemaker.dev/finalizer"]}})
        assert not patch({"status": {"jobName": "x"}}, "--subresource=status")
        assert "spec.resources.instanceType: ml.g4dn.xlarge is not allowed" in patch({"spec": {"suspend": True}})
        guarded.kubectl("delete", "-n", "vision", "ctrain", "old", "--wait=false")
        assert not patch({"spec": {"deletionPolicy": "Retain"}})
        assert not patch({"metadata": {"finalizers": []}})
    finally:
        guarded.kubectl("apply", "-f", str(POLICIES / "tenant-vision.yaml"))
    until(lambda: vision.try_create(TRAINING).is_accepted)


def test_without_its_config_map_a_tenant_may_use_nothing(guarded: ControlPlane, vision: ApiServer) -> None:
    guarded.kubectl("delete", "configmap", "classifiers-vision", "-n", "classifier-operator")
    try:
        answer = until(lambda: None if (one := vision.try_create(ENDPOINT)).is_accepted else one)
        assert "classifierendpoints.vision.classifiers.sagemaker.dev" in answer.body["message"]
    finally:
        guarded.kubectl("apply", "-f", str(POLICIES / "tenant-vision.yaml"))
    until(lambda: vision.try_create(ENDPOINT).is_accepted)


def test_what_the_config_map_does_not_mention_is_not_limited(guarded: ControlPlane, vision: ApiServer) -> None:
    config_map = ("configmap", "classifiers-vision", "-n", "classifier-operator")
    anything = {"spec.region": "eu-west-1", "spec.roleArn": ROLE, "spec.assumeRoleArn": ROLE}
    anything |= {"spec.output.s3Uri": "s3://audio/x", "spec.resources.instanceType": "ml.p3.2xlarge"}
    guarded.kubectl("patch", *config_map, "--type=json", "-p", '[{"op": "remove", "path": "/data"}]')
    try:
        until(lambda: vision.try_create(patched(TRAINING, anything)).is_accepted)
    finally:
        guarded.kubectl("apply", "-f", str(POLICIES / "tenant-vision.yaml"))
    until(lambda: not vision.try_create(patched(TRAINING, anything)).is_accepted)


MOVES = {
    "region": None,
    "roleArn": "arn:aws:iam::123456789012:role/vision-other",
}


def test_who_may_adopt_what(guarded: ControlPlane, as_user: Callable[[str], ApiServer]) -> None:
    guarded.kubectl(
        "create", "rolebinding", "-n", "vision", "edits", "--clusterrole=edits", "--user=jane", "--user=joe"
    )
    rules = ("--verb=create,get,patch,update", "--resource=classifierendpoints.classifiers.sagemaker.dev")
    guarded.kubectl("create", "clusterrole", "edits", *rules)
    guarded.kubectl(
        "create", "rolebinding", "-n", "vision", "adopts", "--clusterrole=classifiers-adopt-legacy", "--user=jane"
    )
    jane, joe = as_user("jane"), as_user("joe")

    def adopting(name: str) -> dict[str, Any]:
        return patched(ENDPOINT, {"metadata.annotations": {ADOPT_ANNOTATION: name}})

    until(lambda: jane.try_create(ENDPOINT).is_accepted and joe.try_create(ENDPOINT).is_accepted)
    until(lambda: jane.try_create(adopting("legacy-endpoint")).is_accepted)
    refused = joe.try_create(adopting("legacy-endpoint"))
    assert (refused.status, words_of(refused)) == (403, "joe may not adopt legacy-endpoint in namespace vision")
    assert words_of(jane.try_create(adopting("vision-next"))) == "jane may not adopt vision-next in namespace vision"
    # What jane has made joe may edit, and take the annotation off; he may not name another.
    jane.create(patched(adopting("legacy-endpoint"), {"metadata.name": "adopted"}))

    def patch(changes: dict[str, Any]) -> str:
        words = ("patch", "-n", "vision", "cep", "adopted", "--as=joe", "--type=merge", "-p", json.dumps(changes))
        return guarded.kubectl(*words, check=False).stderr

    assert not patch({"metadata": {"labels": {"a": "b"}}})
    assert "joe may not adopt vision-next" in patch({"metadata": {"annotations": {ADOPT_ANNOTATION: "vision-next"}}})
    # Nor may he have it looked for somewhere else.
    for field, value in MOVES.items():
        assert "joe may not adopt legacy-endpoint" in patch({"spec": {field: value}})
    assert not patch({"metadata": {"annotations": {ADOPT_ANNOTATION: None}}})
    assert not patch({"spec": {"region": "us-east-1"}})
    taken = json.dumps({"status": {"adopted": {"type": "Endpoint", "name": "legacy-endpoint", "region": "us-east-1"}}})
    guarded.kubectl("patch", "-n", "vision", "cep", "adopted", "--subresource=status", "--type=merge", "-p", taken)
    assert not patch({"metadata": {"labels": {"a": "c"}}})
    for field, value in MOVES.items():
        assert "joe may not adopt legacy-endpoint" in patch({"spec": {field: value}})
    assert "joe may not adopt" in patch({"metadata": {"annotations": {ADOPT_ANNOTATION: "legacy-endpoint"}}})
    guarded.kubectl("delete", "-n", "vision", "cep", "adopted")


@pytest.mark.parametrize("name", ["region", "role-arn", "assume-role-arn", "deletion-policy", "enforce"])
def test_who_may_say_what_a_namespace_means(guarded: ControlPlane, vision: ApiServer, name: str) -> None:
    del vision  # the policies are in force
    labels = ("--verb=get,patch,update", "--resource=namespaces")
    guarded.kubectl("create", "clusterrole", f"labels-{name}", *labels)
    guarded.kubectl("create", "clusterrolebinding", f"labels-{name}", f"--clusterrole=labels-{name}", "--user=jim")
    annotation = f"classifiers.sagemaker.dev/{name}"

    def annotate(text: str, *options: str) -> str:
        words = ("annotate", "namespace", "vision", text, "--overwrite", "--dry-run=server", *options)
        return guarded.kubectl(*words, check=False).stderr

    until(lambda: not annotate("note=hello", "--as=jim"))
    until(lambda: "jim may not change the annotations" in annotate(f"{annotation}=x", "--as=jim"))
    assert "of namespace vision" in annotate(f"{annotation}=x", "--as=jim")
    # An empty one is not an absent one: the operator's own role instead of the one that its settings name.
    assert "jim may not change" in annotate(f"{annotation}=", "--as=jim")
    assert not annotate(f"{annotation}=x")
    guarded.kubectl("annotate", "namespace", "vision", f"{annotation}=x")
    assert "jim may not change" in annotate(f"{annotation}-", "--as=jim")
    assert "jim may not change" in annotate(f"{annotation}=", "--as=jim")
    assert not annotate("note=hello", "--as=jim")
    guarded.kubectl("annotate", "namespace", "vision", f"{annotation}-")
