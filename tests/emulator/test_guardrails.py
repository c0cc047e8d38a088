"""What a DeploymentConfig may ask for, and what AWS makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control
from tests.emulator.builders import create_config, create_model, refusal, serverless, variant

HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}


def blue_green(kind: str = "ALL_AT_ONCE", wait: int = 100, **members: Any) -> dict[str, Any]:
    """A blue/green policy; sizes go to the traffic's routing."""
    sizes = {name: value for name, value in members.items() if name.endswith("Size")}
    others = {name: value for name, value in members.items() if name not in sizes}
    traffic = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, **others}}


def rolling(size: dict[str, Any] = HALF, wait: int = 100, **members: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait, **members}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


def deploy(sagemaker: Any, control: Control, *variants: dict[str, Any]) -> None:
    """An endpoint in service, and a configuration `next` of the same variants."""
    create_model(sagemaker)
    create_config(sagemaker, "config", *variants)
    create_config(sagemaker, "next", *variants)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(300)


def update(sagemaker: Any, policy: dict[str, Any]) -> None:
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next", DeploymentConfig=policy)


def describe(sagemaker: Any) -> dict[str, Any]:
    return dict(sagemaker.describe_endpoint(EndpointName="endpoint"))


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        pytest.param({}, 300, id="none"),
        pytest.param(blue_green(), 400, id="all-at-once"),
        pytest.param(blue_green(TerminationWaitInSeconds=50), 450, id="termination-wait"),
        pytest.param(blue_green("CANARY", CanarySize=percent(10)), 500, id="canary"),
        pytest.param(blue_green("CANARY", CanarySize=instances(2)), 500, id="canary-instances"),
        pytest.param(blue_green("LINEAR", LinearStepSize=percent(25)), 700, id="linear"),
        pytest.param(rolling(percent(25)), 700, id="rolling"),
        pytest.param(rolling(instances(2), RollbackMaximumBatchSize=percent(100)), 500, id="rolling-instances"),
    ],
)
def test_policy(sagemaker: Any, control: Control, policy: dict[str, Any], seconds: int) -> None:
    deploy(sagemaker, control, variant(InitialInstanceCount=4))
    update(sagemaker, policy)
    control.advance(seconds - 1)
    assert describe(sagemaker)["EndpointStatus"] == "Updating"
    control.advance(1)
    assert describe(sagemaker)["EndpointStatus"] == "InService"
    assert describe(sagemaker).get("LastDeploymentConfig", {}) == policy


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        pytest.param({**rolling(), **blue_green()}, "Specify only one of", id="both"),
        pytest.param(blue_green("CANARY"), "type CANARY requires a CanarySize", id="canary-without-size"),
        pytest.param(blue_green("LINEAR"), "type LINEAR requires a LinearStepSize", id="linear-without-size"),
        pytest.param(blue_green(CanarySize=HALF), "ALL_AT_ONCE does not take a CanarySize", id="size-too-many"),
        pytest.param(blue_green("CANARY", CanarySize=percent(51)), "from 0% to 50%", id="canary-too-large"),
        pytest.param(blue_green("CANARY", CanarySize=instances(3)), "from 0% to 50%", id="canary-instances"),
        pytest.param(blue_green("LINEAR", LinearStepSize=percent(9)), "from 10% to 50%", id="linear-too-small"),
        pytest.param(rolling(percent(51)), "from 5% to 50%", id="batch-too-large"),
        pytest.param(rolling(instances(3)), "from 5% to 50%", id="batch-instances"),
        pytest.param(blue_green(wait=3601), "less than or equal to 3600", id="wait"),
        pytest.param(rolling(MaximumExecutionTimeoutInSeconds=599), "greater than or equal to 600", id="time-out"),
        pytest.param(
            blue_green(wait=400, TerminationWaitInSeconds=200, MaximumExecutionTimeoutInSeconds=600),
            "must be larger than the waiting time of 600 s",
            id="time-out-below-waits",
        ),
    ],
)
def test_policy_that_is_refused(sagemaker: Any, control: Control, policy: dict[str, Any], words: str) -> None:
    deploy(sagemaker, control, variant(InitialInstanceCount=4))
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next", "DeploymentConfig": policy}
    code, message = refusal(sagemaker.update_endpoint, **params)
    assert (code, words in message) == ("ValidationException", True), message


@pytest.mark.parametrize(
    "variants", [[variant("a"), variant("b")], [serverless()]], ids=["several-variants", "serverless"]
)
def test_endpoint_that_cannot_be_rolled(sagemaker: Any, control: Control, variants: list[dict[str, Any]]) -> None:
    deploy(sagemaker, control, *variants)
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next", "DeploymentConfig": rolling()}
    assert "Rolling deployments are not supported" in refusal(sagemaker.update_endpoint, **params)[1]


@pytest.mark.parametrize(
    "changes", [{"AcceleratorType": "ml.eia1.medium"}, {"InstanceType": "ml.inf1.xlarge"}], ids=["accelerator", "inf1"]
)
def test_endpoint_that_gets_all_traffic_at_once(sagemaker: Any, control: Control, changes: dict[str, str]) -> None:
    control.change_settings(elastic_inference={"available": True})
    deploy(sagemaker, control, variant(**changes))
    update(sagemaker, blue_green("CANARY", CanarySize=HALF))
    control.advance(300)
    assert describe(sagemaker)["EndpointStatus"] == "InService"
    assert "LastDeploymentConfig" not in describe(sagemaker)


def test_update_that_takes_too_long_is_rolled_back(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, variant(InitialInstanceCount=4))
    update(sagemaker, blue_green("LINEAR", LinearStepSize=percent(10), MaximumExecutionTimeoutInSeconds=600))
    control.advance(600)
    assert describe(sagemaker)["EndpointStatus"] == "RollingBack"
    control.advance(120)
    assert (describe(sagemaker)["EndpointStatus"], describe(sagemaker)["EndpointConfigName"]) == ("InService", "config")
    assert "MaximumExecutionTimeoutInSeconds" in describe(sagemaker)["FailureReason"]


def test_last_policy_is_used_again(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, variant(InitialInstanceCount=4))
    update(sagemaker, blue_green())
    control.advance(400)
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="config", RetainDeploymentConfig=True)
    control.advance(399)
    assert describe(sagemaker)["EndpointStatus"] == "Updating"
