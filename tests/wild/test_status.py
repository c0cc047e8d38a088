"""What the status says of what serves, of refused accelerators, of earlier runs, and where things are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.status import invocation_url
from classifier_operator.sagemaker.regions import domain_of
from classifier_operator.training.status import log_url
from tests.unit import builders
from tests.unit.world import World

ACCELERATED: dict[str, Any] = {"acceleratorType": "ml.eia1.medium"}
VARIANTS: dict[str, Any] = {
    "variants": [
        {"name": "a", "model": {"artifactS3Uri": builders.ARTIFACT}, "instanceType": "ml.m5.large", **ACCELERATED}
    ],
}
FORMS = pytest.mark.parametrize("form", [ACCELERATED, VARIANTS], ids=["short form", "variants"])
WORDS = "AlgorithmError: out of memory"


@pytest.fixture
def world() -> World:
    return World()


def endpoint(**changes: Any) -> dict[str, Any]:
    body = builders.endpoint("birds", **changes)
    if "variants" in changes:
        del body["spec"]["model"], body["spec"]["instanceType"]
    return body


@FORMS
@pytest.mark.parametrize("how", ["at once", "by a failed endpoint"])
@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
async def test_a9_no_accelerator_is_in_effect_once_aws_has_refused_it(
    world: World, form: dict[str, Any], how: str, *, is_restarted: bool
) -> None:
    words = "Amazon Elastic Inference is no longer available."
    if how == "at once":
        world.cloud.refuse("CreateEndpointConfig", "ValidationException", words)
    else:
        world.cloud.endpoint_outcomes.append(("Failed", f"The accelerator is not supported: {words}"))
    key = world.cluster.create(endpoint(**form))
    await world.run(3)
    if is_restarted:
        world.restart()
        await world.run(2)
    assert world.cluster.condition(key, "Stalled") == ("True", "AcceleratorUnavailable")
    [variant] = world.cluster.status(key)["variants"]
    assert "effective" not in variant["accelerator"]
    assert words in variant["accelerator"]["reason"]


@FORMS
async def test_a8_what_serves_after_a_fallback_is_said(world: World, form: dict[str, Any]) -> None:
    world.cloud.refuse(
        "CreateEndpointConfig", "ValidationException", "Amazon Elastic Inference is no longer available."
    )
    fallback = {"acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"}}
    one = {**form, **fallback} if "variants" not in form else {"variants": [{**form["variants"][0], **fallback}]}
    key = world.cluster.create(endpoint(**one))
    await world.run(4)
    status = world.cluster.status(key)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert status["variants"][0]["instanceType"] == "ml.g4dn.xlarge"
    [message] = [one["message"] for one in status["conditions"] if one["type"] == "Ready"]
    assert message.endswith(" on ml.g4dn.xlarge without ml.eia1.medium, which AWS has refused")


def test_a8_wide_columns_show_what_serves() -> None:
    crd = yaml.safe_load((Path(__file__).parents[2] / "crds" / "classifierendpoints.yaml").read_text())
    columns = {one["name"]: one["jsonPath"] for one in crd["spec"]["versions"][0]["additionalPrinterColumns"]}
    assert columns["Instance-Type"] == ".status.variants[0].instanceType"
    assert columns["Accelerator"] == ".status.variants[0].accelerator.effective"


@pytest.mark.parametrize("how", ["another run", "another attempt"])
async def test_a21_the_history_keeps_awss_words(world: World, how: str) -> None:
    reason = WORDS if how == "another run" else "InternalServerError: We encountered an internal error."
    world.cloud.job_outcomes.append(("Failed", "Failed", reason))
    key = world.cluster.create(builders.training())
    await world.run(3)
    if how == "another run":
        world.cluster.edit(key, lambda body: body["spec"]["hyperparameters"].update(epochs=3))
    await world.run(5)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    runs = world.cluster.status(key)["history"]
    assert [one["reason"] for one in runs] == ["Completed", "JobFailed"]
    assert [one.get("failureReason", "") for one in runs] == ["", reason]


def regions() -> list[tuple[str, str]]:
    """Each region of each partition that botocore knows, with the domain of its services."""
    session = botocore.session.get_session()
    data = session.get_component("data_loader").load_data("partitions")
    return [
        (region, one["outputs"]["dnsSuffix"])
        for one in data["partitions"]
        for region in one["regions"]
        if re.fullmatch(one["regionRegex"], region)
    ]


@pytest.mark.parametrize(("region", "domain"), regions())
def test_b28_each_region_has_the_domain_that_botocore_has(region: str, domain: str) -> None:
    assert domain_of(region) == domain
    assert invocation_url(region, "x") == f"https://runtime.sagemaker.{region}.{domain}/endpoints/x/invocations"


@pytest.mark.parametrize(
    ("region", "console"),
    [
        ("us-east-1", "https://us-east-1.console.aws.amazon.com/"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
        ("eusc-de-east-1", "https://eusc-de-east-1.console.amazonaws-eusc.eu/"),
        ("us-iso-east-1", ""),
        ("us-isob-east-1", ""),
        ("eu-isoe-west-1", ""),
        ("us-isof-south-1", ""),
    ],
)
def test_b28_logs_are_linked_where_the_console_is(region: str, console: str) -> None:
    url = log_url(Resource(Place(region), ResourceType.TRAINING_JOB, "job"))
    assert url.startswith(console)
    assert bool(url) is bool(console)
