"""`predict` and `logs` against a trained and served model: a demo that is kept running, asked all at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image

from control_plane import ControlPlane
from tests.cli.conftest import CREDENTIALS
from tests.cli.demos import ROOT, Demo, Played, finish, play_once

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True)
class Kept:
    """What a kept demo says of how to go on."""

    environment: dict[str, str]
    kubectl: str
    images: Path
    namespace: str

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the demo's namespace."""
        arguments = [*command, "-n", self.namespace]
        return subprocess.run(
            arguments, env=self.environment, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
        )


def _kept(demo: Demo) -> Kept:
    """Read what it has printed, as a user would."""
    demo.wait_for("classifier-operator logs")
    exports = re.search(r"export (KUBECONFIG=.*)", demo.text)
    get = re.search(r"(\S+) -n (\S+) get ctrain", demo.text)
    predict = re.search(r"predict digits (\S+)/\*\.png", demo.text)
    assert exports
    assert get
    assert predict
    environment = dict(pair.split("=", 1) for pair in exports[1].split())
    paths = {"PATH": f"{SCRIPTS}:{os.defpath}", "PYTHONPATH": str(ROOT / "operator"), "HOME": str(demo.temporary)}
    return Kept({**CREDENTIALS, **environment, **paths}, get[1], Path(predict[1]), get[2])


def _ask(kept: Kept, folder: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """All that the tests want to know."""
    seven, four = (str(kept.images / f"{word}.png") for word in ("seven", "four"))
    with Image.open(seven) as image:
        image.convert("L").save(folder / "seven.jpg", "JPEG", quality=95)
        image.convert("L").save(folder / "seven.bmp", "BMP")
    (folder / "broken.png").write_bytes(b"not an image")
    program = [sys.executable, "-m", "classifier_operator"]
    formats = [str(folder / f"seven.{kind}") for kind in ("jpg", "bmp")]
    commands = {
        "table": [*program, "predict", "digits", seven, "--top", "2"],
        "json": [*program, "predict", "digits", seven, four, "--top", "10", "-o", "json"],
        "formats": [*program, "predict", "digits", *formats, "--top", "1"],
        "broken": [*program, "predict", "digits", str(folder / "broken.png")],
        "missing": [*program, "predict", "letters", seven],
        "plugin": [kept.kubectl, "classifier", "predict", "digits", seven],
        "logs": [*program, "logs", "digits"],
        "followed logs": [*program, "logs", "digits", "--follow", "--timestamps"],
    }
    return {name: kept.run(*command) for name, command in commands.items()}


@pytest.fixture(scope="session")
def kept(cluster: ControlPlane, shared_folder: Path) -> Played:
    """`cluster` is asked for because it has the tools built."""
    folder = shared_folder / "kept"

    def play() -> Played:
        with closing(Demo(folder, "--keep", "--speed", "60")) as demo:
            said = _ask(_kept(demo), folder)
            demo.interrupt()
            return replace(finish(demo), said=said)

    return play_once(folder, play)


def test_an_interrupted_wait_goes_on_to_the_good_end(kept: Played) -> None:
    assert kept.code == 0, kept.text
    assert "Nothing is left at AWS" in kept.text
    assert (kept.processes, kept.files) == ([], [])


def test_predict_names_the_most_probable_classes(kept: Played) -> None:
    header, first, second = kept.said["table"].stdout.splitlines()
    assert header.split() == ["IMAGE", "LABEL", "PROBABILITY"]
    assert re.search(r"seven\.png  +seven +(0\.\d{4}|1\.0000)$", first)
    assert second.split()[0] in WORDS


def test_predict_in_json_has_a_share_for_each_class(kept: Played) -> None:
    answers = json.loads(kept.said["json"].stdout)
    assert [Path(answer["image"]).stem for answer in answers] == ["seven", "four"]
    for answer in answers:
        probabilities = [one["probability"] for one in answer["predictions"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)
        assert {one["label"] for one in answer["predictions"]} == set(WORDS)


def test_predict_sends_other_formats_too(kept: Played) -> None:
    done = kept.said["formats"]
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == ["seven", "seven"], done.stderr


def test_predict_says_what_the_model_says_of_no_image(kept: Played) -> None:
    done = kept.said["broken"]
    assert done.returncode == 1
    assert "ModelError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_object_is_named(kept: Played) -> None:
    done = kept.said["missing"]
    assert done.returncode == 1
    assert "ClassifierEndpoint classifier-demo/letters: " in done.stderr
    assert '"letters" not found' in done.stderr


def test_kubectl_has_it_as_a_plugin(kept: Played) -> None:
    assert shutil.which("kubectl-classifier", path=str(SCRIPTS))
    done = kept.said["plugin"]
    assert "seven" in done.stdout.splitlines()[1], done.stderr


@pytest.mark.parametrize("name", ["logs", "followed logs"])
def test_logs_are_the_job_s(kept: Played, name: str) -> None:
    done = kept.said[name]
    epochs = re.findall(r"Epoch\[(\d+)\] Validation-accuracy=", done.stdout)
    assert epochs == [str(number) for number in range(10)], done.stderr


def test_logs_have_their_times_on_request(kept: Played) -> None:
    times = [line.split()[0] for line in kept.said["followed logs"].stdout.splitlines()]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", time) for time in times)
