"""Several variants, autoscaling, serverless, data capture, rollouts and adoption: written against the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import (
    IMAGE,
    NAME,
    ROLE,
    UID_TAG,
    adopting,
    artifact,
    later,
    live,
    live_config,
    live_variants,
    made,
    notes,
    of_model,
    serve,
    settled,
    stalled,
    strangers_config,
    strangers_endpoint,
    variants_of,
)
from tests.apiserver.world import BUCKET, Json, World, condition, reason_of, training, until

Start = Callable[..., OperatorProcess]
SCALING = {"minCount": 1, "maxCount": 4, "invocationsPerInstance": 70}
POLICY = "TargetTrackingScalingPolicyConfiguration"


def variant(world: World, name: str, model: str | None = "model", **changes: Any) -> Json:
    """A variant of a model that is in S3 already, or of what the changes say."""
    source = {"model": {"artifactS3Uri": artifact(world, model)}} if model else {}
    fields: Json = {"name": name, "instanceType": "ml.m5.large", **source, **changes}
    return {field: value for field, value in fields.items() if value is not None}


def of_variants(world: World, *variants: Json, name: str = NAME, **changes: Any) -> Json:
    """A ClassifierEndpoint with these variants."""
    short = {"model": None, "instanceType": None, "instanceCount": None}
    return of_model(world, name, **{**short, "variants": list(variants), **changes})


def serve_variants(world: World, *variants: Json, **changes: Any) -> Json:
    world.apply(of_variants(world, *variants, **changes))
    return settled(world)


def edit_variants(world: World, *variants: Json, **changes: Any) -> Json:
    """The status once the endpoint has other variants."""
    world.patch_spec("cep", NAME, {"variants": list(variants), **changes})
    return settled(world)


def models(status: Mapping[str, Any]) -> dict[str, str]:
    return {name: one["modelName"] for name, one in variants_of(status).items()}


def weights(world: World) -> dict[str, float]:
    return {name: one["CurrentWeight"] for name, one in live_variants(world).items()}


def counts(world: World, name: str = NAME) -> dict[str, int]:
    return {variant: one["CurrentInstanceCount"] for variant, one in live_variants(world, name).items()}


# Several variants


def test_ab_weights_change_in_place(world: World, operator: OperatorProcess) -> None:
    before = serve_variants(world, variant(world, "a", weight=9), variant(world, "b", "other", weight=1))
    assert weights(world) == {"a": 9.0, "b": 1.0}
    after = edit_variants(world, variant(world, "a", weight=5), variant(world, "b", "other", weight=5))
    assert weights(world) == {"a": 5.0, "b": 5.0}
    assert after["endpointConfigName"] == before["endpointConfigName"]
    assert (world.calls("UpdateEndpoint"), world.calls("UpdateEndpointWeightsAndCapacities")) == (0, 1)
    assert {name: float(one["currentWeight"]) for name, one in variants_of(after).items()} == {"a": 5.0, "b": 5.0}


def test_the_order_of_variants_says_nothing(world: World, operator: OperatorProcess) -> None:
    one, other = variant(world, "a", weight=2), variant(world, "b", "other")
    before = serve_variants(world, one, other)
    assert edit_variants(world, other, one)["endpointConfigName"] == before["endpointConfigName"]
    assert (world.calls("UpdateEndpoint"), world.calls("CreateEndpointConfig")) == (0, 1)


def test_champion_and_challenger_follow_their_own_trainings(world: World, operator: OperatorProcess) -> None:
    names = ("champion", "challenger")
    both = [variant(world, name, model=None, trainingRef={"name": name}) for name in names]
    world.apply(*(training(name) for name in names), of_variants(world, *both))
    before = settled(world)
    jobs = {name: world.status("ctrain", name)["jobName"] for name in names}
    assert {name: one["trainingJobName"] for name, one in variants_of(before).items()} == jobs
    world.kubectl("annotate", "ctrain", "challenger", "classifiers.sagemaker.dev/retrain=now")
    until(
        lambda: (
            variants_of(world.status("cep", NAME))["challenger"]["trainingJobName"] != jobs["challenger"]
            and not condition(world.status("cep", NAME), "Reconciling")
        ),
        "the challenger to be served",
        state=lambda: world.status("cep", NAME),
    )
    after = settled(world)
    assert models(after)["champion"] == models(before)["champion"]
    assert models(after)["challenger"] != models(before)["challenger"]
    assert (world.calls("UpdateEndpoint"), world.calls("CreateModel")) == (1, 3)
    until(lambda: set(made(world, "models")) == set(models(after).values()), "the old challenger to be deleted")


def test_a_variant_waits_for_its_own_training(world: World, operator: OperatorProcess) -> None:
    world.apply(training("champion"))
    world.wait_for("ctrain", "champion", "Completed")
    both = [variant(world, name, model=None, trainingRef={"name": name}) for name in ("champion", "challenger")]
    world.apply(of_variants(world, *both))
    said = condition(world.wait_for("cep", NAME, "WaitingForTraining"), "Reconciling")
    assert "challenger" in said["message"]
    world.apply(training("challenger"))
    settled(world)


def test_variants_have_their_own_machines(world: World, operator: OperatorProcess) -> None:
    big = variant(world, "big", instanceType="ml.c5.xlarge", instanceCount=2)
    fast = variant(world, "fast", acceleratorType="ml.eia1.medium")
    status = serve_variants(world, big, fast)
    shown = {one["VariantName"]: one for one in live_config(world)["ProductionVariants"]}
    assert (shown["big"]["InstanceType"], shown["fast"]["InstanceType"]) == ("ml.c5.xlarge", "ml.m5.large")
    assert ("AcceleratorType" in shown["big"], shown["fast"]["AcceleratorType"]) == (False, "ml.eia1.medium")
    assert (counts(world), status["instanceCount"]) == ({"big": 2, "fast": 1}, 3)
    assert variants_of(status)["fast"]["accelerator"]["effective"] == "ml.eia1.medium"


def test_a_variants_count_changes_in_place(world: World, operator: OperatorProcess) -> None:
    before = serve_variants(world, variant(world, "a"), variant(world, "b", "other"))
    after = edit_variants(world, variant(world, "a", instanceCount=3), variant(world, "b", "other"))
    assert counts(world) == {"a": 3, "b": 1}
    assert (after["endpointConfigName"], after["instanceCount"]) == (before["endpointConfigName"], 4)
    assert world.calls("UpdateEndpoint") == 0


@pytest.mark.parametrize("place", ["CreateEndpointConfig", "CreateEndpoint", "Endpoint"])
def test_n14_only_the_refused_accelerator_falls_back(world: World, operator: OperatorProcess, place: str) -> None:
    elastic = {"available": False, "available_types": ["ml.eia1.medium"], "refused_at": place}
    world.aws.change_settings(elastic_inference=elastic, endpoint={"failing_seconds": 30})
    fallback = {"instanceType": "ml.g4dn.xlarge"}
    good = variant(world, "good", acceleratorType="ml.eia1.medium", acceleratorFallback=fallback)
    bad = variant(world, "bad", acceleratorType="ml.eia2.xlarge", acceleratorFallback=fallback)
    served = variants_of(serve_variants(world, good, bad))
    assert (served["good"]["instanceType"], served["bad"]["instanceType"]) == ("ml.m5.large", "ml.g4dn.xlarge")
    assert served["good"]["accelerator"] == {"requested": "ml.eia1.medium", "effective": "ml.eia1.medium"}
    assert served["bad"]["accelerator"]["requested"] == "ml.eia2.xlarge"
    assert "effective" not in served["bad"]["accelerator"]
    assert "ml.eia2.xlarge" in served["bad"]["accelerator"]["reason"]


def test_a_variant_is_added_and_removed(world: World, operator: OperatorProcess) -> None:
    first = serve_variants(world, variant(world, "a"))
    second = edit_variants(world, variant(world, "a"), variant(world, "b", "other"))
    assert (set(weights(world)), models(second)["a"]) == ({"a", "b"}, models(first)["a"])
    edit_variants(world, variant(world, "b", "other"))
    assert set(weights(world)) == {"b"}
    until(lambda: list(made(world, "models")) == [models(second)["b"]], "the model of the other to be deleted")
    assert (world.calls("CreateEndpoint"), world.calls("UpdateEndpoint")) == (1, 2)


def test_a_variant_is_renamed(world: World, operator: OperatorProcess) -> None:
    serve_variants(world, variant(world, "a"), variant(world, "b", "other"))
    status = edit_variants(world, variant(world, "a"), variant(world, "c", "other"))
    assert (set(weights(world)), set(variants_of(status))) == ({"a", "c"}, {"a", "c"})
    assert world.calls("CreateModel") == 2


def test_e3_from_one_variant_to_two(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(endpoint={"load_model": True})
    serve(world, instanceCount=2)
    world.aws.order("update", "roll_back", "")
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    stalled(world, "RolledBack")
    both = [variant(world, "AllTraffic", instanceCount=1), variant(world, "b", "other", instanceCount=1)]
    short = dict.fromkeys(("model", "instanceType", "instanceCount"))
    status = edit_variants(world, *both, **short)
    assert counts(world) == {"AllTraffic": 1, "b": 1}
    assert (status.get("failureReason", ""), status.get("rolledBack")) == ("", None)


# Autoscaling


def resource(status: Mapping[str, Any], name: str = "AllTraffic") -> str:
    return f"endpoint/{status['endpointName']}/variant/{name}"


def bounds(world: World) -> dict[str, tuple[int, int]]:
    """The scalable targets that exist."""
    return {name: (one["minimum"], one["maximum"]) for name, one in made(world, "scalable-targets").items()}


def scaled(world: World, status: Mapping[str, Any], count: int, name: str = "AllTraffic") -> None:
    """Let the autoscaler act, and AWS come to rest."""
    until(lambda: made(world, "scalable-targets").get(resource(status, name), {}).get("policies"), "the policy")
    world.aws.autoscale(status["endpointName"], name, count)
    until(lambda: counts(world)[name] == count, f"{count} instances")


def test_o5_the_autoscalers_count_survives_another_weight(world: World, operator: OperatorProcess) -> None:
    auto, plain = variant(world, "auto", weight=2, autoscaling=SCALING), variant(world, "plain", "other")
    status = serve_variants(world, auto, plain)
    scaled(world, status, 2, "auto")
    edit_variants(world, {**auto, "weight": 3}, plain)
    assert (counts(world), weights(world)) == ({"auto": 2, "plain": 1}, {"auto": 3.0, "plain": 1.0})
    assert world.calls("UpdateEndpoint") == 0


def test_o5_the_autoscalers_count_survives_a_roll(world: World, operator: OperatorProcess) -> None:
    auto, plain = variant(world, "auto", weight=2, autoscaling=SCALING), variant(world, "plain", "other")
    status = serve_variants(world, auto, plain)
    scaled(world, status, 2, "auto")
    model = {"artifactS3Uri": artifact(world, "better")}
    edit_variants(world, {**auto, "weight": 3, "model": model}, {**plain, "instanceCount": 2})
    assert (counts(world), weights(world)) == ({"auto": 2, "plain": 2}, {"auto": 3.0, "plain": 1.0})
    assert bounds(world) == {resource(status, "auto"): (1, 4)}


def test_o6_targets_and_policies_follow_the_spec(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(deregister_with_endpoint=False)
    fine = {**SCALING, "scaleInCooldownSeconds": 60, "scaleOutCooldownSeconds": 30, "disableScaleIn": True}
    for name, scaling in (("one", SCALING), ("two", fine), ("three", {**SCALING, "minCount": 2})):
        count = scaling["minCount"]
        world.apply(of_model(world, name, autoscaling=scaling, instanceCount=count))
    found = {name: resource(settled(world, name)) for name in ("one", "two", "three")}
    wanted = {found["one"]: (1, 4), found["two"]: (1, 4), found["three"]: (2, 4)}
    until(lambda: bounds(world) == wanted, "three targets", state=lambda: bounds(world))
    [policy] = made(world, "scalable-targets")[found["two"]]["policies"]
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy[POLICY] == {
        "TargetValue": 70,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleInCooldown": 60,
        "ScaleOutCooldown": 30,
        "DisableScaleIn": True,
    }
    world.patch_spec("cep", "one", {"autoscaling": {"maxCount": 3, "invocationsPerInstance": 50}})
    world.patch_spec("cep", "two", {"autoscaling": None})
    world.delete("cep", "three")
    until(lambda: bounds(world) == {found["one"]: (1, 3)}, "one target", state=lambda: bounds(world))
    [policy] = made(world, "scalable-targets")[found["one"]]["policies"]
    assert policy[POLICY]["TargetValue"] == 50
    assert [settled(world, name)["endpointStatus"] for name in ("one", "two")] == ["InService", "InService"]
    assert world.calls("UpdateEndpoint") == 0
    for name in ("one", "two"):
        world.delete("cep", name)
    assert world.remaining() == []


def test_an_instance_type_changes_while_it_is_autoscaled(world: World, operator: OperatorProcess) -> None:
    status = serve(world, autoscaling=SCALING)
    scaled(world, status, 2)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    assert settled(world)["variants"][0]["instanceType"] == "ml.m5.xlarge"
    until(lambda: bounds(world) == {resource(status): (1, 4)}, "the target to be registered again")
    assert len(made(world, "scalable-targets")[resource(status)]["policies"]) == 1
    assert counts(world) == {"AllTraffic": 2}


def test_an_autoscaled_variant_is_dropped(world: World, operator: OperatorProcess) -> None:
    a, b = variant(world, "a", autoscaling=SCALING), variant(world, "b", "other", autoscaling=SCALING)
    status = serve_variants(world, a, b)
    both = {resource(status, "a"): (1, 4), resource(status, "b"): (1, 4)}
    until(lambda: bounds(world) == both, "two targets", state=lambda: bounds(world))
    edit_variants(world, a)
    assert bounds(world) == {resource(status, "a"): (1, 4)}


def test_an_autoscaled_count_is_no_drift(world: World, start: Start) -> None:
    start("--guard-interval", "1")
    status = serve(world, autoscaling=SCALING)
    scaled(world, status, 3)
    until(lambda: world.status("cep", NAME)["instanceCount"] == 3, "the status to say so")
    later(world)
    assert counts(world) == {"AllTraffic": 3}
    assert world.calls("UpdateEndpointWeightsAndCapacities") == 0
    assert settled(world)["endpointConfigName"] == status["endpointConfigName"]


def test_a_suspended_endpoint_has_no_target(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(deregister_with_endpoint=False)
    status = serve(world, autoscaling=SCALING)
    until(lambda: resource(status) in bounds(world), "the target")
    world.patch_spec("cep", NAME, {"suspend": True})
    world.wait_for("cep", NAME, "Suspended")
    assert world.remaining() == []


def test_a_retained_endpoint_keeps_its_target(world: World, operator: OperatorProcess) -> None:
    status = serve(world, autoscaling=SCALING, deletionPolicy="Retain")
    until(lambda: resource(status) in bounds(world), "the target")
    world.delete("cep", NAME)
    assert bounds(world) == {resource(status): (1, 4)}


# Serverless


def of_serverless(world: World, memory: int = 2048, concurrency: int = 5, **changes: Any) -> Json:
    fields = {"instanceType": None, "instanceCount": None}
    config = {"memorySizeMB": memory, "maxConcurrency": concurrency}
    return of_model(world, **{**fields, "serverless": config, **changes})


def serverless_config(world: World) -> Json:
    shown: Json = live_variants(world)["AllTraffic"]["CurrentServerlessConfig"]
    return shown


def test_serverless_is_created_updated_and_deleted(world: World, operator: OperatorProcess) -> None:
    world.apply(of_serverless(world))
    before = settled(world)
    assert serverless_config(world) == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert {"InstanceType", "InitialInstanceCount"} & set(live_config(world)["ProductionVariants"][0]) == set()
    world.patch_spec("cep", NAME, {"serverless": {"memorySizeMB": 4096, "maxConcurrency": 10}})
    after = settled(world)
    assert serverless_config(world) == {"MemorySizeInMB": 4096, "MaxConcurrency": 10}
    assert after["endpointConfigName"] != before["endpointConfigName"]
    until(lambda: len(world.remaining()) == 3, "the old configuration to be deleted")
    world.delete("cep", NAME)
    assert world.remaining() == []


def test_serverless_gets_instances(world: World, operator: OperatorProcess) -> None:
    world.apply(of_serverless(world))
    settled(world)
    world.patch_spec("cep", NAME, {"serverless": None, "instanceType": "ml.m5.large", "instanceCount": 2})
    assert settled(world)["instanceCount"] == 2


def test_what_aws_refuses_of_serverless_leaves_what_serves(world: World, operator: OperatorProcess) -> None:
    before = serve(world)
    config = {"memorySizeMB": 2048, "maxConcurrency": 5}
    world.patch_spec("cep", NAME, {"serverless": config, "instanceType": None, "instanceCount": None})
    assert "cannot be updated to a serverless endpoint" in stalled(world, "InvalidSpec")["message"]
    status = world.status("cep", NAME)
    assert reason_of(status, "Ready") == "ServingPrevious"
    assert live(world)["EndpointConfigName"] == before["endpointConfigName"]


# Data capture


def test_data_capture_is_turned_on_and_off(world: World, operator: OperatorProcess) -> None:
    uri = f"s3://{BUCKET}/captured"
    before = serve(world, dataCapture={"s3Uri": uri, "samplingPercent": 20, "modes": ["Input"], "kmsKeyId": "key"})
    shown = live_config(world)["DataCaptureConfig"]
    assert (shown["InitialSamplingPercentage"], shown["DestinationS3Uri"], shown["KmsKeyId"]) == (20, uri, "key")
    assert shown["CaptureOptions"] == [{"CaptureMode": "Input"}]
    assert live(world)["DataCaptureConfig"]["CaptureStatus"] == "Started"
    world.patch_spec("cep", NAME, {"dataCapture": None})
    assert settled(world)["endpointConfigName"] != before["endpointConfigName"]
    assert "DataCaptureConfig" not in live(world)


# Rollouts


def percent(value: int) -> Json:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def asked(world: World) -> Json:
    """The last UpdateEndpoint's request."""
    request: Json = world.aws.calls("UpdateEndpoint")[-1]["request"]
    return request


