"""A region or a role that is misspelt: said where it comes from, and what to write, whoever has written it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.session import get_session
from click.testing import CliRunner

from classifier_operator.adapters.aws_errors import refusal_of
from classifier_operator.adapters.tenants_file import TenantsError, tenants_of
from classifier_operator.api.ledger import Place
from classifier_operator.cli import main
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.spec import Model
from classifier_operator.endpoint.variants import Asked, source_of
from classifier_operator.reconcile.decision import Defaults, SpecError, place_of, role_of
from classifier_operator.sagemaker import regions
from classifier_operator.sagemaker.images import UnknownImageError, image_uri

MISSPELT = pytest.mark.parametrize(
    ("region", "words"),
    [
        ("us-east1", "'us-east1' is no name of a region, such as us-east-1"),
        ("eu_central_1", "'eu_central_1' is no name of a region, such as eu-central-1"),
        ("EU-WEST-2", "'EU-WEST-2' is no name of a region, such as eu-west-2"),
        (" us-west-2", "' us-west-2' is no name of a region, such as us-west-2"),
        ("us-east-1a", "'us-east-1a' is no name of a region, such as us-east-1"),
        ("Frankfurt", "'Frankfurt' is no name of a region, such as us-east-1"),
    ],
)


@MISSPELT
def test_a17_a_misspelt_region_of_a_field(region: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        place_of(region, "", Defaults())
    assert str(caught.value) == f"spec.region: {words}"


@MISSPELT
def test_a17_a_misspelt_region_of_an_annotation(region: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        place_of("", "", Defaults(region=region))
    source = "by default, from the namespace's annotation classifiers.sagemaker.dev/region or --region"
    assert str(caught.value) == f"spec.region: {source}: {words}"


@pytest.mark.parametrize("role", ["SageMakerExecution", "arn:aws:iam::123456789012:user/x", "role/SageMakerExecution"])
def test_a17_a_role_that_is_no_arn(role: str) -> None:
    words = f"{role!r} is no ARN of a role: write it like arn:aws:iam::123456789012:role/SageMakerExecution"
    with pytest.raises(SpecError) as caught:
        role_of(role, Defaults())
    assert str(caught.value) == f"spec.roleArn: {words}"
    with pytest.raises(SpecError) as caught:
        role_of("", Defaults(role_arn=role))
    source = "by default, from the namespace's annotation classifiers.sagemaker.dev/role-arn or --role-arn"
    assert str(caught.value) == f"spec.roleArn: {source}: {words}"
    with pytest.raises(SpecError, match=r"^spec.assumeRoleArn: by default, from .*/assume-role-arn or --"):
        place_of("us-east-1", "", Defaults(assume_role_arn=role))


def test_a17_nothing_given_says_what_to_set() -> None:
    with pytest.raises(SpecError, match=r"neither is .* classifiers.sagemaker.dev/region, .* such as us-east-1$"):
        place_of("", "", Defaults())
    with pytest.raises(SpecError, match=r"neither is .* classifiers.sagemaker.dev/role-arn, .* such as arn:aws:iam::"):
        role_of("", Defaults())


@pytest.mark.parametrize(
    ("limit", "pattern", "words"),
    [
        ("regions", "us-east1", "'us-east1' is no name of a region, such as us-east-1"),
        ("roleArns", "SageMakerExecution", "'SageMakerExecution' fits nothing: write one such as arn:aws:iam::"),
        ("roleArns", "arn:aws:iam::1:role/x", "'arn:aws:iam::1:role/x' is no ARN of a role: write it like arn:"),
        ("assumeRoleArns", "team-*", "'team-*' fits nothing: write one such as arn:aws:iam::"),
        ("instanceTypes", "m5.*", "'m5.*' fits nothing: write one such as ml.m5.*"),
        ("acceleratorTypes", "eia2.large", "'eia2.large' fits nothing"),
    ],
)
def test_a17_a_pattern_of_the_tenants_file_that_fits_nothing(limit: str, pattern: str, words: str) -> None:
    with pytest.raises(TenantsError) as caught:
        tenants_of(f"tenants: [{{namespaces: [a], {limit}: ['{pattern}']}}]")
    assert str(caught.value).startswith(f"tenants[0].{limit}[0]: {words}")


@pytest.mark.parametrize(
    ("limit", "pattern"),
    [
        ("regions", "us-*"),
        ("regions", "us-east-9"),
        ("regions", "[ue]*-1"),
        ("roleArns", "*"),
        ("roleArns", "arn:*:role/team-*"),
        ("roleArns", "*:role/team-a"),
        ("assumeRoleArns", ""),
        ("instanceTypes", "ml.*"),
        ("instanceTypes", "*.xlarge"),
        ("instanceTypes", "m*"),
    ],
)
def test_patterns_that_fit_something_are_taken(limit: str, pattern: str) -> None:
    assert tenants_of(f"tenants: [{{namespaces: [a], {limit}: ['{pattern}']}}]").entries


@pytest.mark.parametrize(
    "command", [["run"], ["orphans"], ["check"], ["dataset", ".", "out"]], ids=["run", "orphans", "check", "dataset"]
)
def test_a17_a_misspelt_region_of_an_option(command: list[str]) -> None:
    done = CliRunner().invoke(main, [*command, "--region", "us-east1"])
    assert done.exit_code == 2
    assert "'us-east1' is no name of a region, such as us-east-1" in " ".join(done.output.replace("│", " ").split())


UNKNOWN = "us-east-9 is no region that this operator knows: is us-east-2 or us-east-1 meant?"


def test_a19_an_unknown_region_is_probably_a_typing_error() -> None:
    with pytest.raises(UnknownImageError) as caught:
        image_uri("us-east-9")
    assert str(caught.value) == f"{UNKNOWN} (if the region is new, set an image of it explicitly)"


def test_a19_of_an_endpoint_it_is_the_region_that_is_named() -> None:
    asked = Asked(path="spec.variants[a]", name="a", model=Model(artifact_s3_uri="s3://bucket/model.tar.gz"))
    with pytest.raises(SpecError, match=r"^spec.region: us-east-9 is no region"):
        source_of(asked, EndpointStatus(), {}, Place("us-east-9"))


def test_a19_a_region_without_the_algorithm_is_no_typing_error() -> None:
    with pytest.raises(UnknownImageError, match="AWS publishes no known image-classification image in eusc-de-east-1"):
        image_uri("eusc-de-east-1")


@pytest.mark.parametrize("service", ["api.sagemaker", "runtime.sagemaker", "sts", "s3"])
def test_a19_no_host_in_an_unknown_region(service: str) -> None:
    def refused(region: str) -> str:
        error = EndpointConnectionError(endpoint_url=f"https://{service}.{region}.amazonaws.com/")
        return refusal_of("CreateEndpoint", error, str).message

    assert refused("us-east-9").endswith(f"({UNKNOWN})")
    assert refused("us-east-1").endswith('.us-east-1.amazonaws.com/"')


def test_all_regions_of_the_sdk_are_known() -> None:
    session: Any = get_session()
    found = {
        region
        for partition in session.get_available_partitions()
        for service in ("sagemaker", "ec2")
        for region in session.get_available_regions(service, partition)
    }
    assert found <= regions.KNOWN
