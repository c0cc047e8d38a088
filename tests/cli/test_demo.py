"""The demo from end to end, as a user starts it."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from control_plane import ControlPlane
from tests.apiserver.operator_process import OperatorProcess
from tests.cli.demos import NOWHERE, ROOT, Demo, Played, finish, play_once

DIGITS = ROOT / "manifests/examples/digits.yaml"


@pytest.fixture(scope="session")
def finished(cluster: ControlPlane, shared_folder: Path) -> Played:
    """A demo as `make demo` starts it. `cluster` has the tools built."""

    def play() -> Played:
        with closing(Demo(shared_folder / "demo")) as demo:
            return finish(demo)

    return play_once(shared_folder / "demo", play)


@pytest.fixture(scope="session")
def failed(cluster: ControlPlane, shared_folder: Path) -> Played:
    """A demo in a cluster of the user's, whose manifest promises five classes; the images are of ten."""
    folder = shared_folder / "failed"

    def play() -> Played:
        manifest = folder / "five-classes.yaml"
        manifest.write_text(DIGITS.read_text().replace("numClasses: 10", "numClasses: 5"))
        # With the controllers that delete what is in a namespace.
        with ControlPlane.start(controllers=True) as plane:
            arguments = ["--manifest", str(manifest), "--kubeconfig", str(plane.kubeconfig), "--speed", "60"]
            with closing(Demo(folder, *arguments)) as demo:
                played = finish(demo)
            kinds = "crd,namespaces,clusterroles,clusterrolebindings"
            return replace(played, cluster=plane.kubectl("get", kinds, "--output=name").stdout.split())

    return play_once(folder, play)


def _states(text: str, kind: str) -> list[str]:
    """The states of an object in the order of the lines that show them."""
    found = re.findall(rf"^ *[\d.]+ s  {kind}/digits +(\w+)", text, re.MULTILINE)
    return [state for state in found if state != "Applied"]


def test_it_ends_well_and_soon(finished: Played) -> None:
    assert finished.code == 0, finished.text
    total = re.search(r"all together +([\d.]+)", finished.text)
    assert total
    assert float(total[1]) < 120


@pytest.mark.parametrize(
    ("kind", "states"),
    [
        ("ClassifierTraining", ["Starting", "Downloading", "Training", "Uploading", "Completed", "Deleting", "Gone"]),
        ("ClassifierEndpoint", ["WaitingForTraining", "Creating", "SmokeTesting", "InService", "Deleting", "Gone"]),
    ],
    ids=["training", "endpoint"],
)
def test_each_change_of_state_is_one_line(finished: Played, kind: str, states: list[str]) -> None:
    assert _states(finished.text, kind) == states


def test_held_out_images_are_classified(finished: Played) -> None:
    found = re.search(r"Accuracy: ([\d.]+)% \((\d+) of (\d+) held-out images\)", finished.text)
    assert found
    right, of = int(found[2]), int(found[3])
    assert of >= 200
    assert right / of >= 0.9
    assert float(found[1]) == pytest.approx(100 * right / of, abs=0.05)


def test_predictions_are_shown_with_their_images(finished: Played) -> None:
    _, _, table = finished.text.partition("true label")
    rows = re.findall(r"(\w+) +(\w+)(?: \(wrong\))? +[01]\.\d{4}", table)
    assert sum(true == predicted for true, predicted in rows) >= 5
    assert table.count("█") > 50


def test_aws_is_asked_what_is_left(finished: Played) -> None:
    assert "Nothing is left at AWS" in finished.text
    assert re.search(r"S3 keeps .*/output/model\.tar\.gz", finished.text)


def test_a28_it_ends_with_what_to_try_next(finished: Played) -> None:
    command = re.search(r"^ *(\S+/classifier-operator) demo --keep$", finished.text, re.MULTILINE)
    assert command
    assert (ROOT / command[1]).is_file()


def test_it_leaves_no_process_and_no_file(finished: Played) -> None:
    assert (finished.processes, finished.files) == ([], [])


def test_a_failed_training_fails_the_demo(failed: Played) -> None:
    assert failed.code == 1, failed.text
    last = failed.text.strip().splitlines()[-1]
    assert last.startswith("The demo failed: ClassifierTraining/digits is stalled (JobFailed)")
    assert "labels must be integers from 0 to 4 with num_classes set to 5" in last


def test_a_failed_demo_shows_the_operator_s_last_words(failed: Played) -> None:
    assert re.search(r"(?s)the end of [^\n]*operator\.log:\n.*health and metrics on port", failed.text)


def test_a_user_s_cluster_is_left_as_it_was(failed: Played) -> None:
    assert [name for name in failed.cluster if "classifier" in name] == []


def test_a_cluster_with_an_operator_is_refused(cluster: ControlPlane, namespace: str, tmp_path: Path) -> None:
    cluster.kubectl("create", "deployment", "someone-s", "--image=none", "--replicas=0", "-n", namespace)
    label = "app.kubernetes.io/name=classifier-operator"
    cluster.kubectl("label", "deployment/someone-s", label, "-n", namespace)
    try:
        with closing(Demo(tmp_path, "--kubeconfig", str(cluster.kubeconfig))) as demo:
            played = finish(demo)
    finally:
        cluster.kubectl("delete", "deployment", "someone-s", "-n", namespace)
    assert played.code == 1
    assert "an operator works in this cluster already (deployment.apps/someone-s)" in played.text


def test_a01_a_cluster_with_an_operator_beside_it_is_refused_untouched(
    cluster: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    """One that nobody has installed: a process with a kubeconfig, which holds a Lease."""
    kinds = "crd,namespaces,clusterroles,clusterrolebindings"
    operator = OperatorProcess(
        kubeconfig=cluster.kubeconfig,
        aws_url=NOWHERE,
        namespace="",
        log=tmp_path / "operator.log",
        options=("--leader-elect", "--lease-namespace", namespace),
    )
    with operator, closing(Demo(tmp_path, "--kubeconfig", str(cluster.kubeconfig))) as demo:
        before = cluster.kubectl("get", kinds, "--output=name").stdout.split()
        played = finish(demo)
        after = cluster.kubectl("get", kinds, "--output=name").stdout.split()
    assert played.code == 1
    assert re.search(rf"an operator works in this cluster already \(lease {namespace}/classifier-operator", played.text)
    assert "nothing was changed" in played.text
    assert [name for name in after if "demo" in name] == [name for name in before if "demo" in name] == []


def test_an_interrupted_demo_takes_all_down(cluster: ControlPlane, tmp_path: Path) -> None:
    with closing(Demo(tmp_path)) as demo:
        demo.wait_for("Start the operator: done")
        demo.interrupt()
        played = finish(demo)
    assert (played.code, played.processes, played.files) == (130, [], [])
    assert "Interrupted." in played.text
    assert "Traceback" not in played.text


def test_a_killed_demo_takes_all_with_it(cluster: ControlPlane, tmp_path: Path) -> None:
    with closing(Demo(tmp_path)) as demo:
        demo.wait_for("Start the operator: done")
        running = demo.processes()
        demo.kill()
        played = finish(demo)
    # At least the demo, and a guardian and its charge each for etcd, the API server, the emulator and the operator.
    assert len(running) >= 9
    assert (played.processes, played.files) == ([], [])
