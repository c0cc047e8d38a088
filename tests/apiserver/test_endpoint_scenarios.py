"""The acceptance scenarios of ClassifierEndpoint by their ids (M, C, E, R: ACK's; O: the old operator's; N: new)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import (
    NAME,
    UID_TAG,
    artifact,
    later,
    live,
    live_config,
    live_variants,
    made,
    notes,
    of_model,
    reasons,
    serve,
    settled,
    stalled,
    strangers_config,
    variants_of,
)
from tests.apiserver.world import BUCKET, World, condition, endpoint, reason_of, training, until

Start = Callable[..., OperatorProcess]
IN_PROGRESS = 'Cannot update in-progress endpoint "arn".'


def refuse(world: World, operation: str, code: str, message: str, count: int | None = None) -> None:
    """Have AWS refuse an operation, until the faults are cleared where no count is given."""
    world.aws.fail_next(operation, count, code=code, message=message, status=400)


# What is made, and where it goes


def test_m1_the_model_is_made_with_its_tags_and_goes(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(consistency={"tags_seconds": 20})
    status = serve(world, tags={"team": "vision"})
    name = variants_of(status)["AllTraffic"]["modelName"]
    model = made(world, "models")[name]
    assert model["tags"]["team"] == "vision"
    assert model["tags"][UID_TAG] == world.get("cep", NAME)["metadata"]["uid"]
    world.delete("cep", NAME)
    with pytest.raises(ClientError, match="Could not find model"):
        world.client("sagemaker").describe_model(ModelName=name)


def test_m2_the_specs_region_is_used(world: World, operator: OperatorProcess) -> None:
    status = serve(world, region="eu-west-1")
    assert {one["region"] for one in world.aws.resources()} == {"eu-west-1"}
    assert status["url"].startswith("https://runtime.sagemaker.eu-west-1.amazonaws.com/")
    assert status["variants"][0]["image"].startswith("685385470294.dkr.ecr.eu-west-1.")
    assert live(world, region="eu-west-1")["EndpointStatus"] == "InService"
    world.delete("cep", NAME)
    assert world.remaining() == []


def test_c1_the_configuration_has_the_count_and_the_tags(world: World, operator: OperatorProcess) -> None:
    status = serve(world, instanceCount=2, tags={"team": "vision"})
    shown = live_config(world)
    assert [one["InitialInstanceCount"] for one in shown["ProductionVariants"]] == [2]
    assert made(world, "endpoint-configs")[status["endpointConfigName"]]["tags"]["team"] == "vision"
    world.delete("cep", NAME)
    assert made(world, "endpoint-configs") == {}


def test_e1_o4_the_endpoint_is_ready_once_it_is_in_service(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(endpoint={"creating_seconds": 200})
    world.apply(of_model(world, instanceCount=2, tags={"team": "vision"}))
    status = world.wait_for("cep", NAME, "Creating")
    assert condition(status, "Ready")["status"] == "False"
    status = settled(world)
    assert (status["instanceCount"], live_variants(world)["AllTraffic"]["CurrentInstanceCount"]) == (2, 2)
    assert status["endpointArn"] == live(world)["EndpointArn"]
    assert made(world, "endpoints")[status["endpointName"]]["tags"]["team"] == "vision"


def test_e4_a_deleted_endpoint_leaves_nothing(world: World, operator: OperatorProcess) -> None:
    name = serve(world)["endpointName"]
    world.delete("cep", NAME)
    assert world.remaining() == []
    with pytest.raises(ClientError, match="Could not find endpoint"):
        world.client("sagemaker").describe_endpoint(EndpointName=name)


def test_e4_resources_are_deleted_from_the_top(world: World, operator: OperatorProcess) -> None:
    serve(world)
    world.delete("cep", NAME)
    deletions = [call["operation"] for call in world.aws.calls() if call["operation"].startswith("Delete")]
    assert deletions == ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"]


def test_r1_a_retained_endpoint_stays(world: World, operator: OperatorProcess) -> None:
    serve(world, deletionPolicy="Retain")
    before = world.remaining()
    world.delete("cep", NAME)
    assert world.remaining() == before
    assert [kind for kind, _, _ in before] == ["endpoint-configs", "endpoints", "models"]


# Updates that fail


def bad_update(world: World) -> str:
    """Move to a model whose artifact is deleted once its model is made; what served before."""
    world.aws.change_settings(endpoint={"load_model": True})
    before: str = serve(world)["endpointConfigName"]
    # CreateModel looks at the artifact, the endpoint reads it: in between it is taken away.
    world.aws.latency("CreateEndpointConfig", 1.0)
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "bad")}})
    until(lambda: world.calls("CreateModel") == 2, "the second model to be made")
    world.s3.delete_object(Bucket=BUCKET, Key="models/bad/model.tar.gz")
    world.aws.latency("CreateEndpointConfig", 0)
    return before


def test_e2_a_model_that_cannot_be_loaded_is_rolled_back(world: World, operator: OperatorProcess) -> None:
    before = bad_update(world)
    stalled(world, "RolledBack")
    world.kubectl("annotate", "cep", NAME, "note=look-again")
    later(world)
    assert world.calls("UpdateEndpoint") == 1
    status = world.status("cep", NAME)
    message = condition(status, "Stalled")["message"]
    assert "Failed to download model data" in message
    assert before in message
    assert (reason_of(status, "Ready"), condition(status, "Ready")["status"]) == ("ServingPrevious", "True")
    assert (status["endpointConfigName"], live(world)["EndpointConfigName"]) == (before, before)
    assert "Failed to download model data" in status["rolledBack"]["reason"]


def test_e3_a_good_update_after_a_bad_one(world: World, operator: OperatorProcess) -> None:
    bad_update(world)
    stalled(world, "RolledBack")
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "good")}})
    status = settled(world)
    assert status["variants"][0]["artifactS3Uri"].endswith("/good/model.tar.gz")
    assert (status.get("failureReason", ""), status.get("rolledBack")) == ("", None)
    assert world.calls("UpdateEndpoint") == 2
    until(lambda: len(world.remaining()) == 3, "what was tried before to be deleted")


@pytest.mark.parametrize("reason", ["the alarm high-5xx went off", ""], ids=["with a reason", "without a reason"])
def test_n1_a_rollback_is_reported_and_not_repeated(world: World, operator: OperatorProcess, reason: str) -> None:
    before = serve(world)["endpointConfigName"]
    world.aws.order("update", "roll_back", reason)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    assert reason in stalled(world, "RolledBack")["message"]
    status = world.status("cep", NAME)
    assert reason_of(status, "Ready") == "ServingPrevious"
    assert status["endpointConfigName"] == before
    later(world)
    assert world.calls("UpdateEndpoint") == 1


def test_n2_a_failed_rollback_is_said_and_left_by_another_spec(world: World, operator: OperatorProcess) -> None:
    serve(world)
    world.aws.order("update", "rollback_fails", "no capacity for the old fleet")
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    assert "no capacity for the old fleet" in stalled(world, "UpdateRollbackFailed")["message"]
    assert condition(world.status("cep", NAME), "Ready")["status"] == "False"
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.2xlarge"})
    status = settled(world)
    assert status["variants"][0]["instanceType"] == "ml.m5.2xlarge"
    assert live(world)["EndpointConfigName"] == status["endpointConfigName"]


# States that nobody asked for


def test_n3_out_of_service_is_said_until_it_passes(world: World, start: Start) -> None:
    start("--guard-interval", "1")
    name = serve(world)["endpointName"]
    world.aws.set_endpoint_status(name, "OutOfService", "AWS took it out.")
    assert "AWS took it out." in stalled(world, "OutOfService")["message"]
    assert condition(world.status("cep", NAME), "Ready")["status"] == "False"
    world.aws.set_endpoint_status(name, "InService")
    settled(world)


def test_system_updating_in_the_middle(world: World, start: Start) -> None:
    start("--guard-interval", "1")
    status = serve(world)
    world.aws.set_endpoint_status(status["endpointName"], "SystemUpdating")
    world.wait_for("cep", NAME, "Updating", of="Reconciling")
    assert condition(world.status("cep", NAME), "Ready")["status"] == "True"
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    later(world)
    assert world.calls("UpdateEndpoint") == 0
    world.aws.set_endpoint_status(status["endpointName"], "InService")
    assert settled(world)["endpointConfigName"] != status["endpointConfigName"]
    assert world.calls("UpdateEndpoint") == 1


def test_a_state_nobody_has_heard_of_is_waited_for(world: World, start: Start) -> None:
    operator = start("--guard-interval", "1")
    name = serve(world)["endpointName"]
    world.aws.set_endpoint_status(name, "Migrating", "AWS had an idea.")
    until(lambda: world.status("cep", NAME)["endpointStatus"] == "Migrating", "the state to be seen")
    status = world.status("cep", NAME)
    assert condition(status, "Stalled") == {}
    assert "Migrating" in condition(status, "Reconciling")["message"]
    world.aws.set_endpoint_status(name, "InService")
    settled(world)
    assert "Traceback" not in operator.log.read_text()


AWSS_FAULT = "Request to service failed. If failure persists after retry, contact customer support."
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
CONTAINERS_FAULT = (
    "The primary container for production variant AllTraffic did not pass the ping health check. Please check "
    "CloudWatch logs for this endpoint."
)


@pytest.mark.parametrize("reason", [AWSS_FAULT, NO_CAPACITY], ids=["internal", "capacity"])
def test_a_creation_that_failed_by_awss_fault_is_tried_again(
    world: World, operator: OperatorProcess, reason: str
) -> None:
    world.aws.order("creation", "fail", reason, after_seconds=10)
    world.apply(of_model(world))
    # The delay is longer than a test should last, so it is enough that the retry is announced.
    until(
        lambda: reason in condition(world.status("cep", NAME), "Reconciling").get("message", ""),
        "the failure to be waited out",
        state=lambda: world.status("cep", NAME),
    )
    status = world.status("cep", NAME)
    assert condition(status, "Stalled") == {}
    assert condition(status, "Ready")["status"] == "False"
    assert status["retry"]


def test_a_creation_that_failed_by_the_containers_fault_stalls(world: World, operator: OperatorProcess) -> None:
    world.aws.order("creation", "fail", CONTAINERS_FAULT, after_seconds=10)
    world.apply(of_model(world))
    assert CONTAINERS_FAULT in stalled(world, "EndpointFailed")["message"]
    later(world)
    assert world.calls("CreateEndpoint") == 1
    world.patch_spec("cep", NAME, {"model": {"artifactS3Uri": artifact(world, "good")}})
    settled(world)
    assert len(world.remaining()) == 3


# Throttling, quotas, permissions, stores that are behind


def test_n4_throttled_looks_do_not_flap(world: World, operator: OperatorProcess) -> None:
    refuse(world, "DescribeEndpoint", "ThrottlingException", "Rate exceeded", 5)
    refuse(world, "ListEndpoints", "ThrottlingException", "Rate exceeded", 5)
    serve(world)
    assert reasons(world) == ["Creating", "InService"]
    assert world.calls("DescribeEndpoint") + world.calls("ListEndpoints") < 40


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_n4_a_throttled_creation_comes_through(world: World, operator: OperatorProcess, operation: str) -> None:
    refuse(world, operation, "ThrottlingException", "Rate exceeded", 3)
    serve(world)
    assert world.calls(operation) == 4
    assert len(world.remaining()) == 3


def test_n4_a_throttled_guard_says_nothing_of_a_settled_endpoint(world: World, start: Start) -> None:
    start("--guard-interval", "1")
    serve(world)
    before = world.get("cep", NAME)["metadata"]["resourceVersion"]
    refuse(world, "List*", "ThrottlingException", "Rate exceeded")
    refuse(world, "Describe*", "ThrottlingException", "Rate exceeded")

    def throttled() -> int:
        return sum(
            number for call, number in world.aws.outcome_counts().items() if call.endswith("ThrottlingException")
        )

    until(lambda: throttled() >= 3, "three throttled looks", state=world.aws.outcome_counts)
    assert world.get("cep", NAME)["metadata"]["resourceVersion"] == before


def test_n11_a_quota_is_waited_for_at_first(world: World, operator: OperatorProcess) -> None:
    world.aws.set_quota("ml.m5.large", "endpoint", 0)
    world.apply(of_model(world))
    status = world.wait_for("cep", NAME, "WaitingForQuota")
    assert "ml.m5.large for endpoint usage" in condition(status, "Reconciling")["message"]
    world.aws.set_quota("ml.m5.large", "endpoint", None)
    settled(world)


def test_n11_a_quota_is_waited_for_by_an_update(world: World, operator: OperatorProcess) -> None:
    serve(world)
    world.aws.set_quota("ml.m5.xlarge", "endpoint", 0)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    status = world.wait_for("cep", NAME, "WaitingForQuota", of="Reconciling")
    assert condition(status, "Ready")["status"] == "True"
    world.aws.set_quota("ml.m5.xlarge", "endpoint", None)
    assert settled(world)["variants"][0]["instanceType"] == "ml.m5.xlarge"


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint"])
def test_n12_a_permission_is_waited_for(world: World, operator: OperatorProcess, operation: str) -> None:
    words = f"User: arn:aws:iam::123456789012:user/x is not authorized to perform: sagemaker:{operation}"
    if operation == "UpdateEndpoint":
        serve(world)
    refuse(world, operation, "AccessDeniedException", words)
    world.apply(of_model(world, instanceType="ml.m5.xlarge"))
    status = world.wait_for("cep", NAME, "AccessPending", of="Reconciling")
    assert words in condition(status, "Reconciling")["message"]
    world.aws.clear_faults()
    assert settled(world)["variants"][0]["instanceType"] == "ml.m5.xlarge"


@pytest.mark.parametrize(
    "late",
    [
        pytest.param({"endpoint_config_seconds": 300}, id="configuration"),
        pytest.param({"describe_calls": 2}, id="describe"),
        pytest.param({"list_seconds": 300}, id="list"),
        pytest.param({"tags_seconds": 300}, id="tags"),
    ],
)
def test_n19_stores_that_are_behind_are_no_error(
    world: World, operator: OperatorProcess, late: dict[str, float]
) -> None:
    world.aws.change_settings(consistency=late)
    serve(world)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    settled(world)
    assert set(reasons(world)) <= {"Creating", "InService", "Updating"}
    assert (world.calls("CreateModel"), len(made(world, "endpoints"))) == (1, 1)


# Edits and deletions at a bad moment


def test_n8_deletion_waits_while_it_is_created(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(endpoint={"creating_seconds": 500})
    world.apply(of_model(world))
    until(lambda: made(world, "endpoints"), "the endpoint to be made")
    world.kubectl("delete", "cep", NAME, "--wait=false")
    status = world.wait_for("cep", NAME, "Deleting")
    assert "is Creating" in condition(status, "Reconciling")["message"]
    until(lambda: not world.exists("cep", NAME), "the object to be gone")
    assert world.remaining() == []


def test_n8_a_deletion_that_is_refused_three_times_says_what_it_waits_for(
    world: World, operator: OperatorProcess
) -> None:
    serve(world)
    refuse(world, "DeleteEndpoint", "ValidationException", IN_PROGRESS, 3)
    world.kubectl("delete", "cep", NAME, "--wait=false")
    until(
        lambda: IN_PROGRESS in condition(world.status("cep", NAME), "Reconciling").get("message", ""),
        "AWS's words to be in the message",
    )
    until(lambda: not world.exists("cep", NAME), "the object to be gone")
    assert (world.calls("DeleteEndpoint"), world.remaining()) == (4, [])


def test_n9_the_newest_of_several_edits_wins(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(endpoint={"updating_seconds": 400})
    serve(world)
    for number, size in enumerate(("xlarge", "2xlarge", "4xlarge")):
        world.patch_spec("cep", NAME, {"instanceType": f"ml.m5.{size}"})
        if number == 0:
            world.wait_for("cep", NAME, "Updating", of="Reconciling")
            until(lambda: world.calls("UpdateEndpoint") == 1, "the first update to begin")
    assert settled(world)["variants"][0]["instanceType"] == "ml.m5.4xlarge"
    assert world.calls("UpdateEndpoint") == 2
    until(lambda: len(world.remaining()) == 3, "the configurations between to be deleted")


def test_n10_an_edit_that_is_reverted_costs_no_roll(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(endpoint={"updating_seconds": 400})
    serve(world)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    until(lambda: world.calls("UpdateEndpoint") == 1, "the update to begin")
    world.patch_spec("cep", NAME, {"instanceType": "ml.c5.xlarge"})
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    assert settled(world)["variants"][0]["instanceType"] == "ml.m5.xlarge"
    assert world.calls("UpdateEndpoint") == 1


def test_n13_an_endpoint_outlives_its_training(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), endpoint())
    before = settled(world)
    world.delete("ctrain", NAME)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    after = settled(world)
    assert after["variants"][0]["artifactS3Uri"] == before["variants"][0]["artifactS3Uri"]
    assert live(world)["EndpointStatus"] == "InService"
    assert list(made(world, "models")) == [after["variants"][0]["modelName"]]


# Accelerators

PLACES = ["CreateEndpointConfig", "CreateEndpoint", "Endpoint"]
TYPES = [f"ml.{family}.{size}" for family in ("eia1", "eia2") for size in ("medium", "large", "xlarge")]


def retire_accelerators(world: World, place: str) -> None:
    world.aws.change_settings(
        elastic_inference={"available": False, "refused_at": place}, endpoint={"failing_seconds": 30}
    )


@pytest.mark.parametrize("place", PLACES)
def test_n14_a_refused_accelerator_stalls_with_advice(world: World, operator: OperatorProcess, place: str) -> None:
    retire_accelerators(world, place)
    world.apply(of_model(world, acceleratorType="ml.eia2.large"))
    message = stalled(world, "AcceleratorUnavailable")["message"]
    assert "The accelerator type 'ml.eia2.large' is not supported." in message
    assert "ml.g4dn.xlarge" in message
    assert condition(world.status("cep", NAME), "Ready")["status"] == "False"
    later(world)
    assert world.calls("CreateEndpointConfig" if place == "CreateEndpointConfig" else "CreateEndpoint") == 1
    world.delete("cep", NAME)
    assert world.remaining() == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fallback", ["ml.g4dn.xlarge", ""], ids=["another instance type", "the same instance type"])
def test_n14_a_refused_accelerator_falls_back(
    world: World, operator: OperatorProcess, place: str, fallback: str
) -> None:
    retire_accelerators(world, place)
    fields = {"instanceType": fallback} if fallback else {}
    status = serve(world, acceleratorType="ml.eia2.large", acceleratorFallback=fields)
    [variant] = status["variants"]
    assert variant["instanceType"] == (fallback or "ml.m5.large")
    assert (variant["accelerator"]["requested"], variant["accelerator"].get("effective", "")) == ("ml.eia2.large", "")
    assert "is not supported" in variant["accelerator"]["reason"]
    assert "AcceleratorType" not in live_config(world)["ProductionVariants"][0]
    until(lambda: len(world.remaining()) == 3, "what was tried to be deleted")


@pytest.mark.parametrize("place", PLACES)
def test_n14_an_accelerator_that_is_refused_later_leaves_what_serves(
    world: World, operator: OperatorProcess, place: str
) -> None:
    before = serve(world)["endpointConfigName"]
    retire_accelerators(world, place)
    world.patch_spec("cep", NAME, {"acceleratorType": "ml.eia1.medium"})
    assert "ml.eia1.medium" in stalled(world, "AcceleratorUnavailable")["message"]
    status = world.status("cep", NAME)
    assert condition(status, "Ready")["status"] == "True"
    assert live(world)["EndpointConfigName"] == before
    world.patch_spec("cep", NAME, {"acceleratorType": None})
    assert settled(world)["endpointConfigName"] == before


def test_n14_every_accelerator_passes_through(world: World, operator: OperatorProcess) -> None:
    world.apply(*(of_model(world, kind.replace(".", "-"), acceleratorType=kind) for kind in TYPES))
    for kind in TYPES:
        status = settled(world, kind.replace(".", "-"))
        assert status["variants"][0]["accelerator"] == {"requested": kind, "effective": kind}
        assert live_config(world, kind.replace(".", "-"))["ProductionVariants"][0]["AcceleratorType"] == kind


def test_n14_warm_ups_spare_the_slow_first_call(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(elastic_inference={"slow_calls": 2, "first_call_real_seconds": 0.5})
    image = world.s3.put_object(Bucket=BUCKET, Key="sample.png", Body=b"image") and f"s3://{BUCKET}/sample.png"
    test = {"image": {"s3Uri": image}, "contentType": "image/png", "warmUps": 2}
    result = serve(world, acceleratorType="ml.eia1.large", smokeTest=test)["smokeTest"]
    assert world.calls("InvokeEndpoint") == 3
    assert result["firstLatencyMilliseconds"] >= 500
    assert result["latencyMilliseconds"] < result["firstLatencyMilliseconds"]


# Tags, and hands other than the operator's


def test_n15_tags_reach_everything_in_place(world: World, operator: OperatorProcess) -> None:
    before = serve(world, tags={"team": "vision", "stage": "test"})
    names = {(one["kind"], one["name"]) for one in world.aws.resources()}
    world.patch_spec("cep", NAME, {"tags": {"team": "speech", "stage": None}})

    def tags() -> list[dict[str, str]]:
        return [{key: value for key, value in one["tags"].items() if "/" not in key} for one in world.aws.resources()]

    until(lambda: tags() == [{"team": "speech"}] * 3, "the tags to be changed", state=world.aws.resources)
    assert settled(world)["endpointConfigName"] == before["endpointConfigName"]
    assert {(one["kind"], one["name"]) for one in world.aws.resources()} == names
    assert all(UID_TAG in one["tags"] for one in world.aws.resources())
    assert world.calls("UpdateEndpoint") == 0


def _delete(world: World, name: str) -> None:
    world.client("sagemaker").delete_endpoint(EndpointName=name)


def _update(world: World, name: str) -> None:
    world.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=strangers_config(world))


def _rescale(**wanted: Any) -> Callable[[World, str], None]:
    def change(world: World, name: str) -> None:
        desired = [{"VariantName": "AllTraffic", **wanted}]
        world.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=desired
        )

    return change


HANDS = {
    "deleted": _delete,
    "updated": _update,
    "count": _rescale(DesiredInstanceCount=3),
    "weight": _rescale(DesiredWeight=5.0),
}
WORDS = {
    "deleted": "is gone at AWS and is being created",
    "updated": "was moved to strangers by somebody else",
    "count": "3 -> 1 instances (changed by somebody else)",
    "weight": "weight 5 -> 1 (changed by somebody else)",
}


def is_as_before(world: World, config: str) -> bool:
    """Whether the endpoint serves the configuration with one instance and a weight of one."""
    found = next(iter(made(world, "endpoints").values()), {"status": "gone"})
    if found["status"] != "InService":
        return False
    shown = world.client("sagemaker").describe_endpoint(EndpointName=found["name"])
    [one] = shown["ProductionVariants"]
    return (shown["EndpointConfigName"], one["DesiredInstanceCount"], one["DesiredWeight"]) == (config, 1, 1.0)


@pytest.mark.parametrize("seconds", [0, 300], ids=["seen when done", "seen on the way"])
@pytest.mark.parametrize("hand", HANDS)
def test_n17_what_somebody_does_by_hand_is_undone(world: World, start: Start, hand: str, seconds: int) -> None:
    durations = dict.fromkeys(("updating_seconds", "scaling_seconds", "deleting_seconds"), seconds)
    world.aws.change_settings(endpoint=durations)
    start("--guard-interval", "1")
    before = serve(world, instanceCount=1)
    said = len(notes(world))
    HANDS[hand](world, before["endpointName"])
    until(lambda: is_as_before(world, before["endpointConfigName"]), "the change to be undone", state=world.remaining)
    settled(world)
    assert any(WORDS[hand] in note for note in notes(world)[said:]), notes(world)


@pytest.mark.parametrize("hand", HANDS)
def test_n17_what_somebody_did_while_the_operator_was_away_is_undone(world: World, start: Start, hand: str) -> None:
    operator = start("--guard-interval", "1")
    before = serve(world, instanceCount=1)
    said = len(notes(world))
    operator.stop()
    HANDS[hand](world, before["endpointName"])
    until(lambda: {one["status"] for one in made(world, "endpoints").values()} <= {"InService"}, "AWS to come to rest")
    start("--guard-interval", "1")
    until(lambda: is_as_before(world, before["endpointConfigName"]), "the change to be undone", state=world.remaining)
    settled(world)
    assert any(WORDS[hand] in note for note in notes(world)[said:]), notes(world)


def test_a_count_that_the_spec_does_not_name_is_left_to_others(world: World, start: Start) -> None:
    """B10, on real parts: also by an update of the model afterwards."""
    start("--guard-interval", "1")
    before = serve(world, instanceCount=None)
    HANDS["count"](world, before["endpointName"])
    until(lambda: world.status("cep", NAME).get("instanceCount") == 3, "the count to be seen", state=world.remaining)
    world.patch_spec("cep", NAME, {"tags": {"team": "birds"}})
    settled(world)
    assert scaled_to(world) == 3
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.4xlarge"})
    settled(world)
    assert scaled_to(world) == 3
    assert not [note for note in notes(world) if "changed by somebody else" in note]


def scaled_to(world: World) -> int:
    name = world.status("cep", NAME)["endpointName"]
    [one] = world.client("sagemaker").describe_endpoint(EndpointName=name)["ProductionVariants"]
    return int(one["DesiredInstanceCount"])


def test_n17_a_strangers_configuration_is_left_alone(world: World, start: Start) -> None:
    start("--guard-interval", "1")
    before = serve(world)
    _update(world, before["endpointName"])
    until(lambda: is_as_before(world, before["endpointConfigName"]), "the change to be undone", state=world.remaining)
    world.delete("cep", NAME)
    assert world.remaining() == [("endpoint-configs", "strangers", ""), ("models", "strangers", "")]
