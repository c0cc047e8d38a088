"""What `predict` and `logs` say where there is nothing to ask yet, and how they find the cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from classifier_operator.api.kinds import Kind
from classifier_operator.cli import main
from classifier_operator.cli.objects import connect
from classifier_operator.cli.predict import class_labels, content_type, rank
from control_plane import ControlPlane
from control_plane.kubeconfig import write_kubeconfig

CREATING = {"conditions": [
    {"type": kind, "status": status, "reason": "Creating", "message": "endpoint x is Creating",
     "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1}
    for kind, status in (("Ready", "False"), ("Reconciling", "True"))
]}  # fmt: skip

Apply = Callable[..., str]


def _run(kinds: ControlPlane, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--kubeconfig", str(kinds.kubeconfig)])


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "image.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    return str(path)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "is not ready: it has no status yet; is the operator running?"),
        (CREATING, "is not ready: Creating: endpoint x is Creating"),
    ],
    ids=["no operator", "creating"],
)
def test_predict_says_why_an_endpoint_is_not_ready(
    kinds: ControlPlane, apply_digits: Apply, image: str, status: dict[str, Any] | None, words: str
) -> None:
    namespace = apply_digits("cep", status)
    done = _run(kinds, "predict", "digits", image, "-n", namespace)
    assert done.exit_code == 1
    assert f"ClassifierEndpoint {namespace}/digits {words}" in done.output


def test_logs_say_that_there_is_no_job_yet(kinds: ControlPlane, apply_digits: Apply) -> None:
    namespace = apply_digits()
    done = _run(kinds, "logs", "digits", "-n", namespace)
    assert done.exit_code == 1
    assert f"ClassifierTraining {namespace}/digits has no job yet" in done.output


def test_the_context_s_namespace_is_the_default(kinds: ControlPlane, namespace: str, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(
        tmp_path / "config",
        url=kinds.url,
        ca=kinds.ca_file.read_bytes(),
        token=kinds.token,
        user="admin",
        namespace=namespace,
    )
    assert connect(kubeconfig, "").namespace == namespace
    assert connect(kubeconfig, "other").namespace == "other"


def test_a_cluster_that_is_away_is_an_error_in_words(image: str, kinds: ControlPlane, tmp_path: Path) -> None:
    kubeconfig = write_kubeconfig(
        tmp_path / "config", url="https://127.0.0.1:9", ca=kinds.ca_file.read_bytes(), token="t", user="u"
    )
    done = CliRunner().invoke(main, ["predict", "digits", image, "--kubeconfig", str(kubeconfig)])
    assert done.exit_code == 1
    assert "the cluster cannot be reached" in done.output


def test_a_file_that_is_no_kubeconfig_is_refused(image: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{}")
    done = CliRunner().invoke(main, ["predict", "digits", image, "--kubeconfig", str(tmp_path / "config")])
    assert done.exit_code == 1
    assert "cannot be used" in done.output


def test_no_cluster_at_all_says_what_to_set(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    done = CliRunner().invoke(main, ["predict", "digits", image])
    assert done.exit_code == 1
    assert "set KUBECONFIG to a kubeconfig, or --kubeconfig" in done.output


@pytest.mark.parametrize("option", ["--from-literal=labels.txt=cat\n dog \n\nfox", "--from-file=labels.txt={file}"])
def test_labels_come_from_a_config_map(kinds: ControlPlane, namespace: str, tmp_path: Path, option: str) -> None:
    # kubectl keeps bytes that are no UTF-8 as binaryData.
    (tmp_path / "file").write_bytes(b"cat\ndog\nfox\n\xff")
    kinds.kubectl("create", "configmap", "labels", option.format(file=tmp_path / "file"), "-n", namespace)
    reference = {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}}
    labels = class_labels(connect(kinds.kubeconfig, namespace), reference)
    assert list(labels)[:3] == ["cat", "dog", "fox"]


def test_a_config_map_without_the_key_is_named(kinds: ControlPlane, namespace: str) -> None:
    kinds.kubectl("create", "configmap", "labels", "-n", namespace)
    with pytest.raises(click.ClickException, match=r"labels has no key labels\.txt"):
        connect(kinds.kubeconfig, namespace).read_key("labels", "labels.txt")


def test_an_object_is_read_as_it_is(kinds: ControlPlane, apply_digits: Apply) -> None:
    body = connect(kinds.kubeconfig, apply_digits()).read(Kind.TRAINING, "digits")
    assert body["spec"]["hyperparameters"]["numClasses"] == 10


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"BM", "application/x-image"),
        (b"", "application/x-image"),
    ],
    ids=["png", "jpeg", "bmp", "empty"],
)
def test_the_content_type_is_what_the_bytes_say(start: bytes, kind: str) -> None:
    assert content_type(start) == kind


def test_classes_are_ranked_by_probability() -> None:
    ranked = rank(b"[0.2, 0.5, 0.2, 0.1]", ["cat", "dog", "fox"])
    assert [(one.label, one.index) for one in ranked] == [("dog", 1), ("cat", 0), ("fox", 2), ("3", 3)]
