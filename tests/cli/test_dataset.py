"""`classifier-operator dataset`: from a folder of images to the channels of a training."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from classifier_operator.cli import main
from classifier_operator.cli.destination import Destination
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


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as emulator:
        yield emulator


@pytest.fixture
def aws(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> EmulatorProcess:
    """An empty AWS, which the environment names."""
    emulator.control.reset()
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": emulator.url}.items():
        monkeypatch.setenv(name, value)
    return emulator


def test_upload_puts_each_channel_into_its_folder(folder: Path, tmp_path: Path, aws: EmulatorProcess) -> None:
    boto3.client("s3").create_bucket(Bucket="animals")
    done = _run(folder, tmp_path / "out", "--upload", "s3://animals/first/")
    assert done.exit_code == 0, done.output
    objects = {one["name"] for one in aws.control.resources(s3=True)}
    assert objects == {"s3://animals/first/train/train.rec", "s3://animals/first/validation/validation.rec"}
    assert "s3Uri: s3://animals/first/train\n" in done.output
    assert "uploading train.rec to s3://animals/first/train" in done.stderr


def test_a22_the_check_before_an_upload_leaves_nothing(folder: Path, tmp_path: Path, aws: EmulatorProcess) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="animals")
    assert _run(folder, tmp_path / "out", "--upload", "s3://animals").exit_code == 0
    assert s3.list_multipart_uploads(Bucket="animals").get("Uploads", []) == []
    assert {one["name"] for one in aws.control.resources(s3=True)} == {
        "s3://animals/train/train.rec",
        "s3://animals/validation/validation.rec",
    }


def _without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("AWS_") and name not in ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.mark.usefixtures("aws")
def test_a22_a_missing_bucket_is_said_before_anything_is_packed(folder: Path, tmp_path: Path) -> None:
    done = _run(folder, tmp_path / "out", "--upload", "s3://missing/first")
    assert done.exit_code == 1
    assert "NoSuchBucket" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("aws")
def test_a22_missing_credentials_are_said_before_anything_is_packed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_credentials(monkeypatch)
    done = _run(folder, tmp_path / "out", "--upload", "s3://animals/first")
    assert done.exit_code == 1
    assert "Unable to locate credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("aws")
def test_a22_a_region_of_the_environment_that_is_none_is_said_before_anything_is_packed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "no region")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "no region")
    done = _run(folder, tmp_path / "out", "--upload", "s3://animals/first")
    assert done.exit_code == 1
    assert "no region" in done.stderr
    assert not (tmp_path / "out").exists()


def test_b27_a_key_encrypts_both_channels(folder: Path, tmp_path: Path, aws: EmulatorProcess) -> None:
    s3 = boto3.client("s3", endpoint_url=aws.url)
    s3.create_bucket(Bucket="animals")
    key = "arn:aws:kms:us-east-1:123456789012:key/0f1e"
    assert _run(folder, tmp_path / "out", "--upload", "s3://animals", "--kms-key-id", key).exit_code == 0
    for channel in ("train", "validation"):
        found = s3.head_object(Bucket="animals", Key=f"{channel}/{channel}.rec")
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


def test_b27_a_policy_that_demands_a_key_says_which_option_gives_it(
    folder: Path, tmp_path: Path, aws: EmulatorProcess
) -> None:
    boto3.client("s3").create_bucket(Bucket="animals")
    words = "User: me is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy"
    aws.control.fail_next("s3.POST", code="AccessDenied", message=words, status=403)
    done = _run(folder, tmp_path / "out", "--upload", "s3://animals")
    assert done.exit_code == 1
    assert words in done.stderr
    assert "if the bucket's policy demands SSE-KMS, name the key: --kms-key-id" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a29_ctrl_c_during_the_upload_keeps_what_was_packed(
    folder: Path, tmp_path: Path, aws: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3.client("s3", endpoint_url=aws.url).create_bucket(Bucket="animals")

    def put(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Destination, "put", put)
    done = _run(folder, tmp_path / "out", "--upload", "s3://animals")
    assert done.exit_code == 130
    assert "are complete, the upload is not" in done.stderr
    assert (tmp_path / "out" / "train" / "train.rec").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing", "out"], 1, "nothing is not a folder"),
        (["only"], 2, "FOLDER and OUTPUT without it"),
        (["--digits", "a", "b"], 2, "OUTPUT alone with --digits"),
        (["a", "b", "--upload", "bucket/x"], 2, "not of the form s3://bucket/prefix"),
        (["a", "b", "--validation-fraction", "1"], 2, "0<x<1"),
        (["a", "b", "--upload", "s3://b/../x"], 2, "must have no . or .. between slashes"),
        (["a", "b", "--upload", "s3://b/x", "--region", "us_east"], 2, "us_east"),
        (["a", "b", "--kms-key-id", "alias/x"], 2, "--kms-key-id is for an upload"),
        (["--digits", "a", "--list", "/dev/null"], 2, "--digits has images of its own"),
    ],
    ids=[
        "no folder",
        "no output",
        "both",
        "no bucket",
        "all to validate with",
        "dots",
        "no region",
        "a key for nothing",
        "a list of digits",
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = _run(*arguments)
    assert done.exit_code == code
    assert words in " ".join(done.output.split())
