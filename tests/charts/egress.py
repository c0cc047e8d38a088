"""What a NetworkPolicy lets out, as networking.k8s.io/v1 says: rules add up, and so do the peers of a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.charts.helm import Json


@dataclass(frozen=True)
class Destination:
    """A port of an address; for a pod of the cluster, the labels that it and its namespace have, too."""

    address: str
    port: int
    protocol: str = "TCP"
    namespace: Mapping[str, str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def lets_out(policy: Json, to: Destination) -> bool:
    """Whether a pod that the policy selects, and no other one, may connect there."""
    assert "Egress" in policy["spec"]["policyTypes"]
    return any(_fits(rule, to) for rule in policy["spec"].get("egress") or ())


def _fits(rule: Json, to: Destination) -> bool:
    ports, peers = rule.get("ports") or (), rule.get("to") or ()
    return (not ports or any(_is_port(one, to) for one in ports)) and (
        not peers or any(_is_at(one, to) for one in peers)
    )


def _is_port(port: Json, to: Destination) -> bool:
    if port.get("protocol", "TCP") != to.protocol:
        return False
    first: Any = port.get("port")
    last: Any = port.get("endPort", first)
    return first is None or bool(first <= to.port <= last)


def _is_at(peer: Json, to: Destination) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        return _is_in(to.address, block["cidr"]) and not any(_is_in(to.address, one) for one in block.get("except", ()))
    if to.namespace is None:
        return False
    # A peer with labels of pods alone means those of the policy's own namespace, which has nothing to be reached here.
    return "namespaceSelector" in peer and all(
        _selects(peer[name], labels)
        for name, labels in (("namespaceSelector", to.namespace), ("podSelector", to.labels))
        if name in peer
    )


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    assert not selector.keys() - {"matchLabels"}, "of selectors only labels are understood"
    return dict(selector.get("matchLabels", {})).items() <= dict(labels).items()


def _is_in(address: str, cidr: str) -> bool:
    return ip_address(address) in ip_network(cidr)
