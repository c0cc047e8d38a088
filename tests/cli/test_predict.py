"""`predict` with several images: one that is bad takes nothing from the others."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from classifier_operator.cli import main

READY = {
    "spec": {"classLabels": {"values": ["cat", "dog"]}},
    "status": {"endpointName": "x", "conditions": [{"type": "Ready", "status": "True"}]},
}


class Objects:
    """A cluster with one endpoint."""

    namespace = "vision"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, kind: str, name: str) -> dict[str, Any]:
        self.asked.append(f"{kind}/{name}")
        return READY


class Runtime:
    """Answers what the image's text says; refuses with the code that follows "refused"."""

    def invoke_endpoint(self, *, Body: bytes, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        word, code = f"{Body.decode()} ".split(" ")[:2]
        if word == "refused":
            error = {"Code": code, "Message": "cannot identify image file"}
            raise ClientError({"Error": error}, "InvokeEndpoint")
        answer = {"cat": b"[0.9, 0.1]", "dog": b"[0.2, 0.8]"}.get(word, b"no numbers")
        return {"Body": io.BytesIO(answer)}


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Objects:
    found = Objects()
    monkeypatch.setattr("classifier_operator.cli.predict.connect", lambda *_: found)
    monkeypatch.setattr("classifier_operator.cli.predict.clients.client_for", lambda *_: Runtime())
    return found


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def make(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return name

    return make


def _predict(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["predict", "digits", "--top", "1", *arguments], input=stdin)


def _rows(done: Result) -> list[list[str]]:
    return [line.split() for line in done.stdout.splitlines()[1:]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("refused ModelError", "cannot identify image file"),
        ("refused 413", "cannot identify image file"),
        ("refused ValidationError", "cannot identify image file"),
        ("nonsense", "array"),
        ("", "is empty"),
        (None, "No such file or directory"),
    ],
    ids=["no image", "too large", "too long", "no answer", "empty", "absent"],
)
def test_a10_a_bad_image_is_named_and_the_others_are_given(
    objects: Objects, image: Any, text: str | None, words: str
) -> None:
    good, last = image("good.png", "cat"), image("last.png", "dog")
    if text is not None:
        image("bad.png", text)
    done = _predict(good, "bad.png", last)
    assert done.exit_code == 1
    assert _rows(done) == [["good.png", "cat", "0.9000"], ["last.png", "dog", "0.8000"]]
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: bad.png: ")
    assert words in line


def test_a10_a_folder_is_named(objects: Objects, image: Any, tmp_path: Path) -> None:
    done = _predict(image("good.png", "cat"), str(tmp_path))
    assert (done.exit_code, len(_rows(done))) == (1, 1)
    assert f"Error: {tmp_path}: Is a directory" in done.stderr


def test_a10_in_json_the_bad_one_has_its_error(objects: Objects, image: Any) -> None:
    done = _predict(image("good.png", "cat"), image("bad.png", "refused ModelError"), "-o", "json")
    good, bad = json.loads(done.stdout)
    assert good["predictions"][0]["label"] == "cat"
    assert (bad["image"], "predictions" in bad) == ("bad.png", False)
    assert "cannot identify image file" in bad["error"]
    assert done.exit_code == 1


def test_a10_the_same_path_twice_has_two_rows(objects: Objects, image: Any) -> None:
    path = image("good.png", "cat")
    done = _predict(path, path)
    assert (done.exit_code, len(_rows(done))) == (0, 2)


def test_a10_a_dash_is_the_standard_input(objects: Objects, image: Any) -> None:
    done = _predict(image("good.png", "cat"), "-", stdin="dog")
    assert done.exit_code == 0, done.output
    assert _rows(done)[1] == ["-", "dog", "0.8000"]


def test_a10_what_no_other_image_would_be_spared_ends_it(objects: Objects, image: Any) -> None:
    denied, good = image("denied.png", "refused AccessDeniedException"), image("good.png", "cat")
    done = _predict(good, denied, good)
    assert done.exit_code == 1
    assert _rows(done) == [["good.png", "cat", "0.9000"]]
    assert done.stderr.count("AccessDeniedException") == 1


@pytest.mark.parametrize(
    "name",
    ["digits", "cep/digits", "classifierendpoint/digits", "classifierendpoints.classifiers.sagemaker.dev/digits"],
)
def test_a11_an_endpoint_is_named_as_kubectl_names_it(objects: Objects, image: Any, name: str) -> None:
    done = CliRunner().invoke(main, ["predict", name, image("good.png", "cat")])
    assert done.exit_code == 0, done.output
    assert objects.asked == ["ClassifierEndpoint/digits"]


@pytest.mark.parametrize(
    ("command", "name", "words"),
    [
        (["predict"], "ctrain/digits", "'ctrain/digits' is no ClassifierEndpoint: write cep/NAME, or the name alone"),
        (["predict"], "vision/cep/digits", "write cep/NAME"),
        (["predict"], "cep/", "write cep/NAME"),
        (["logs"], "cep/digits", "'cep/digits' is no ClassifierTraining: write ctrain/NAME, or the name alone"),
    ],
    ids=["another kind", "namespace", "no name", "logs"],
)
def test_a11_another_kind_is_refused(objects: Objects, image: Any, command: list[str], name: str, words: str) -> None:
    images = [image("good.png", "cat")] if command == ["predict"] else []
    done = CliRunner(env={"COLUMNS": "300"}).invoke(main, [*command, name, *images])
    assert done.exit_code == 2
    assert words in done.output
    assert objects.asked == []