@pytest.mark.parametrize(
    ("rollout", "policy"),
    [
        pytest.param(
            {"type": "BlueGreen", "traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 60}},
            {"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": percent(10)},
            id="canary",
        ),
        pytest.param(
            {"type": "BlueGreen", "traffic": {"type": "Linear", "sizePercent": 50, "waitSeconds": 60}},
            {"Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": percent(50)},
            id="linear",
        ),
        pytest.param(
            {"type": "BlueGreen", "traffic": {"type": "AllAtOnce", "waitSeconds": 60}},
            {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60},
            id="all at once",
        ),
    ],
)
def test_a_blue_green_rollout(world: World, operator: OperatorProcess, rollout: Json, policy: Json) -> None:
    serve(world, rollout=rollout)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    settled(world)
    assert asked(world)["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == policy
    assert live(world)["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == policy


def test_a_rolling_rollout(world: World, operator: OperatorProcess) -> None:
    rollout = {"type": "Rolling", "traffic": {"sizePercent": 50, "waitSeconds": 30}, "timeoutSeconds": 3600}
    serve(world, instanceCount=2, rollout=rollout)
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    settled(world)
    assert asked(world)["DeploymentConfig"]["RollingUpdatePolicy"] == {
        "MaximumBatchSize": percent(50),
        "WaitIntervalInSeconds": 30,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }


def test_another_rollout_alone_changes_nothing_at_aws(world: World, operator: OperatorProcess) -> None:
    before = serve(world)
    rollout = {"type": "BlueGreen", "traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 60}}
    world.patch_spec("cep", NAME, {"rollout": rollout})
    assert settled(world)["endpointConfigName"] == before["endpointConfigName"]
    assert world.calls("UpdateEndpoint") == 0


def ring(world: World, state: str) -> None:
    """Put the alarm `high-5xx` into a state."""
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="high-5xx",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName="high-5xx", StateValue=state, StateReason="test")


def test_an_alarm_rolls_back(world: World, operator: OperatorProcess) -> None:
    ring(world, "OK")
    traffic = {"type": "Canary", "sizePercent": 10, "waitSeconds": 3600}
    before = serve(world, rollout={"type": "BlueGreen", "traffic": traffic, "alarms": ["high-5xx"]})
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    until(lambda: world.calls("UpdateEndpoint") == 1, "the update to begin")
    alarms = asked(world)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert alarms == [{"AlarmName": "high-5xx"}]
    ring(world, "ALARM")
    assert "high-5xx" in stalled(world, "RolledBack")["message"]
    assert live(world)["EndpointConfigName"] == before["endpointConfigName"]
    assert world.calls("UpdateEndpoint") == 1


def test_alarms_alone_are_a_rollout(world: World, operator: OperatorProcess) -> None:
    ring(world, "OK")
    serve(world, rollout={"type": "BlueGreen", "alarms": ["high-5xx"]})
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    settled(world)
    assert asked(world)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": "high-5xx"}]


def test_a_rollout_that_takes_too_long_is_rolled_back(world: World, operator: OperatorProcess) -> None:
    traffic = {"type": "Linear", "sizePercent": 10, "waitSeconds": 100}
    serve(world, rollout={"type": "BlueGreen", "traffic": traffic, "timeoutSeconds": 600})
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    assert "MaximumExecutionTimeoutInSeconds" in stalled(world, "RolledBack")["message"]
    assert asked(world)["DeploymentConfig"]["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 600


def test_a_rollout_with_other_variants_has_no_guardrails(world: World, operator: OperatorProcess) -> None:
    traffic = {"type": "Canary", "sizePercent": 10, "waitSeconds": 60}
    rollout = {"type": "BlueGreen", "traffic": traffic}
    serve_variants(world, variant(world, "a"), variant(world, "b", "other"), rollout=rollout)
    edit_variants(world, variant(world, "a"), variant(world, "c", "other"))
    assert "DeploymentConfig" not in asked(world)
    assert set(weights(world)) == {"a", "c"}


# Adoption


@pytest.mark.parametrize("tags", [{}, {"team": "theirs"}], ids=["without tags", "with tags"])
@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_a_strangers_endpoint_is_adopted(
    world: World, operator: OperatorProcess, tags: dict[str, str], policy: str
) -> None:
    strangers_endpoint(world, "theirs", tags)
    world.apply(adopting(of_model(world, instanceType="ml.c5.xlarge", deletionPolicy=policy), "theirs"))
    status = settled(world)
    endpoint = made(world, "endpoints")["theirs"]
    assert status["endpointName"] == "theirs"
    assert endpoint["tags"].items() >= {UID_TAG: world.get("cep", NAME)["metadata"]["uid"], **tags}.items()
    assert live(world)["EndpointConfigName"] == status["endpointConfigName"] != "theirs"
    assert live_config(world)["ProductionVariants"][0]["InstanceType"] == "ml.c5.xlarge"
    assert world.calls("CreateEndpoint") == 1  # theirs
    assert {"theirs", status["endpointConfigName"]} == set(made(world, "endpoint-configs"))
    world.delete("cep", NAME)
    left = world.remaining()
    assert (("endpoints", "theirs", "InService") in left) is (policy == "Retain")
    assert {("endpoint-configs", "theirs", ""), ("models", "theirs", "")} <= set(left)


def test_an_adopted_endpoint_of_another_shape(world: World, operator: OperatorProcess) -> None:
    client = world.client("sagemaker")
    config = strangers_config(world, "theirs", VariantName="their-variant", InitialInstanceCount=3)
    client.create_endpoint(EndpointName="theirs", EndpointConfigName=config)
    until(lambda: made(world, "endpoints")["theirs"]["status"] == "InService", "theirs to be in service")
    rollout = {"type": "BlueGreen", "traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 60}}
    world.apply(adopting(of_model(world, rollout=rollout), "theirs"))
    settled(world)
    assert counts(world) == {"AllTraffic": 1}


def test_somebody_elses_endpoint_is_not_adopted(world: World, operator: OperatorProcess) -> None:
    owner = {UID_TAG: "another", "classifiers.sagemaker.dev/object": "ClassifierEndpoint/elsewhere/other"}
    strangers_endpoint(world, "theirs", owner)
    before = made(world, "endpoints")
    world.apply(adopting(of_model(world), "theirs"))
    assert "ClassifierEndpoint/elsewhere/other" in stalled(world, "NameTaken")["message"]
    assert (made(world, "endpoints"), world.calls("UpdateEndpoint")) == (before, 0)
    world.delete("cep", NAME)
    assert made(world, "endpoints") == before


def test_an_endpoint_that_does_not_exist_is_not_adopted(world: World, operator: OperatorProcess) -> None:
    world.apply(adopting(of_model(world), "theirs"))
    until(lambda: condition(world.status("cep", NAME), "Stalled"), "the object to be stalled")
    assert "theirs" in condition(world.status("cep", NAME), "Stalled")["message"]
    assert world.calls("CreateEndpoint") == 0
    world.delete("cep", NAME)
    assert world.remaining() == []


def test_an_adopted_endpoint_survives_a_restart(world: World, start: Start) -> None:
    operator = start()
    strangers_endpoint(world, "theirs")
    world.apply(adopting(of_model(world), "theirs"))
    before = settled(world)
    operator.kill()
    start()
    world.patch_spec("cep", NAME, {"instanceType": "ml.c5.xlarge"})
    after = settled(world)
    assert (after["endpointName"], world.calls("CreateEndpoint")) == (before["endpointName"], 1)


def strangers_model(world: World, name: str = "their-model", image: str = IMAGE, archive: str = "model") -> None:
    container = {"Image": image, "ModelDataUrl": artifact(world, archive)}
    world.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_a_strangers_model_is_adopted(world: World, operator: OperatorProcess) -> None:
    strangers_model(world)
    world.apply(adopting(of_model(world), "their-model"))
    status = settled(world)
    assert models(status) == {"AllTraffic": "their-model"}
    assert live_config(world)["ProductionVariants"][0]["ModelName"] == "their-model"
    assert UID_TAG in made(world, "models")["their-model"]["tags"]
    assert world.calls("CreateModel") == 1  # theirs
    world.delete("cep", NAME)
    assert [name for kind, name, *_ in world.remaining() if kind == "models"] == ["their-model"]
    assert [kind for kind, *_ in world.remaining()] == ["models"]
    assert UID_TAG not in made(world, "models")["their-model"]["tags"]


@pytest.mark.parametrize("other", [{"image": f"{IMAGE}-2"}, {"archive": "other"}], ids=["image", "artifact"])
def test_a_strangers_model_of_other_content_is_not_adopted(
    world: World, operator: OperatorProcess, other: dict[str, str]
) -> None:
    strangers_model(world, **other)
    before = made(world, "models")
    world.apply(adopting(of_model(world), "their-model"))
    assert "their-model" in stalled(world, "InvalidSpec")["message"]
    assert (made(world, "models"), world.calls("CreateEndpoint")) == (before, 0)
    world.delete("cep", NAME)
    assert made(world, "models") == before


def test_adoption_is_an_event(world: World, operator: OperatorProcess) -> None:
    strangers_endpoint(world, "theirs")
    world.apply(adopting(of_model(world), "theirs"))
    settled(world)
    assert any("theirs" in note for note in notes(world))
