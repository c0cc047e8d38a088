"""What commands ask AWS for is what an object's status may name, and no other address."""

from __future__ import annotations

import click
import pytest

from classifier_operator.cli import clients
from classifier_operator.cli.objects import connect
from control_plane import ControlPlane


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("us-east-1.example.org/", "digits"),
        ("us-east-1\n", "digits"),
        ("us-east-1", ".."),
        ("us-east-1", "../digits"),
        ("us-east-1", "digits\r\nX-A: b"),
        ("us-east-1", ""),
    ],
)
def test_a_status_that_leads_elsewhere_is_refused(region: str, name: str) -> None:
    body = {"spec": {}, "status": {"region": region}}
    with pytest.raises(click.ClickException, match="cannot be at SageMaker"):
        clients.client_for("sagemaker-runtime", body, name, "none")


@pytest.mark.parametrize("name", ["..", ".", "../../default/configmaps/other", "%2e%2e"])
def test_a_config_map_that_cannot_be_is_not_asked_for(kinds: ControlPlane, namespace: str, name: str) -> None:
    with pytest.raises(click.ClickException, match="is no name of anything"):
        connect(kinds.kubeconfig, namespace).read_key(name, "labels.txt")
