"""Behind a proxy: which calls go by it, and which never do."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes.config import incluster_config

from classifier_operator.api.kinds import Kind
from classifier_operator.cli.objects import connect
from tests.forward_proxy import ForwardProxy
from tests.web_source import WebSource

PATH = "/apis/classifiers.sagemaker.dev/v1alpha1/namespaces/vision/classifiertrainings/digits"


@pytest.fixture
def api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebSource:
    """What a pod knows of its API server: address, authority and token."""
    server = WebSource(tmp_path / "authority")
    server.put(PATH, b'{"kind": "ClassifierTraining"}', headers={"Content-Type": "application/json"})
    (tmp_path / "token").write_text("token")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(server.ca))
    return server


@pytest.mark.parametrize("exempt", ["", "172.20.0.0/16,10.0.0.0/8,.svc"], ids=["nothing", "ranges"])
def test_b35_commands_in_a_pod_ask_the_api_server_directly(
    api_server: WebSource, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    """`helm test` and the check before `helm uninstall` run with the operator's environment."""
    for name in ("https_proxy", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with api_server, ForwardProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exempt)
        assert connect(None, "vision").read(Kind.TRAINING, "digits")["kind"] == "ClassifierTraining"
        assert proxy.asked == []
    assert [one.path for one in api_server.asked] == [PATH]
