"""Real training: from RecordIO in S3 to a model that an endpoint answers with, and how it fails."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from image_recordio import Record, RecordWriter
from image_recordio.digits import digits
from sagemaker_emulator.control import Control
from tests.emulator.builders import ALGORITHM, BUCKET, create_config, create_model, refusal, training

PREFIX = f"s3://{BUCKET}/data"


@pytest.fixture(scope="module")
def channels() -> dict[str, bytes]:
    """A few digits as RecordIO, by channel."""
    data = digits(size=16, per_class=5)
    return {"train": packed(data.train[:300]), "validation": packed(data.validation)}


@pytest.fixture
def data(s3: Any, channels: dict[str, bytes]) -> Any:
    for name, content in channels.items():
        s3.put_object(Bucket=BUCKET, Key=f"data/{name}/digits.rec", Body=content)
    return s3


def packed(images: Any) -> bytes:
    sink = io.BytesIO()
    writer = RecordWriter(sink)
    for number, image in enumerate(images):
        writer.write(Record(label=float(image.label), image=image.image, id=number))
    return sink.getvalue()


def channel(name: str, uri: str = "", **source: Any) -> dict[str, Any]:
    given = {"S3DataType": "S3Prefix", "S3Uri": uri or f"{PREFIX}/{name}", **source}
    content = {"ContentType": "application/x-recordio"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": given}, **content}


def digits_training(**changes: Any) -> dict[str, Any]:
    hyperparameters = {
        "num_layers": "18",
        "image_shape": "1,16,16",
        "num_training_samples": "300",
        "num_classes": "10",
        "mini_batch_size": "32",
        "epochs": "2",
        "learning_rate": "0.1",
        **changes.pop("hyperparameters", {}),
    }
    return training(
        AlgorithmSpecification={"TrainingImage": ALGORITHM, "TrainingInputMode": "File"},
        InputDataConfig=changes.pop("channels", [channel("train"), channel("validation")]),
        HyperParameters=hyperparameters,
        **changes,
    )


def finished(sagemaker: Any, control: Control, **changes: Any) -> dict[str, Any]:
    sagemaker.create_training_job(**digits_training(**changes))
    control.advance(300)
    return dict(sagemaker.describe_training_job(TrainingJobName="job"))


def test_job_trains_and_leaves_model_metrics_and_log(sagemaker: Any, data: Any, clients: Any, control: Control) -> None:
    job = finished(sagemaker, control)
    assert job["TrainingJobStatus"] == "Completed"
    metrics = {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]}
    assert 0 <= metrics["validation:accuracy"] <= 1
    artifact = data.get_object(Bucket=BUCKET, Key="output/job/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(artifact)) as archive:
        assert archive.getnames()
    lines = log_lines(clients("logs"))
    assert any("Validation-accuracy" in line for line in lines)


LABELS: dict[str, tuple[str, Callable[[int], Any], dict[str, str]]] = {
    "b31-ground-truth": ("application/x-recordio", lambda label: label, {}),
    "b31-text": ("application/x-recordio", str, {}),
    "b31-class-ids": ("application/x-recordio; label-format=class-id", lambda n: [n], {"multi_label": "1"}),
    "b31-class-ids-as-text": (
        "application/x-recordio; label-format=class-id",
        lambda n: f"[{n}]",
        {"multi_label": "1"},
    ),
    "b31-multi-hot-as-text": (
        "application/x-recordio",
        lambda n: json.dumps([int(n == each) for each in range(10)]),
        {"multi_label": "1"},
    ),
}


def augmented(s3: Any, name: str, labelled: Callable[[int], Any], content: str) -> dict[str, Any]:
    """A channel that names its images in a manifest, as Ground Truth writes it."""
    lines = []
    for number, image in enumerate(digits(size=16, per_class=3).train[:24]):
        key = f"images/{name}/{number}.png"
        s3.put_object(Bucket=BUCKET, Key=key, Body=image.image)
        line = {"source-ref": f"s3://{BUCKET}/{key}", "digit": labelled(image.label)}
        lines.append(json.dumps({**line, "digit-metadata": {"type": "groundtruth/image-classification"}}))
    s3.put_object(Bucket=BUCKET, Key=f"{name}.manifest", Body="\n".join(lines).encode())
    source = {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["source-ref", "digit"]}
    made = channel(name, f"s3://{BUCKET}/{name}.manifest", **source)
    return {**made, "ContentType": content, "RecordWrapperType": "RecordIO", "InputMode": "Pipe"}


@pytest.mark.parametrize(("content", "labelled", "settings"), LABELS.values(), ids=LABELS)
def test_augmented_manifests_train(
    sagemaker: Any,
    s3: Any,
    control: Control,
    content: str,
    labelled: Callable[[int], Any],
    settings: dict[str, str],
) -> None:
    given = [augmented(s3, name, labelled, content) for name in ("train", "validation")]
    job = finished(sagemaker, control, channels=given, hyperparameters={"mini_batch_size": "8", **settings})
    assert (job["TrainingJobStatus"], job.get("FailureReason")) == ("Completed", None)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        pytest.param(b"no json", "line 1 is not a JSON object", id="no-json"),
        pytest.param(b"[1]", "line 1 is not a JSON object", id="no-object"),
        pytest.param(b'{"digit": 1}', "line 1 has no attribute 'source-ref'", id="no-image"),
        pytest.param(b'{"source-ref": "a.png", "digit": 1}', "source-ref is not an s3:// URI", id="no-uri"),
        pytest.param(b'\n{"source-ref": "s3://models/a", "digit": true}', "line 2: the label digit", id="no-label"),
        pytest.param(b'{"source-ref": "s3://models/none", "digit": 1}', "NoSuchKey", id="image-that-is-not-there"),
        pytest.param(b"", "Empty .rec file in train channel", id="empty"),
    ],
)
def test_b31_augmented_manifest_that_cannot_be_read(
    sagemaker: Any, s3: Any, control: Control, manifest: bytes, words: str
) -> None:
    given = [augmented(s3, name, int, "application/x-recordio") for name in ("train", "validation")]
    s3.put_object(Bucket=BUCKET, Key="train.manifest", Body=manifest)
    job = finished(sagemaker, control, channels=given)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert words in job["FailureReason"]


def test_b31_augmented_manifest_needs_pipe_mode(sagemaker: Any, s3: Any) -> None:
    given = [augmented(s3, name, int, "application/x-recordio") for name in ("train", "validation")]
    for one in given:
        del one["InputMode"]
    code, message = refusal(sagemaker.create_training_job, **digits_training(channels=given))
    assert (code, "input mode of channel 'train' is Pipe" in message) == ("ValidationException", True)


def test_metrics_are_in_cloudwatch_an_epoch_after_the_other(
    sagemaker: Any, data: Any, clients: Any, control: Control
) -> None:
    job = finished(sagemaker, control)
    found = clients("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="validation:accuracy",
        Dimensions=[{"Name": "TrainingJobName", "Value": "job"}],
        StartTime=job["TrainingStartTime"],
        EndTime=job["TrainingEndTime"],
        Period=60,
        Statistics=["Average"],
    )["Datapoints"]
    found.sort(key=lambda point: point["Timestamp"])
    (final,) = [m for m in job["FinalMetricDataList"] if m["MetricName"] == "validation:accuracy"]
    assert len(found) == 2
    assert found[-1]["Average"] == pytest.approx(final["Value"], abs=1e-6)
    assert job["TrainingStartTime"] < final["Timestamp"] <= job["TrainingEndTime"]


def log_lines(logs: Any) -> list[str]:
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="job/algo-1-")["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
    return [event["message"] for event in events]


def test_trained_model_answers(sagemaker: Any, runtime: Any, data: Any, control: Control) -> None:
    job = finished(sagemaker, control)
    deploy(sagemaker, control, job["ModelArtifacts"]["S3ModelArtifacts"])
    image = digits(size=16, per_class=5).held_out[0].image
    answer = runtime.invoke_endpoint(EndpointName="endpoint", Body=image, ContentType="application/x-image")
    probabilities = json.loads(answer["Body"].read())
    assert (len(probabilities), sum(probabilities)) == (10, pytest.approx(1.0, abs=1e-3))
    assert answer["ContentType"] == "application/json"


def test_image_that_is_none_is_the_models_error(sagemaker: Any, runtime: Any, data: Any, control: Control) -> None:
    job = finished(sagemaker, control)
    deploy(sagemaker, control, job["ModelArtifacts"]["S3ModelArtifacts"])
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(EndpointName="endpoint", Body=b"no image", ContentType="image/png")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert caught.value.response["OriginalStatusCode"] == 400
    assert caught.value.response["Error"]["Message"].startswith("Received client error (400) from primary")


def test_content_type_that_the_model_does_not_take(sagemaker: Any, runtime: Any, data: Any, control: Control) -> None:
    job = finished(sagemaker, control)
    deploy(sagemaker, control, job["ModelArtifacts"]["S3ModelArtifacts"])
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(EndpointName="endpoint", Body=b"1,2", ContentType="text/csv")
    assert caught.value.response["OriginalStatusCode"] == 415


def deploy(sagemaker: Any, control: Control, url: str) -> None:
    create_model(sagemaker, Image=ALGORITHM, ModelDataUrl=url)
    create_config(sagemaker)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(300)


def test_archive_without_a_model_fails_the_endpoint(sagemaker: Any, s3: Any, control: Control) -> None:
    s3.put_object(Bucket=BUCKET, Key="broken.tar.gz", Body=b"no archive")
    deploy(sagemaker, control, f"s3://{BUCKET}/broken.tar.gz")
    control.advance(1440)
    shown = sagemaker.describe_endpoint(EndpointName="endpoint")
    assert shown["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in shown["FailureReason"]


def test_manifest_names_the_objects(sagemaker: Any, data: Any, control: Control) -> None:
    manifest = json.dumps([{"prefix": f"{PREFIX}/train/"}, "digits.rec"])
    data.put_object(Bucket=BUCKET, Key="manifest.json", Body=manifest.encode())
    train = channel("train", f"s3://{BUCKET}/manifest.json", S3DataType="ManifestFile")
    assert finished(sagemaker, control, channels=[train, channel("validation")])["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"hyperparameters": {"num_classes": "5"}}, "num_classes", id="too-few-classes"),
        pytest.param(
            {"channels": [channel("train", f"{PREFIX}/none"), channel("validation")]}, "train", id="empty-channel"
        ),
        pytest.param({"channels": [channel("train")]}, "validation", id="missing-channel"),
        pytest.param(
            {"channels": [channel("train", "s3://no-such-bucket/x"), channel("validation")]},
            "NoSuchBucket",
            id="no-bucket",
        ),
        pytest.param(
            {"channels": [channel("train", f"{PREFIX}/text"), channel("validation")]}, "text.rec", id="no-recordio"
        ),
        pytest.param(
            {
                "channels": [
                    channel("train", f"{PREFIX}/text/text.rec", S3DataType="ManifestFile"),
                    channel("validation"),
                ]
            },
            "manifest",
            id="no-manifest",
        ),
        pytest.param(
            {"OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket/out"}}, "upload failed", id="no-output-bucket"
        ),
    ],
)
def test_failure_reason(sagemaker: Any, data: Any, control: Control, changes: dict[str, Any], words: str) -> None:
    data.put_object(Bucket=BUCKET, Key="data/text/text.rec", Body=b"this is no RecordIO file at all")
    job = finished(sagemaker, control, **changes)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert words in job["FailureReason"]
    assert "ModelArtifacts" not in job


def test_stop_during_the_work(sagemaker: Any, data: Any, control: Control) -> None:
    sagemaker.create_training_job(**digits_training())
    control.advance(90)
    sagemaker.stop_training_job(TrainingJobName="job")
    control.advance(60)
    assert sagemaker.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] == "Stopped"


def test_no_work_on_request(sagemaker: Any, s3: Any, control: Control) -> None:
    control.change_settings(training={"work": "none", "instant_artifact": False})
    job = finished(sagemaker, control)
    assert job["TrainingJobStatus"] == "Completed"
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
