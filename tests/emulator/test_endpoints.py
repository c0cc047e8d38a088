"""Endpoints over HTTP: states by the clock, refusals with their words, updates and rollbacks."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator import errors
from sagemaker_emulator.control import Control
from tests.emulator.builders import arn, create_config, create_model, refusal, variant

ARN = arn("endpoint", "endpoint")
IN_PROGRESS = ("ValidationException", f'Cannot update in-progress endpoint "{ARN}".')


def describe(sagemaker: Any) -> dict[str, Any]:
    return dict(sagemaker.describe_endpoint(EndpointName="endpoint"))


def state(sagemaker: Any) -> tuple[str, str]:
    shown = describe(sagemaker)
    return shown["EndpointStatus"], shown["EndpointConfigName"]


def update(sagemaker: Any, config: str = "next", **params: Any) -> None:
    if config == "next":
        create_config(sagemaker, "next", variant(InitialInstanceCount=2))
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName=config, **params)


def test_creation(sagemaker: Any, control: Control) -> None:
    create_model(sagemaker)
    create_config(sagemaker)
    assert sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")["EndpointArn"] == ARN
    shown = describe(sagemaker)
    assert "ProductionVariants" not in shown
    (pending,) = shown["PendingDeploymentSummary"]["ProductionVariants"]
    assert (pending["DesiredInstanceCount"], pending["VariantStatus"][0]["Status"]) == (1, "Creating")
    control.advance(299)
    assert state(sagemaker) == ("Creating", "config")
    control.advance(1)
    assert state(sagemaker) == ("InService", "config")
    assert "PendingDeploymentSummary" not in describe(sagemaker)


def test_variants_in_service(sagemaker: Any, endpoint: str) -> None:
    shown = describe(sagemaker)["ProductionVariants"][0]
    assert (shown["CurrentWeight"], shown["DesiredWeight"]) == (1.0, 1.0)
    assert (shown["CurrentInstanceCount"], shown["DesiredInstanceCount"]) == (1, 1)
    assert shown["DeployedImages"][0]["SpecifiedImage"].endswith("something-else:1")


@pytest.mark.parametrize("operation", ["describe_endpoint", "delete_endpoint"])
def test_unknown_endpoint(sagemaker: Any, operation: str) -> None:
    message = f'Could not find endpoint "{ARN}".'
    assert refusal(getattr(sagemaker, operation), EndpointName="endpoint") == ("ValidationException", message)


def test_creation_without_a_configuration(sagemaker: Any) -> None:
    message = f'Could not find endpoint configuration "{arn("endpoint-config", "none")}".'
    params = {"EndpointName": "endpoint", "EndpointConfigName": "none"}
    assert refusal(sagemaker.create_endpoint, **params) == ("ValidationException", message)


@pytest.mark.parametrize("also_deleting", [False, True], ids=["in-service", "still-deleting"])
def test_name_is_taken(sagemaker: Any, endpoint: str, also_deleting: bool) -> None:
    if also_deleting:
        sagemaker.delete_endpoint(EndpointName="endpoint")
    params = {"EndpointName": "endpoint", "EndpointConfigName": "config"}
    message = f'Cannot create already existing endpoint "{ARN}".'
    assert refusal(sagemaker.create_endpoint, **params) == ("ValidationException", message)


def test_deletion_takes_a_while(sagemaker: Any, control: Control, endpoint: str) -> None:
    sagemaker.delete_endpoint(EndpointName="endpoint")
    assert state(sagemaker)[0] == "Deleting"
    assert refusal(sagemaker.delete_endpoint, EndpointName="endpoint") == IN_PROGRESS
    control.advance(30)
    assert "Could not find endpoint" in refusal(sagemaker.describe_endpoint, EndpointName="endpoint")[1]


def test_nothing_may_change_while_creating(sagemaker: Any) -> None:
    create_model(sagemaker)
    create_config(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    assert_refuses_changes(sagemaker)


def test_nothing_may_change_while_updating(sagemaker: Any, endpoint: str) -> None:
    update(sagemaker)
    assert_refuses_changes(sagemaker)


def test_nothing_may_change_while_rolling_back(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.order("update", "roll_back")
    update(sagemaker)
    control.advance(301)
    assert state(sagemaker)[0] == "RollingBack"
    assert_refuses_changes(sagemaker)


def test_nothing_may_change_while_system_updating(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_endpoint_status("endpoint", "SystemUpdating")
    assert_refuses_changes(sagemaker)


def test_nothing_may_change_in_a_status_nobody_knows(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_endpoint_status("endpoint", "Migrating", "AWS had an idea.")
    assert (state(sagemaker)[0], describe(sagemaker)["FailureReason"]) == ("Migrating", "AWS had an idea.")
    assert_refuses_changes(sagemaker)
    control.set_endpoint_status("endpoint", "InService")
    assert "FailureReason" not in describe(sagemaker)
    update(sagemaker)


def assert_refuses_changes(sagemaker: Any) -> None:
    name = {"EndpointName": "endpoint"}
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    assert refusal(sagemaker.delete_endpoint, **name) == IN_PROGRESS
    assert refusal(sagemaker.update_endpoint, **name, EndpointConfigName="config") == IN_PROGRESS
    scale = sagemaker.update_endpoint_weights_and_capacities
    assert refusal(scale, **name, DesiredWeightsAndCapacities=wanted) == IN_PROGRESS


def test_update(sagemaker: Any, control: Control, endpoint: str) -> None:
    update(sagemaker)
    shown = describe(sagemaker)
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("Updating", "config")
    pending = shown["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "next"
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Creating"
    control.advance(300)
    assert state(sagemaker) == ("InService", "next")
    assert describe(sagemaker)["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_update_to_an_unknown_configuration(sagemaker: Any, endpoint: str) -> None:
    message = f'Could not find endpoint configuration "{arn("endpoint-config", "none")}".'
    params = {"EndpointName": "endpoint", "EndpointConfigName": "none"}
    assert refusal(sagemaker.update_endpoint, **params) == ("ValidationException", message)


def test_update_after_the_current_configuration_was_deleted(sagemaker: Any, endpoint: str) -> None:
    create_config(sagemaker, "next")
    sagemaker.delete_endpoint_config(EndpointConfigName="config")
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next"}
    message = f'Could not find endpoint configuration "{arn("endpoint-config", "config")}".'
    assert refusal(sagemaker.update_endpoint, **params) == ("ValidationException", message)


@pytest.mark.parametrize("reason", ["", "The new fleet did not pass its health check."], ids=["silent", "with-reason"])
def test_rollback(sagemaker: Any, control: Control, endpoint: str, reason: str) -> None:
    control.order("update", "roll_back", reason, after_seconds=100)
    update(sagemaker)
    control.advance(100)
    assert state(sagemaker) == ("RollingBack", "config")
    control.advance(120)
    assert state(sagemaker) == ("InService", "config")
    assert describe(sagemaker).get("FailureReason", "") == reason


def test_rollback_that_fails(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.order("update", "rollback_fails", "No capacity.")
    update(sagemaker)
    control.advance(600)
    assert state(sagemaker)[0] == "UpdateRollbackFailed"
    update(sagemaker, "config")
    control.advance(300)
    assert state(sagemaker) == ("InService", "config")


def test_alarm_rolls_an_update_back(sagemaker: Any, clients: Any, control: Control, endpoint: str) -> None:
    raise_alarm(clients("cloudwatch"), "OK")
    policy = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    update(sagemaker, DeploymentConfig=policy)
    control.advance(60)
    assert state(sagemaker)[0] == "Updating"
    raise_alarm(clients("cloudwatch"), "ALARM")
    control.advance(30)
    assert state(sagemaker)[0] == "RollingBack"
    control.advance(120)
    assert state(sagemaker) == ("InService", "config")
    assert "errors" in describe(sagemaker)["FailureReason"]


def raise_alarm(cloudwatch: Any, value: str) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue=value, StateReason="test")


def test_canary_bakes_before_it_goes_on(sagemaker: Any, control: Control, endpoint: str) -> None:
    size = {"Type": "CAPACITY_PERCENT", "Value": 10}
    traffic = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": 200}
    update(sagemaker, DeploymentConfig={"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic}})
    control.advance(301)
    pending = describe(sagemaker)["PendingDeploymentSummary"]["ProductionVariants"][0]
    assert (pending["VariantStatus"][0]["Status"], pending["CurrentWeight"]) == ("Baking", pytest.approx(0.1))
    control.advance(400)
    assert state(sagemaker) == ("InService", "next")
    assert describe(sagemaker)["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]


@pytest.mark.parametrize(
    ("variants", "policy", "words"),
    [
        pytest.param(
            [variant("Other")],
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
                }
            },
            "Variant names must be the same",
            id="names",
        ),
    ],
)
def test_deployment_that_guardrails_exclude(
    sagemaker: Any, endpoint: str, variants: list[Any], policy: Any, words: str
) -> None:
    create_config(sagemaker, "next", *variants)
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next", "DeploymentConfig": policy}
    assert words in refusal(sagemaker.update_endpoint, **params)[1]


def test_scaling_in_place(sagemaker: Any, control: Control, endpoint: str) -> None:
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="endpoint", DesiredWeightsAndCapacities=wanted)
    shown = describe(sagemaker)
    assert shown["EndpointStatus"] == "Updating"
    assert shown["ProductionVariants"][0]["DesiredInstanceCount"] == 3
    control.advance(120)
    shown = describe(sagemaker)["ProductionVariants"][0]
    assert (shown["CurrentInstanceCount"], shown["CurrentWeight"]) == (3, 1.0)


def test_scaling_of_an_unknown_variant(sagemaker: Any, endpoint: str) -> None:
    params = {"EndpointName": "endpoint", "DesiredWeightsAndCapacities": [{"VariantName": "Other"}]}
    message = refusal(sagemaker.update_endpoint_weights_and_capacities, **params)[1]
    assert '"Other" is/are not present' in message


def test_scaling_that_names_a_variant_twice(sagemaker: Any, endpoint: str) -> None:
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count} for count in (2, 3)]
    params = {"EndpointName": "endpoint", "DesiredWeightsAndCapacities": wanted}
    message = 'The variant name "AllTraffic" was non-unique within the request.'
    assert refusal(sagemaker.update_endpoint_weights_and_capacities, **params) == ("ValidationException", message)
    assert state(sagemaker)[0] == "InService"


@pytest.mark.parametrize(
    ("params", "count"),
    [
        pytest.param({}, 2, id="reset"),
        pytest.param({"RetainAllVariantProperties": True}, 3, id="retained"),
        pytest.param(
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            2,
            id="excluded",
        ),
    ],
)
def test_counts_across_an_update(
    sagemaker: Any, control: Control, endpoint: str, params: dict[str, Any], count: int
) -> None:
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="endpoint", DesiredWeightsAndCapacities=wanted)
    control.advance(120)
    update(sagemaker, **params)
    control.advance(300)
    assert describe(sagemaker)["ProductionVariants"][0]["DesiredInstanceCount"] == count


def test_weights_across_an_update(sagemaker: Any, control: Control, endpoint: str) -> None:
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 7.0}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="endpoint", DesiredWeightsAndCapacities=wanted)
    control.advance(120)
    excluded = [{"VariantPropertyType": "DesiredWeight"}]
    update(sagemaker, RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=excluded)
    control.advance(300)
    shown = describe(sagemaker)["ProductionVariants"][0]
    assert (shown["CurrentInstanceCount"], shown["CurrentWeight"]) == (3, 1.0)


def test_a_variant_that_is_new_has_nothing_to_retain(sagemaker: Any, control: Control, endpoint: str) -> None:
    create_config(sagemaker, "next", variant(), variant("added", InitialInstanceCount=2, InitialVariantWeight=3.0))
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next", "RetainAllVariantProperties": True}
    sagemaker.update_endpoint(**params)
    control.advance(300)
    added = describe(sagemaker)["ProductionVariants"][1]
    assert (added["CurrentInstanceCount"], added["CurrentWeight"]) == (2, 3.0)


def test_ordered_failure_of_a_creation(sagemaker: Any, control: Control) -> None:
    control.order("creation", "fail", "No space left.", after_seconds=60)
    create_model(sagemaker)
    create_config(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(60)
    assert (state(sagemaker)[0], describe(sagemaker)["FailureReason"]) == ("Failed", "No space left.")


def test_failed_endpoint_can_only_be_deleted(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_endpoint_status("endpoint", "Failed", "Ordered.")
    params = {"EndpointName": "endpoint", "EndpointConfigName": "config"}
    assert refusal(sagemaker.update_endpoint, **params)[0] == "ValidationException"
    sagemaker.delete_endpoint(EndpointName="endpoint")


def test_out_of_service(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_endpoint_status("endpoint", "OutOfService")
    assert state(sagemaker)[0] == "OutOfService"
    sagemaker.delete_endpoint(EndpointName="endpoint")


def test_capacity_shortage_fails_a_creation_late(sagemaker: Any, control: Control) -> None:
    control.set_shortage("ml.m4.xlarge", "endpoint")
    create_model(sagemaker)
    create_config(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(1440)
    assert describe(sagemaker)["FailureReason"] == errors.CAPACITY_FAILURE


def test_capacity_shortage_rolls_an_update_back(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_shortage("ml.m4.xlarge", "endpoint")
    update(sagemaker)
    control.advance(600)
    assert state(sagemaker) == ("InService", "config")
    assert describe(sagemaker)["FailureReason"] == errors.CAPACITY_FAILURE


def test_quota_counts_both_fleets_of_an_update(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_quota("ml.m4.xlarge", "endpoint", 2)
    create_config(sagemaker, "next", variant(InitialInstanceCount=2))
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next"}
    code, message = refusal(sagemaker.update_endpoint, **params)
    assert code == "ResourceLimitExceeded"
    assert "'ml.m4.xlarge for endpoint usage' is 2 Instances, with current utilization of 1 Instances" in message


def test_quota_of_scaling_counts_the_difference(sagemaker: Any, control: Control, endpoint: str) -> None:
    control.set_quota("ml.m4.xlarge", "endpoint", 2)
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="endpoint", DesiredWeightsAndCapacities=wanted)


def test_artifact_that_is_gone_fails_the_endpoint(sagemaker: Any, s3: Any, control: Control) -> None:
    s3.put_object(Bucket="models", Key="m.tar.gz", Body=b"model")
    create_model(sagemaker, ModelDataUrl="s3://models/m.tar.gz")
    create_config(sagemaker)
    s3.delete_object(Bucket="models", Key="m.tar.gz")
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(1440)
    shown = describe(sagemaker)
    assert shown["EndpointStatus"] == "Failed"
    assert shown["FailureReason"].startswith(" Failed to download model data for container")


@pytest.mark.parametrize("refused_at", ["CreateEndpoint", "Endpoint"])
def test_accelerator_refused_later(sagemaker: Any, control: Control, refused_at: str) -> None:
    control.change_settings(elastic_inference={"refused_at": refused_at})
    create_model(sagemaker)
    create_config(sagemaker, "config", variant(AcceleratorType="ml.eia1.large"))
    params = {"EndpointName": "endpoint", "EndpointConfigName": "config"}
    if refused_at == "CreateEndpoint":
        assert "ml.eia1.large" in refusal(sagemaker.create_endpoint, **params)[1]
    else:
        sagemaker.create_endpoint(**params)
        control.advance(1440)
        assert "ml.eia1.large" in describe(sagemaker)["FailureReason"]


@pytest.mark.parametrize("refused_at", ["CreateEndpointConfig", "CreateEndpoint", "Endpoint"])
def test_one_of_two_accelerators_is_refused(sagemaker: Any, control: Control, refused_at: str) -> None:
    control.change_settings(elastic_inference={"refused_at": refused_at, "available_types": ["ml.eia1.medium"]})
    create_model(sagemaker)
    both = [variant("a", AcceleratorType="ml.eia1.medium"), variant("b", AcceleratorType="ml.eia2.xlarge")]
    message = errors.accelerator_refused("ml.eia2.xlarge").message
    if refused_at == "CreateEndpointConfig":
        params = {"EndpointConfigName": "config", "ProductionVariants": both}
        assert refusal(sagemaker.create_endpoint_config, **params)[1] == message
        return
    create_config(sagemaker, "config", *both)
    params = {"EndpointName": "endpoint", "EndpointConfigName": "config"}
    if refused_at == "CreateEndpoint":
        assert refusal(sagemaker.create_endpoint, **params)[1] == message
    else:
        sagemaker.create_endpoint(**params)
        control.advance(1440)
        assert describe(sagemaker)["FailureReason"] == message


def test_accelerators_that_work(sagemaker: Any, control: Control) -> None:
    control.change_settings(elastic_inference={"available_types": ["ml.eia1.medium", "ml.eia2.large"]})
    create_model(sagemaker)
    both = [variant("a", AcceleratorType="ml.eia1.medium"), variant("b", AcceleratorType="ml.eia2.large")]
    create_config(sagemaker, "config", *both)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(300)
    assert state(sagemaker)[0] == "InService"
