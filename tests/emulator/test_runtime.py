"""Invocations: which variant answers, and refusals. Real answers are in test_training_work."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from sagemaker_emulator.control import Control
from sagemaker_emulator.endpoint_states import Pending, Phase, Served, Variant
from sagemaker_emulator.runtime import fleet
from tests.emulator.builders import ACCOUNT, create_config, create_model, refusal, serverless, variant


def invoke(runtime: Any, **params: Any) -> str:
    """The variant that answered."""
    answer = runtime.invoke_endpoint(EndpointName="endpoint", Body=b"x", ContentType="image/png", **params)
    assert answer["Body"].read() == b"[1.0]"
    return str(answer["InvokedProductionVariant"])


def deploy(sagemaker: Any, control: Control, *variants: dict[str, Any]) -> None:
    create_model(sagemaker)
    create_config(sagemaker, "config", *variants)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(300)


def test_answer(runtime: Any, endpoint: str) -> None:
    assert invoke(runtime) == "AllTraffic"


def test_custom_attributes_come_back(runtime: Any, endpoint: str) -> None:
    answer = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x", CustomAttributes="trace=1")
    assert answer["CustomAttributes"] == "trace=1"


@pytest.mark.parametrize("status", ["", "OutOfService", "Failed"], ids=["unknown", "out-of-service", "failed"])
def test_endpoint_that_does_not_serve(sagemaker: Any, runtime: Any, control: Control, status: str) -> None:
    if status:
        deploy(sagemaker, control)
        control.set_endpoint_status("endpoint", status)
    params = {"EndpointName": "endpoint", "Body": b"x"}
    message = f"Endpoint endpoint of account {ACCOUNT} not found."
    assert refusal(runtime.invoke_endpoint, **params) == ("ValidationError", message)


def test_endpoint_that_is_being_created(sagemaker: Any, runtime: Any) -> None:
    create_model(sagemaker)
    create_config(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    assert refusal(runtime.invoke_endpoint, EndpointName="endpoint", Body=b"x")[0] == "ValidationError"


@pytest.mark.parametrize("status", ["SystemUpdating", "UpdateRollbackFailed"])
def test_endpoint_that_serves_although_not_in_service(
    runtime: Any, control: Control, endpoint: str, status: str
) -> None:
    control.set_endpoint_status(endpoint, status)
    assert invoke(runtime) == "AllTraffic"


def test_weights_split_the_calls(sagemaker: Any, runtime: Any, control: Control) -> None:
    deploy(
        sagemaker, control, variant("champion", InitialVariantWeight=3), variant("challenger", InitialVariantWeight=1)
    )
    assert Counter(invoke(runtime) for _ in range(20)) == {"champion": 15, "challenger": 5}


def test_target_variant(sagemaker: Any, runtime: Any, control: Control) -> None:
    deploy(sagemaker, control, variant("champion"), variant("challenger", InitialVariantWeight=0))
    assert invoke(runtime, TargetVariant="challenger") == "challenger"
    params = {"EndpointName": "endpoint", "Body": b"x", "TargetVariant": "nobody"}
    assert refusal(runtime.invoke_endpoint, **params)[0] == "ValidationError"


def test_no_variant_with_a_weight(sagemaker: Any, runtime: Any, control: Control) -> None:
    deploy(sagemaker, control, variant(InitialVariantWeight=0))
    assert refusal(runtime.invoke_endpoint, EndpointName="endpoint", Body=b"x")[0] == "ValidationError"


def test_body_that_is_too_large(runtime: Any, endpoint: str) -> None:
    assert runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x" * 5_246_976)
    # AWS's front door names no code, so botocore shows the status.
    message = "HTTP content length exceeded 5246976 bytes."
    assert refusal(runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x" * 5_246_977) == ("413", message)


def test_body_that_is_too_large_for_serverless(sagemaker: Any, runtime: Any, control: Control) -> None:
    deploy(sagemaker, control, serverless())
    assert runtime.invoke_endpoint(EndpointName="endpoint", Body=b"x" * (4 << 20))
    code, message = refusal(runtime.invoke_endpoint, EndpointName="endpoint", Body=b"x" * ((4 << 20) + 1))
    assert (code, message.endswith(" has oversize body.")) == ("ValidationError", True)


def test_first_call_of_an_accelerated_variant_is_slow(sagemaker: Any, runtime: Any, control: Control) -> None:
    elastic = {"available": True, "slow_calls": 1, "first_call_real_seconds": 0.5}
    control.change_settings(elastic_inference=elastic)
    deploy(sagemaker, control, variant(AcceleratorType="ml.eia1.large"))
    assert timed(runtime) >= 0.5
    assert timed(runtime) < 0.5


def test_a_new_fleet_is_slow_again_and_a_scaled_one_is_not(sagemaker: Any, runtime: Any, control: Control) -> None:
    control.change_settings(elastic_inference={"available": True, "slow_calls": 1, "first_call_real_seconds": 0.5})
    accelerated = variant(AcceleratorType="ml.eia1.large")
    deploy(sagemaker, control, accelerated)
    assert timed(runtime) >= 0.5
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="endpoint", DesiredWeightsAndCapacities=wanted)
    control.advance(120)
    assert timed(runtime) < 0.5
    create_config(sagemaker, "next", accelerated)
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    control.advance(300)
    assert timed(runtime) >= 0.5


def timed(runtime: Any) -> float:
    began = time.monotonic()
    invoke(runtime)
    return time.monotonic() - began


def test_traffic_shifts_during_a_canary() -> None:
    old, new = Variant("v", Served("old"), weight=2.0), Variant("v", Served("new"), desired_weight=2.0)
    pending = Pending("next", (new,), 0.0, "Baking", "", share=0.25)
    phase = Phase(0.0, "Updating", "config", (old,), pending=pending)
    assert [(v.served.model, v.weight) for v in fleet(phase)] == [("old", 1.5), ("new", 0.5)]


def test_invocations_are_logged(runtime: Any, control: Control, endpoint: str) -> None:
    invoke(runtime)
    (call,) = control.calls("InvokeEndpoint")
    assert (call["resource"], call["service"], call["status"]) == ("endpoint", "sagemaker-runtime", 200)
