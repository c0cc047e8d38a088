"""Smoke tests: where image and labels come from, what is expected, and what a failure leads to."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import NAME, artifact, live, notes, of_model, serve, settled, stalled
from tests.apiserver.world import BUCKET, Json, World, condition, reason_of, until

IMAGE = base64.b64encode(b"\x89PNG image").decode()
# The emulated container knows one class, and is always certain.
LABELS: Json = {"values": ["zero"]}
IN_CONFIG_MAP: Json = {"configMapKeyRef": {"name": "sample", "key": "zero.png"}}


def in_s3(world: World) -> Json:
    """An image in S3."""
    world.s3.put_object(Bucket=BUCKET, Key="samples/zero.png", Body=b"\x89PNG image")
    return {"s3Uri": f"s3://{BUCKET}/samples/zero.png"}


def config_map(name: str, **content: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **content}


def smoke_test(image: Json = IN_CONFIG_MAP, **changes: Any) -> Json:
    return {"image": image, "contentType": "image/png", **changes}


def break_the_container(world: World) -> None:
    """From now on every invocation is answered as by a container that breaks."""
    words = 'Received server error (500) from primary with message "out of memory".'
    world.aws.fail_next("InvokeEndpoint", None, code="ModelError", message=words, status=424)


@pytest.mark.parametrize("source", ["s3", "config map"])
def test_image_and_labels_are_found(world: World, operator: OperatorProcess, source: str) -> None:
    world.apply(
        config_map("sample", binaryData={"zero.png": IMAGE}), config_map("labels", data={"labels.txt": "zero\n\n"})
    )
    image, labels = in_s3(world), LABELS
    if source == "config map":
        image, labels = IN_CONFIG_MAP, {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}}
    expected = {"label": "zero", "minProbability": "0.99"}
    result = serve(world, classLabels=labels, smokeTest=smoke_test(image, expect=expected))["smokeTest"]
    assert (result["outcome"], result["label"], result["probability"]) == ("Passed", "zero", "1")
    assert result["endpointConfigName"] == world.status("cep", NAME)["endpointConfigName"]
    assert result["latencyMilliseconds"] >= 0


def test_the_image_is_what_is_sent(world: World, operator: OperatorProcess) -> None:
    world.apply(config_map("sample", binaryData={"zero.png": IMAGE}))
    serve(world, smokeTest=smoke_test(warmUps=0))
    [call] = world.aws.calls("InvokeEndpoint")
    assert (call["resource"], call["status"]) == (live(world)["EndpointName"], 200)


@pytest.mark.parametrize("missing", ["config map", "key", "object"])
def test_a_missing_image_is_waited_for(world: World, operator: OperatorProcess, missing: str) -> None:
    if missing == "key":
        world.apply(config_map("sample", binaryData={"other.png": IMAGE}))
    image = {"s3Uri": f"s3://{BUCKET}/samples/zero.png"} if missing == "object" else IN_CONFIG_MAP
    world.apply(of_model(world, smokeTest=smoke_test(image)))
    name = "samples/zero.png" if missing == "object" else "sample"
    until(
        lambda: name in condition(world.status("cep", NAME), "Reconciling").get("message", ""),
        "the missing image to be named",
        state=lambda: world.status("cep", NAME),
    )
    assert reason_of(world.status("cep", NAME), "Reconciling") == "WaitingForData"
    assert condition(world.status("cep", NAME), "Ready")["status"] == "False"
    assert world.calls("CreateModel") == world.calls("CreateEndpoint") == 0
    in_s3(world)
    world.apply(config_map("sample", binaryData={"zero.png": IMAGE}))
    assert settled(world)["smokeTest"]["outcome"] == "Passed"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param("zero\none", "there are 2 class labels", id="labels"),
        pytest.param("zero", "", id="met"),
    ],
)
def test_what_is_expected(world: World, operator: OperatorProcess, names: str, words: str) -> None:
    expected = {"label": "zero", "minProbability": "1.0"}
    labels = {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}}
    world.apply(config_map("labels", data={"labels.txt": names}))
    world.apply(of_model(world, classLabels=labels, smokeTest=smoke_test(in_s3(world), expect=expected)))
    if not words:
        assert settled(world)["smokeTest"]["outcome"] == "Passed"
        return
    assert words in stalled(world, "SmokeTestFailed")["message"]
    status = world.status("cep", NAME)
    assert condition(status, "Ready")["status"] == "False"
    # There is nothing to go back to: the endpoint stays up for inspection.
    assert (status["smokeTest"]["outcome"], live(world)["EndpointStatus"]) == ("Failed", "InService")
    world.apply(config_map("labels", data={"labels.txt": "zero"}))
    world.patch_spec("cep", NAME, {"smokeTest": {"warmUps": 2}})
    assert settled(world)["smokeTest"]["outcome"] == "Passed"
    assert world.calls("CreateEndpoint") == 1


def test_a_failure_rolls_back(world: World, operator: OperatorProcess) -> None:
    before = serve(world, smokeTest=smoke_test(in_s3(world)))["endpointConfigName"]
    break_the_container(world)
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "bad")}})
    assert "out of memory" in stalled(world, "SmokeTestFailed")["message"]
    status = world.status("cep", NAME)
    assert (reason_of(status, "Ready"), status["endpointConfigName"]) == ("ServingPrevious", before)
    assert live(world)["EndpointConfigName"] == before
    assert world.calls("UpdateEndpoint") == 2
    world.aws.clear_faults()
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "good")}})
    assert settled(world)["smokeTest"]["outcome"] == "Passed"
    until(lambda: len(world.remaining()) == 3, "the refused configuration to be deleted")


def test_a_failure_returns_past_what_was_never_tested(world: World, operator: OperatorProcess) -> None:
    before = serve(world, smokeTest=smoke_test(in_s3(world)))["endpointConfigName"]
    break_the_container(world)
    for number, name in enumerate(("first", "second"), start=1):
        world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, name)}})
        until(lambda: world.calls("UpdateEndpoint") >= 1, f"update {number} to be asked for")
    stalled(world, "SmokeTestFailed")
    status = world.status("cep", NAME)
    assert (reason_of(status, "Ready"), status["endpointConfigName"]) == ("ServingPrevious", before)
    assert live(world)["EndpointConfigName"] == before
    assert world.calls("UpdateEndpoint") == 3


def test_what_serves_after_a_failure_keeps_its_count_and_is_scaled(world: World, operator: OperatorProcess) -> None:
    good = serve(world, smokeTest=smoke_test(in_s3(world)))["variants"][0]["artifactS3Uri"]
    world.kubectl("scale", "cep", NAME, "--replicas=4")
    assert settled(world)["instanceCount"] == 4
    break_the_container(world)
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "bad")}})
    stalled(world, "SmokeTestFailed")
    [variant] = world.status("cep", NAME)["variants"]
    assert (variant["artifactS3Uri"], variant["currentInstanceCount"]) == (good, 4)
    assert live(world)["ProductionVariants"][0]["DesiredInstanceCount"] == 4
    world.kubectl("scale", "cep", NAME, "--replicas=6")
    until(
        lambda: world.status("cep", NAME)["instanceCount"] == 6,
        "what serves to be scaled",
        state=lambda: world.status("cep", NAME),
    )
    status = world.status("cep", NAME)
    assert (reason_of(status, "Ready"), reason_of(status, "Stalled")) == ("ServingPrevious", "SmokeTestFailed")
    assert world.calls("UpdateEndpoint") == 2


def test_a_failure_is_reported_only(world: World, operator: OperatorProcess) -> None:
    serve(world, smokeTest=smoke_test(in_s3(world), onFailure="Report"))
    break_the_container(world)
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "bad")}})
    until(
        lambda: world.status("cep", NAME)["smokeTest"]["outcome"] == "Failed",
        "the failure to be reported",
        state=lambda: world.status("cep", NAME),
    )
    status = settled(world)
    assert "out of memory" in status["smokeTest"]["message"]
    assert status["variants"][0]["artifactS3Uri"].endswith("/bad/model.tar.gz")
    assert world.calls("UpdateEndpoint") == 1
    until(lambda: any("out of memory" in note for note in notes(world)), "an Event that says so")


def test_it_is_run_again_after_a_rollout(world: World, operator: OperatorProcess) -> None:
    first = serve(world, smokeTest=smoke_test(in_s3(world), warmUps=0))["smokeTest"]
    assert world.calls("InvokeEndpoint") == 1
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    status = settled(world)
    assert status["smokeTest"]["endpointConfigName"] == status["endpointConfigName"] != first["endpointConfigName"]
    assert world.calls("InvokeEndpoint") == 2


def test_scaling_runs_no_smoke_test(world: World, operator: OperatorProcess) -> None:
    serve(world, smokeTest=smoke_test(in_s3(world), warmUps=0))
    world.kubectl("scale", "cep", NAME, "--replicas=2")
    assert settled(world)["instanceCount"] == 2
    assert world.calls("InvokeEndpoint") == 1


def test_nothing_is_lost_when_aws_rolls_back(world: World, operator: OperatorProcess) -> None:
    before = serve(world, smokeTest=smoke_test(in_s3(world), warmUps=0))
    world.aws.order("update", "roll_back", "an alarm went off")
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    stalled(world, "RolledBack")
    status = world.status("cep", NAME)
    assert status["smokeTest"] == before["smokeTest"]
    assert reason_of(status, "Ready") == "ServingPrevious"
    assert world.calls("InvokeEndpoint") == 1


def test_a_throttled_invocation_is_no_failure(world: World, operator: OperatorProcess) -> None:
    world.aws.fail_next("InvokeEndpoint", 3, code="ThrottlingException", message="Rate exceeded", status=400)
    assert serve(world, smokeTest=smoke_test(in_s3(world)))["smokeTest"]["outcome"] == "Passed"
