"""Endpoints that do not answer their smoke tests, on a real API server."""

from __future__ import annotations

from collections.abc import Callable

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import of_model
from tests.apiserver.world import BUCKET, Json, World, condition, reason_of, training, until

Start = Callable[..., OperatorProcess]
ENDPOINTS = 20
# Longer than anything here lasts.
HANGS = 50.0


def with_test(world: World, name: str, **changes: object) -> Json:
    world.s3.put_object(Bucket=BUCKET, Key="samples/zero.png", Body=b"\x89PNG image")
    test = {"image": {"s3Uri": f"s3://{BUCKET}/samples/zero.png"}, "contentType": "image/png", **changes}
    return of_model(world, name, smokeTest=test)


def test_smoke_tests_that_hang_hold_up_no_other_object_nor_a_deletion_nor_the_end(world: World, start: Start) -> None:
    world.aws.latency("InvokeEndpoint", HANGS)
    operator = start()
    # A hundred warm-ups of each: an hour and more.
    world.apply(*(with_test(world, f"hangs-{number}", warmUps=100) for number in range(ENDPOINTS)))
    until(
        lambda: all(
            reason_of(world.status("cep", f"hangs-{number}"), "Reconciling") == "SmokeTesting"
            for number in range(ENDPOINTS)
        ),
        "all endpoints to be tested, and to say so",
    )
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    world.delete("cep", "hangs-0")
    assert operator.get("/healthz") == "ok"
    assert operator.stop() == 0


def test_an_endpoint_that_does_not_answer_in_time_has_failed_its_smoke_test(world: World, start: Start) -> None:
    patient = start()
    world.apply(with_test(world, "digits"))
    world.wait_for("cep", "digits", "InService")
    patient.stop()
    start("--smoke-test-timeout", "2")
    serves = world.status("cep", "digits")["endpointConfigName"]
    world.aws.latency("InvokeEndpoint", HANGS)
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    stalled = condition(world.wait_for("cep", "digits", "SmokeTestFailed", of="Stalled"), "Stalled")
    assert "it did not answer within 2 s (invocation 1 of 2)" in stalled["message"]
    # What served before serves again.
    until(lambda: world.status("cep", "digits")["endpointConfigName"] == serves, "the roll-back")
    assert reason_of(world.status("cep", "digits"), "Ready") == "ServingPrevious"
