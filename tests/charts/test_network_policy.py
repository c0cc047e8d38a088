"""What the chart's NetworkPolicy lets out, address by address."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.charts.egress import Destination, lets_out
from tests.charts.helm import Helm, one

API_SERVER = "10.0.0.10"
ENABLED = ("--set=networkPolicy.enabled=true", f"--set=networkPolicy.apiServer.cidrs={{{API_SERVER}/32}}")
DNS = {"kubernetes.io/metadata.name": "kube-system"}
# SageMaker, S3, and the sources of data.
AWS = ("3.5.140.2", "52.46.128.1", "198.51.100.7")
METADATA = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23")
ALL_PORTS = (22, 53, 80, 443, 6443, 8443, 10250)


def reached(helm: Helm, addresses: Sequence[str], *values: str, protocol: str = "TCP") -> set[tuple[str, int]]:
    """The addresses and ports that the operator may connect to, of these."""
    policy = one(helm.render(*ENABLED, *values), "NetworkPolicy")
    wanted = [(address, port) for address in addresses for port in ALL_PORTS]
    return {(address, port) for address, port in wanted if lets_out(policy, Destination(address, port, protocol))}


def test_the_operator_reaches_aws_and_its_api_server(helm: Helm) -> None:
    assert reached(helm, AWS) == {(address, 443) for address in AWS}
    assert reached(helm, [API_SERVER]) == {(API_SERVER, 443), (API_SERVER, 6443)}
    assert reached(helm, [*AWS, API_SERVER], protocol="UDP") == set()


def test_nothing_reaches_the_metadata_of_the_node(helm: Helm) -> None:
    assert reached(helm, METADATA) == set()
    assert reached(helm, METADATA, "--set=networkPolicy.aws.cidrs={0.0.0.0/0,::/0}") == set()


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("anywhere", ["0.0.0.0/0", "::/0", "{0.0.0.0/0,::/0}"])
def test_an_api_server_that_may_be_anywhere_opens_no_exception(helm: Helm, anywhere: str, protocol: str) -> None:
    cidrs = anywhere if anywhere.startswith("{") else f"{{{anywhere}}}"
    values = (
        f"--set=networkPolicy.apiServer.cidrs={cidrs}",
        "--set=networkPolicy.aws.cidrs={0.0.0.0/0,::/0}",
        "--set=networkPolicy.aws.except={169.254.0.0/16,10.0.0.0/8,fd00::/8}",
    )
    inside = [*METADATA, "10.1.2.3", "10.255.255.255", "fd12::1"]
    assert reached(helm, inside, *values, protocol=protocol) == set()


def test_ranges_of_aws_are_not_widened_by_the_api_server(helm: Helm) -> None:
    values = ("--set=networkPolicy.aws.cidrs={10.1.0.0/16}",)
    assert reached(helm, ["10.1.2.3", "10.2.2.3", *AWS], *values) == {("10.1.2.3", 443)}
    assert reached(helm, AWS, "--set=networkPolicy.aws.cidrs=null") == set()


def test_without_the_api_servers_addresses_there_is_no_policy(helm: Helm) -> None:
    assert "networkPolicy.apiServer.cidrs" in helm.refusal("--set=networkPolicy.enabled=true")


def test_names_are_resolved_in_the_cluster_alone(helm: Helm) -> None:
    policy = one(helm.render(*ENABLED), "NetworkPolicy")
    for protocol in ("TCP", "UDP"):
        assert lets_out(policy, Destination("10.2.0.5", 53, protocol, namespace=DNS))
        assert not lets_out(policy, Destination("10.2.0.5", 53, protocol, namespace={}))
        assert not lets_out(policy, Destination("8.8.8.8", 53, protocol))
    assert "minItems" in helm.refusal(*ENABLED, "--set-json=networkPolicy.dns.to=[]")


def test_names_are_resolved_by_the_pods_that_are_named(helm: Helm) -> None:
    peer = '[{"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]'
    values = (f"--set-json=networkPolicy.dns.to={peer}", "--set=networkPolicy.dns.ports={5353}")
    policy = one(helm.render(*ENABLED, *values), "NetworkPolicy")
    assert lets_out(policy, Destination("10.2.0.5", 5353, "UDP", namespace=DNS, labels={"k8s-app": "kube-dns"}))
    assert not lets_out(policy, Destination("10.2.0.5", 5353, "UDP", namespace=DNS, labels={"k8s-app": "web"}))
    assert not lets_out(policy, Destination("10.2.0.5", 53, "UDP", namespace=DNS, labels={"k8s-app": "kube-dns"}))


@pytest.mark.parametrize(
    ("value", "address", "other"),
    [
        ("aws.podIdentity", "169.254.170.23", "fd00:ec2::23"),
        ("networkPolicy.instanceMetadata", "169.254.169.254", "fd00:ec2::254"),
    ],
)
def test_an_identity_of_the_node_opens_its_own_address(helm: Helm, value: str, address: str, other: str) -> None:
    assert reached(helm, METADATA, f"--set={value}=true") == {(address, 80), (other, 80)}
