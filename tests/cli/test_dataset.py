"""`classifier-operator dataset`: from a folder of images to the channels of a training."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from classifier_operator.cli import main
from image_recordio import read_records
from sagemaker_emulator.server import EmulatorProcess
from tests.cli.conftest import CREDENTIALS


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["dataset", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images of each of two classes."""
    folder = tmp_path / "animals"
    for name, shade in (("cat", 40), ("dog", 200)):
        (folder / name).mkdir(parents=True)
        for number in range(10):
            Image.new("L", (40, 30), shade + number).save(folder / name / f"{number}.png")
    return folder


def _snippet(output: str) -> dict[str, object]:
    """What is to be pasted into a manifest."""
    _, _, rest = output.partition("For the ClassifierTraining:\n")
    found: dict[str, object] = yaml.safe_load(rest.partition("\n\n")[0])
    return found


def test_a_folder_becomes_two_channels(folder: Path, tmp_path: Path) -> None:
    done = _run(folder, tmp_path / "out", "--validation-fraction", "0.3")
    assert done.exit_code == 0, done.output
    files = [tmp_path / "out" / name / f"{name}.rec" for name in ("train", "validation")]
    assert [len(list(read_records(file.read_bytes()))) for file in files] == [14, 6]
    assert (tmp_path / "out" / "labels.txt").read_text() == "cat\ndog\n"


def test_what_it_prints_fits_into_a_manifest(folder: Path, tmp_path: Path) -> None:
    snippet = _snippet(_run(folder, tmp_path / "out").output)
    assert snippet["hyperparameters"] == {"numClasses": 2, "numTrainingSamples": 16}
    assert snippet["inputs"] == [
        {"name": name, "s3Uri": f"s3://BUCKET/PREFIX/{name}", "contentType": "application/x-recordio"}
        for name in ("train", "validation")
    ]


def test_resize_sets_the_shorter_edge(folder: Path, tmp_path: Path) -> None:
    assert _run(folder, tmp_path / "out", "--resize", "15").exit_code == 0
    record = next(iter(read_records((tmp_path / "out" / "train" / "train.rec").read_bytes())))
    with Image.open(io.BytesIO(record.image)) as image:
        assert image.size == (20, 15)


def test_digits_come_with_images_to_try(tmp_path: Path) -> None:
    done = _run("--digits", tmp_path)
    assert _snippet(done.output)["hyperparameters"] == {"numClasses": 10, "numTrainingSamples": 1197}
    assert len(list((tmp_path / "held-out").glob("*/*.png"))) == 300


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as aws:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": aws.url}.items():
            monkeypatch.setenv(name, value)
        yield aws


def test_upload_puts_each_channel_into_its_folder(folder: Path, tmp_path: Path, aws: EmulatorProcess) -> None:
    boto3.client("s3").create_bucket(Bucket="animals")
    done = _run(folder, tmp_path / "out", "--upload", "s3://animals/first/")
    assert done.exit_code == 0, done.output
    objects = {one["name"] for one in aws.control.resources(s3=True)}
    assert objects == {"s3://animals/first/train/train.rec", "s3://animals/first/validation/validation.rec"}
    assert "s3Uri: s3://animals/first/train\n" in done.output


def test_a_refused_upload_is_said_in_aws_s_words(folder: Path, tmp_path: Path, aws: EmulatorProcess) -> None:
    done = _run(folder, tmp_path / "out", "--upload", "s3://missing/first")
    assert done.exit_code == 1
    assert "NoSuchBucket" in done.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing", "out"], 1, "nothing is not a folder"),
        (["only"], 2, "FOLDER and OUTPUT without it"),
        (["--digits", "a", "b"], 2, "OUTPUT alone with --digits"),
        (["a", "b", "--upload", "bucket/x"], 2, "not of the form s3://bucket/prefix"),
        (["a", "b", "--validation-fraction", "1"], 2, "0<x<1"),
    ],
    ids=["no folder", "no output", "both", "no bucket", "all to validate with"],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = _run(*arguments)
    assert done.exit_code == code
    assert words in " ".join(done.output.split())
