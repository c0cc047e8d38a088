"""What Prometheus gets from the operator as a process, after a life with a throttle and a refusal in it."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable

from prometheus_client.exposition import CONTENT_TYPE_LATEST, CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from prometheus_client.samples import Sample

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import REGION, World, endpoint, training, until

PREFIX = "classifier_operator_"


class Scraped:
    """One scrape, as Prometheus would store it."""

    def __init__(self, operator: OperatorProcess) -> None:
        self._samples = [one for family in plain(operator.get("/metrics")) for one in family.samples]

    def samples(self, metric: str, /, **labels: str) -> list[Sample]:
        return [one for one in self._samples if one.name == PREFIX + metric and labels.items() <= one.labels.items()]

    def value(self, metric: str, /, **labels: str) -> float:
        return sum(one.value for one in self.samples(metric, **labels))


def media_type(operator: OperatorProcess, accept: str) -> tuple[str, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{operator.port}/metrics", headers={"Accept": accept} if accept else {}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        return answer.headers["Content-Type"], answer.read().decode()


def test_a_life_with_a_throttle_and_a_refusal_in_it(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.fail_next("CreateTrainingJob", 1, code="ThrottlingException", message="Rate exceeded", status=400)
    words = "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances"
    world.aws.fail_next("CreateEndpoint", 1, code="ResourceLimitExceeded", message=words, status=400)
    world.apply(training(), endpoint(acceleratorType="ml.eia2.medium"))
    job = world.wait_for("ctrain", "digits", "Completed")["jobName"]
    status = world.wait_for("cep", "digits", "InService")
    until(lambda: Scraped(operator).value("queue_depth") == 0, "the queue to be empty")
    scraped = Scraped(operator)

    creating = {"aws_service": "sagemaker", "operation": "CreateTrainingJob", "region": REGION}
    assert scraped.value("aws_calls_total", **creating, outcome="ok") == 1
    assert scraped.value("aws_calls_total", **creating, outcome="Throttled") == 1
    assert scraped.value("aws_calls_total", operation="CreateEndpoint", outcome="Quota") == 1
    assert scraped.value("aws_calls_total", operation="CreateEndpoint", outcome="ok") == 1
    assert scraped.value("aws_call_seconds_count", operation="CreateTrainingJob") == 2
    assert scraped.value("aws_calls_in_flight") == scraped.value("aws_calls_waiting") == 0
    assert scraped.value("passes_total", kind="ClassifierEndpoint", result="ok") >= 3
    assert scraped.value("queue_wait_seconds_count") >= scraped.value("passes_total") > 0
    assert scraped.value("kubernetes_writes_total", what="status", status="ok") >= 4
    assert scraped.value("sweep_seconds_count") >= 1
    assert abs(scraped.value("last_sweep_timestamp_seconds") - time.time()) < 60

    assert scraped.value("objects", kind="ClassifierTraining", condition="Ready", reason="Completed") == 1
    assert scraped.value("objects", kind="ClassifierEndpoint", condition="Ready", reason="InService") == 1
    own = {"namespace": world.namespace, "name": "digits"}
    assert scraped.value("object_ready", **own, kind="ClassifierTraining", reason="Completed") == 1
    [info] = scraped.samples("training_info", **own)
    assert (info.labels["job_name"], info.labels["instance_type"], info.labels["region"]) == (
        job,
        "ml.p3.2xlarge",
        REGION,
    )
    [info] = scraped.samples("endpoint_info", **own)
    assert info.labels["endpoint_name"] == status["endpointName"]
    assert (info.labels["accelerator_requested"], info.labels["accelerator_effective"]) == ("ml.eia2.medium",) * 2
    assert scraped.value("event_loop_lag_seconds_count") >= 1

    world.delete("cep", "digits")
    until(lambda: not Scraped(operator).samples("endpoint_info"), "its series to vanish")
    assert not Scraped(operator).samples("object_ready", kind="ClassifierEndpoint")


def test_formats_are_negotiated(operator: OperatorProcess) -> None:
    kind, body = media_type(operator, "")
    assert kind == CONTENT_TYPE_PLAIN_0_0_4
    assert list(plain(body))
    kind, body = media_type(operator, "text/plain;version=1.0.0;escaping=allow-utf-8")
    assert kind.startswith(CONTENT_TYPE_LATEST)
    kind, body = media_type(operator, "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert kind.split(";")[:2] == OPENMETRICS.split(";")[:2]
    assert list(openmetrics(body))  # type: ignore[no-untyped-call]


def test_series_of_objects_can_be_left_out(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start("--no-object-metrics")
    world.apply(training(suspend=True))
    world.wait_for("ctrain", "digits", "Suspended")
    until(lambda: Scraped(operator).value("objects", reason="Suspended") == 1, "the object to be counted")
    lines = [line for line in operator.get("/metrics").splitlines() if f'namespace="{world.namespace}"' in line]
    # It speaks of what is watched, not of an object.
    assert all(line.startswith("classifier_operator_unserved{") for line in lines)
    assert 'name="digits"' not in "\n".join(lines)
