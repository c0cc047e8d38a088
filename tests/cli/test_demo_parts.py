"""The demo's decisions, without the processes around them."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from PIL import Image
from rich.console import Console

from classifier_operator.api.kinds import Kind
from classifier_operator.cli import main
from classifier_operator.demo.classification import Classified, handful, require_accuracy
from classifier_operator.demo.cluster import DemoCluster
from classifier_operator.demo.environment import emulated_aws, isolated
from classifier_operator.demo.errors import DemoError
from classifier_operator.demo.example import read_example
from classifier_operator.demo.pictures import draw
from classifier_operator.demo.view import View
from classifier_operator.demo.watching import Sight, Watcher, are_gone, are_serving, sight_of
from classifier_operator.endpoint.smoke_test import Prediction
from image_recordio.datasets import LabelledImage
from tests.cli.demos import ROOT

DIGITS = ROOT / "manifests/examples/digits.yaml"


@pytest.mark.parametrize(
    ("name", "keeps_proxies", "is_dropped"),
    [
        ("AWS_PROFILE", False, True),
        ("AWS_CA_BUNDLE", True, True),
        ("KUBECONFIG", False, True),
        ("KUBERNETES_SERVICE_HOST", False, True),
        ("CLASSIFIER_OPERATOR_RUN_REGION", False, True),
        ("https_proxy", False, True),
        ("HTTPS_PROXY", True, False),
        ("HOME", False, False),
    ],
)
def test_what_misleads_is_not_handed_on(name: str, keeps_proxies: bool, is_dropped: bool) -> None:
    command = isolated(["program"], {}, {name: "value"}, keeps_proxies=keeps_proxies)
    assert (name in command) is is_dropped
    assert command[-1] == "program"


def test_loopback_goes_past_the_user_s_proxy() -> None:
    command = isolated(["program"], {}, {"NO_PROXY": "example.com"})
    assert "NO_PROXY=example.com,127.0.0.1,localhost" in command


def test_the_isolated_program_runs_with_the_given_values() -> None:
    command = isolated(["env"], emulated_aws("http://127.0.0.1:1"), {"AWS_PROFILE": "x", "PATH": "/usr/bin:/bin"})
    done = subprocess.run(
        command, env={"AWS_PROFILE": "x", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:1" in done.stdout.splitlines()
    assert "AWS_PROFILE" not in done.stdout


def _body(*conditions: tuple[str, str, str]) -> dict[str, Any]:
    named = [{"type": kind, "status": status, "reason": reason} for kind, status, reason in conditions]
    return {"status": {"conditions": named}}


READY, RECONCILING, STALLED = "Ready", "Reconciling", "Stalled"


@pytest.mark.parametrize(
    ("body", "state", "settled", "stalled"),
    [
        (None, "Gone", False, False),
        ({}, "Applied", False, False),
        (_body((READY, "False", "Creating"), (RECONCILING, "True", "Creating")), "Creating", False, False),
        (_body((READY, "True", "InService")), "InService", True, False),
        (_body((READY, "True", "InService"), (RECONCILING, "True", "Updating")), "Updating", False, False),
        (_body((READY, "False", "JobFailed"), (STALLED, "True", "JobFailed")), "JobFailed", False, True),
    ],
    ids=["gone", "new", "on the way", "settled", "updating", "stalled"],
)
def test_a_sight_says_what_matters_most(body: dict[str, Any] | None, state: str, settled: bool, stalled: bool) -> None:
    sight = sight_of(Kind.ENDPOINT, "digits", body)
    assert (sight.state, sight.is_settled, sight.is_stalled) == (state, settled, stalled)


class Answers:
    """A cluster whose kubectl answers from a list, and repeats the last for ever."""

    def __init__(self, *answers: tuple[int, list[dict[str, Any]]]) -> None:
        self._answers = list(answers)

    def kubectl(self, *arguments: str, check: bool) -> subprocess.CompletedProcess[str]:
        assert not check
        code, items = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return subprocess.CompletedProcess(arguments, code, json.dumps({"items": items}), "no route to host")


def _training(*conditions: tuple[str, str, str]) -> dict[str, Any]:
    return {"kind": "ClassifierTraining", "metadata": {"name": "digits"}, **_body(*conditions)}


STARTING = _training(("Reconciling", "True", "Starting"))
COMPLETED = _training(("Ready", "True", "Completed"))


def _watcher(answers: Answers, seen: list[str], problem: str = "") -> Watcher:
    ticks: Iterator[float] = iter(range(10_000))
    return Watcher(
        cast(DemoCluster, answers),
        {Kind.TRAINING: "digits"},
        lambda sight: seen.append(sight.state),
        lambda: problem,
        clock=lambda: next(ticks),
        sleep=lambda _: None,
    )


def test_each_state_is_shown_once() -> None:
    seen: list[str] = []
    _watcher(Answers((0, []), (0, [STARTING]), (0, [STARTING]), (0, [COMPLETED])), seen).until(are_serving, "it", 99)
    assert seen == ["Gone", "Starting", "Completed"]


def test_a_cluster_that_fails_for_a_moment_is_asked_again() -> None:
    sights = _watcher(Answers((1, []), (1, []), (0, [])), []).until(are_gone, "it", 99)
    assert sights[Kind.TRAINING].state == "Gone"


@pytest.mark.parametrize(
    ("answers", "problem", "words"),
    [
        (Answers((0, [STARTING])), "", r"it took over 5 s; ClassifierTraining/digits is Starting"),
        (Answers((0, [STARTING])), "the operator has ended", "the operator has ended"),
        (Answers((1, [])), "", "the cluster does not answer: no route to host"),
        (Answers((0, [_training(("Stalled", "True", "JobFailed"))])), "", r"is stalled \(JobFailed\)"),
    ],
    ids=["too long", "no operator", "no cluster", "stalled"],
)
def test_watching_ends_with_the_reason(answers: Answers, problem: str, words: str) -> None:
    patience = 5 if "took" in words else 500
    with pytest.raises(DemoError, match=words):
        _watcher(answers, [], problem).until(are_serving, "it", patience)


def _classified(label: int, predicted: int) -> Classified:
    prediction = Prediction(index=predicted, probability=0.5, label=str(predicted), classes=10)
    return Classified(LabelledImage(label, b"", ""), prediction)


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [(179, 21, "accuracy is 89.5%"), (150, 0, "150 images were classified")],
    ids=["too bad", "too few"],
)
def test_a_bad_classifier_fails_the_demo(right: int, wrong: int, words: str) -> None:
    with pytest.raises(DemoError, match=words):
        require_accuracy([_classified(1, 1)] * right + [_classified(1, 2)] * wrong)


def test_nine_in_ten_are_enough() -> None:
    require_accuracy([_classified(1, 1)] * 180 + [_classified(1, 2)] * 20)


def test_a_handful_has_different_classes_and_a_mistake() -> None:
    shown = handful([_classified(n % 10, n % 10) for n in range(30)] + [_classified(3, 5)] * 4, classes=4, mistakes=1)
    assert [(one.image.label, one.prediction.index) for one in shown] == [(0, 0), (1, 1), (2, 2), (3, 3), (3, 5)]


WHITE, BLACK = "rgb(255,255,255)", "rgb(0,0,0)"


def _png(upper: int, lower: int) -> bytes:
    image = Image.new("L", (8, 8), lower)
    image.paste(upper, (0, 0, 8, 4))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def test_an_image_is_drawn_in_half_blocks() -> None:
    assert draw(_png(255, 0), has_colour=False, size=4).plain == "████\n    "


def test_an_image_is_drawn_in_shades() -> None:
    drawn = draw(_png(255, 0), has_colour=True, size=4)
    assert drawn.plain == "▀▀▀▀\n▀▀▀▀"
    assert {str(span.style) for span in drawn.spans} == {f"{shade} on {shade}" for shade in (WHITE, BLACK)}


def _shown(write: Callable[[View], None], *, terminal: bool) -> str:
    output = io.StringIO()
    write(View(Console(file=output, force_terminal=terminal, width=60), clock=lambda: 0.0))
    return output.getvalue()


def _watch(view: View) -> None:
    with view.watching("Train") as show:
        show(Sight(Kind.TRAINING, "digits", "Starting", "a message " * 20))


def test_a_change_of_state_is_one_line_however_long() -> None:
    lines = _shown(_watch, terminal=False).splitlines()
    assert [line for line in lines if "Starting" in line] == [
        f"    0.0 s  ClassifierTraining/digits   Starting            {('a message ' * 20).strip()}"
    ]


def test_a_terminal_shows_a_board_too() -> None:
    assert "object" in _shown(_watch, terminal=True)


def test_the_example_says_what_the_demo_needs() -> None:
    example = read_example(DIGITS)
    assert example.channel("train") == "s3://classifier-demo/digits/train"
    assert example.labels[example.sample_class] == "seven"
    assert example.sample
    assert example.sample.name == "digits-sample"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: ClassifierTraining\n", "it must have one ClassifierEndpoint, and has 0"),
        ("a: [", "no manifest that the demo can use"),
        ("- 1", "no manifest that the demo can use"),
        (DIGITS.read_text().replace("name: digits", "title: digits"), "no manifest that the demo can use"),
        (DIGITS.read_text().replace("instanceCount: 1", "instanceCount: many"), "no manifest that the demo can use"),
    ],
    ids=["one object", "no YAML", "no object", "no name", "wrong type"],
)
def test_a_manifest_that_will_not_do_is_refused(tmp_path: Path, text: str, words: str) -> None:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(text)
    done = CliRunner().invoke(main, ["demo", "--manifest", str(manifest)])
    assert done.exit_code == 1
    assert words in done.output
