"""Trainings from their creation to their end: acceptance scenarios T1 to T3, O1 to O3, O8, N16, N17 and N20."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from classifier_operator.cli import main
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, World, condition, reason_of, training, until

OWNER_TAGS = {f"classifiers.sagemaker.dev/{name}" for name in ("uid", "object", "cluster")}
TAGS = {"team": "vision", "cost": "4711", "stage": "test"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
SPOT = {"maxWaitSeconds": 7200, "checkpointS3Uri": f"s3://{BUCKET}/checkpoints"}


def is_ready(world: World) -> bool:
    return condition(world.status("ctrain", "digits"), "Ready").get("status") == "True"


def test_t1_deleted_while_it_runs(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    resources = {"instanceType": "ml.p3.2xlarge", "instanceCount": 1}
    stopping = {"maxRuntimeSeconds": 86400}
    world.apply(training(resources=resources, retry={"attempts": 2}, stopping=stopping, tags=TAGS))
    status = world.wait_for("ctrain", "digits", "Training")
    job = world.job()
    assert status["jobArn"] == job["TrainingJobArn"]
    assert (status["jobStatus"], job["TrainingJobStatus"]) == ("InProgress", "InProgress")
    assert not is_ready(world)
    assert len(job["InputDataConfig"]) == 2
    tags = world.tags_of(status["jobArn"])
    assert {name: tags[name] for name in tags.keys() - OWNER_TAGS} == TAGS
    world.delete("ctrain", "digits")
    assert world.jobs()[0] in ("Stopped", "Stopping", "Completed")


def test_t2_a_run_to_the_end(world: World, operator: OperatorProcess) -> None:
    world.apply(training(tags=TAGS))

    def is_done() -> bool:
        status = world.status("ctrain", "digits")
        ready = condition(status, "Ready").get("status") == "True"
        assert ready == (status.get("jobStatus") == "Completed")
        return ready and world.jobs() == ["Completed"]

    until(is_done, "the training to be complete")
    status = world.status("ctrain", "digits")
    location = status["modelArtifacts"]["s3Uri"]
    assert location == world.job()["ModelArtifacts"]["S3ModelArtifacts"]
    assert location == f"s3://{BUCKET}/output/{status['jobName']}/output/model.tar.gz"
    assert world.s3.head_object(Bucket=BUCKET, Key=urlsplit(location).path.lstrip("/"))
    uid = world.get("ctrain", "digits")["metadata"]["uid"]
    cluster = world.cluster.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}").stdout
    owner = {
        "classifiers.sagemaker.dev/cluster": cluster,
        "classifiers.sagemaker.dev/uid": uid,
        "classifiers.sagemaker.dev/object": f"ClassifierTraining/{world.namespace}/digits",
    }
    assert world.tags_of(status["jobArn"]) == {**TAGS, **owner}
    assert world.calls("CreateTrainingJob") == 1
    world.delete("ctrain", "digits")
    assert world.jobs() == ["Completed"]


def test_t3_readiness_waits_for_the_final_state(world: World, operator: OperatorProcess) -> None:
    """The scenario changes debugger and profiler fields, which this spec does not have. What it holds is that an object
    is not called ready while anything of its job is still to come: here, while the model is on its way to S3.
    """
    world.aws.change_settings(training={"uploading_seconds": 3600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Uploading")
    operator.wait_for_more("sweep_seconds_count", 3)
    status = world.status("ctrain", "digits")
    assert reason_of(status, "Ready") == "Uploading"
    assert "modelArtifacts" not in status
    world.aws.advance(3600)
    world.wait_for("ctrain", "digits", "Completed")
    job = world.job()
    assert job["LastModifiedTime"] != job["CreationTime"]


@pytest.mark.parametrize("changes", [{}, {"spot": SPOT}], ids=["plain", "spot"])
def test_o1_trainings_complete(world: World, operator: OperatorProcess, changes: dict[str, Any]) -> None:
    world.apply(training(**changes))
    world.wait_for("ctrain", "digits", "Completed")
    assert world.job()["EnableManagedSpotTraining"] is bool(changes)


def test_o1_with_an_address_of_its_own_for_sagemaker(world: World, start: Callable[..., OperatorProcess]) -> None:
    nowhere = "http://127.0.0.1:9"
    start(environment={"AWS_ENDPOINT_URL": nowhere, "AWS_ENDPOINT_URL_SAGEMAKER": world.aws.url})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")


def test_o1_spot_capacity_that_is_taken_away_comes_back(world: World, operator: OperatorProcess) -> None:
    world.aws.order("training", "interrupt")
    world.apply(training(spot=SPOT))
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 1
    assert "WaitingForCapacity" in world.events("digits")


@pytest.mark.parametrize("reason", ["ClientError: too few images, exit code: 2", "AlgorithmError: exit code: 1"])
def test_o2_a_failed_job_stalls_with_its_reason(world: World, operator: OperatorProcess, reason: str) -> None:
    world.aws.order("training", "fail", reason)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "JobFailed", of="Stalled")
    assert (status["jobStatus"], world.job()["TrainingJobStatus"]) == ("Failed", "Failed")
    assert status["failureReason"] == reason
    assert reason in condition(status, "Stalled")["message"]
    assert world.calls("CreateTrainingJob") == 1


def test_o3_deletion_shows_that_the_job_is_being_stopped(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600, "stopping_seconds": 3600})
    world.apply(training())
    name = world.wait_for("ctrain", "digits", "Training")["jobName"]
    world.kubectl("delete", "ctrain", "digits", "--wait=false")
    status = world.wait_for("ctrain", "digits", "Deleting")
    assert name in condition(status, "Ready")["message"]
    until(lambda: world.jobs() == ["Stopping"], "the job to be stopped")
    world.aws.advance(3600)
    until(lambda: not world.exists("ctrain", "digits"), "the object to go")
    assert world.jobs() == ["Stopped"]


def test_o8_logs_of_a_training(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "Completed")
    _write_a_line(world, status["jobName"])
    command = ["logs", "digits", "-n", world.namespace, "--kubeconfig", str(world.cluster.kubeconfig)]
    environment = {"AWS_ENDPOINT_URL": world.aws.url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    done = CliRunner().invoke(main, command, env=environment)
    assert done.output == "Epoch[0] Validation-accuracy=0.5\n"
    assert status["logUrl"].startswith("https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logs")
    assert status["jobName"] in status["logUrl"]


def _write_a_line(world: World, job: str) -> None:
    logs, group = world.client("logs"), "/aws/sagemaker/TrainingJobs"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=f"{job}/algo-1-1")
    event = {"timestamp": int(time.time() * 1000), "message": "Epoch[0] Validation-accuracy=0.5"}
    logs.put_log_events(logGroupName=group, logStreamName=f"{job}/algo-1-1", logEvents=[event])


@pytest.mark.parametrize(
    ("result", "reason"),
    [("stop", "JobStopped"), ("max_runtime", "MaxRuntimeExceeded"), ("max_wait", "MaxWaitTimeExceeded")],
)
def test_n16_a_job_that_was_stopped_is_no_success(
    world: World, operator: OperatorProcess, result: str, reason: str
) -> None:
    world.aws.order("training", result)
    world.apply(training(spot=SPOT))
    status = world.wait_for("ctrain", "digits", reason, of="Stalled")
    assert condition(status, "Ready")["status"] == "False"
    assert (status["jobStatus"], world.job()["TrainingJobStatus"]) == ("Stopped", "Stopped")
    operator.wait_for_more("sweep_seconds_count", 3)
    assert world.calls("CreateTrainingJob") == 1


def test_n16_a_spot_job_that_finds_no_capacity_in_time(world: World, operator: OperatorProcess) -> None:
    world.aws.set_shortage("ml.p3.2xlarge", "training job")
    world.apply(training(spot={"maxWaitSeconds": 1000}, stopping={"maxRuntimeSeconds": 600}))
    world.wait_for("ctrain", "digits", "WaitingForCapacity")
    world.wait_for("ctrain", "digits", "MaxWaitTimeExceeded", of="Stalled")


def test_n17_a_job_that_vanishes_is_lost_and_not_run_again(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    name = world.wait_for("ctrain", "digits", "Training")["jobName"]
    world.aws.remove("training-jobs", name)
    status = world.wait_for("ctrain", "digits", "JobLost", of="Stalled")
    assert name in condition(status, "Stalled")["message"]
    operator.wait_for_more("sweep_seconds_count", 3)
    assert world.calls("CreateTrainingJob") == 1
    world.kubectl("annotate", "ctrain", "digits", "classifiers.sagemaker.dev/retrain=now")
    until(lambda: world.calls("CreateTrainingJob") == 2, "a new run, because somebody asks for it")


def test_n20_a_finished_job_makes_no_calls(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), training("failed", tags={"team": "vision"}))
    world.aws.order("training", "fail", name="*failed*")
    world.wait_for("ctrain", "digits", "Completed")
    until(lambda: len(set(world.jobs()) - {"InProgress"}) == len(world.jobs()), "both jobs to end")
    until(lambda: reason_of(world.status("ctrain", "failed"), "Reconciling") == "", "the other one to be settled")
    # A look that began before that may still be waiting for its turn.
    operator.wait_for_more("sweep_seconds_count", 3)
    world.aws.clear_calls()
    operator.wait_for_more("sweep_seconds_count", 6)
    assert world.aws.counts() == {}


def test_each_step_is_one_event(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    until(lambda: world.events("digits")[-1:] == ["Completed"], "the last event")
    events = world.events("digits")
    assert events[0] == "Starting"
    assert len(events) == len(set(events))


def test_a7_events_carry_the_times_that_kubectl_orders_them_by(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    until(lambda: world.events("digits")[-1:] == ["Completed"], "the last event")
    listed = ("get", "events", "--field-selector=involvedObject.name=digits", "--sort-by=.lastTimestamp", "-o", "json")
    events = json.loads(world.kubectl(*listed))["items"]
    for event in events:
        # Times of kubectl's order have no parts of a second.
        second = event["eventTime"].partition(".")[0] + "Z"
        assert (event["firstTimestamp"], event["lastTimestamp"], event["count"]) == (second, second, 1)
        assert event["source"] == {"component": "classifier-operator"}
    assert [event["lastTimestamp"] for event in events] == sorted(event["lastTimestamp"] for event in events)
    assert {event["reason"] for event in events} == set(world.events("digits"))
    described = world.kubectl("describe", "ctrain", "digits").partition("\nEvents:")[2]
    assert "Completed" in described
    assert "<unknown>" not in described


def test_nothing_is_written_on_the_object_but_finalizer_and_status(world: World, operator: OperatorProcess) -> None:
    manifest = training()
    world.apply(manifest)
    world.wait_for("ctrain", "digits", "Completed")
    body = world.get("ctrain", "digits")
    assert body["metadata"]["finalizers"] == ["classifiers.sagemaker.dev/finalizer"]
    assert list(body["metadata"]["annotations"]) == ["kubectl.kubernetes.io/last-applied-configuration"]
    assert "labels" not in body["metadata"]
    assert body["metadata"]["generation"] == 1


def test_the_request_is_what_the_spec_says(world: World, operator: OperatorProcess) -> None:
    """Spot with checkpoints, keys, a VPC, isolation, and every field of an input, as AWS receives them."""
    manifest = training(
        algorithm={"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1", "inputMode": "FastFile"},
        hyperparameters={"numClasses": 10, "numTrainingSamples": 1000, "learningRate": "0.01", "extra": {"own": "x"}},
        output={"s3Uri": f"s3://{BUCKET}/output", "kmsKeyId": KEY},
        resources={
            "instanceType": "ml.p3.8xlarge",
            "instanceCount": 2,
            "volumeSizeGB": 77,
            "volumeKmsKeyId": KEY,
        },
        spot=SPOT,
        network={
            "subnets": ["subnet-b", "subnet-a"],
            "securityGroupIds": ["sg-1"],
            "isolated": True,
            "encryptTraffic": True,
        },
        environment={"LEVEL": "debug"},
        tags=TAGS,
    )
    world.apply(manifest)
    status = world.wait_for("ctrain", "digits", "Completed")
    request = world.request()
    tags = {tag["Key"]: tag["Value"] for tag in request.pop("Tags")}
    assert {name: tags[name] for name in tags.keys() - OWNER_TAGS} == TAGS
    hyperparameters = {"num_classes": "10", "num_training_samples": "1000", "learning_rate": "0.01", "own": "x"}
    assert request.pop("HyperParameters").items() >= hyperparameters.items()
    assert request == {
        "TrainingJobName": status["jobName"],
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
            "TrainingInputMode": "FastFile",
        },
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerExecution",
        "InputDataConfig": [_channel(name) for name in ("train", "validation")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output", "KmsKeyId": KEY},
        "ResourceConfig": {
            "InstanceType": "ml.p3.8xlarge",
            "InstanceCount": 2,
            "VolumeSizeInGB": 77,
            "VolumeKmsKeyId": KEY,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints"},
        "EnableManagedSpotTraining": True,
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
        "VpcConfig": {"Subnets": ["subnet-a", "subnet-b"], "SecurityGroupIds": ["sg-1"]},
        "Environment": {"LEVEL": "debug"},
    }


def _channel(name: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/{name}",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": "application/x-recordio",
    }


def test_a_name_as_long_as_kubernetes_allows(world: World, operator: OperatorProcess) -> None:
    name = f"{'digits.' * 35}v1-final"
    assert len(name) == 253
    world.apply(training(name))
    status = world.wait_for("ctrain", name, "Completed")
    assert len(status["jobName"]) <= 63
    assert world.events(name)[-1] == "Completed"


def test_an_augmented_manifest_is_read_as_the_spec_says(world: World, operator: OperatorProcess) -> None:
    manifest = {
        "contentType": "application/x-recordio",
        "s3DataType": "AugmentedManifestFile",
        "attributeNames": ["source-ref", "class"],
        "recordWrapper": "RecordIO",
        "inputMode": "Pipe",
        "shuffleSeed": 7,
    }
    inputs = [{"name": name, "s3Uri": f"s3://{BUCKET}/{name}.manifest", **manifest} for name in ("train", "validation")]
    world.apply(training(inputs=inputs))
    world.wait_for("ctrain", "digits", "Completed")
    [channel, _] = world.request()["InputDataConfig"]
    source = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": f"s3://{BUCKET}/train.manifest",
        "S3DataDistributionType": "FullyReplicated",
        "AttributeNames": ["source-ref", "class"],
    }
    assert channel == {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": source},
        "ContentType": "application/x-recordio",
        "RecordWrapperType": "RecordIO",
        "InputMode": "Pipe",
        "ShuffleConfig": {"Seed": 7},
    }


def test_the_history_is_bounded(world: World, operator: OperatorProcess) -> None:
    brief = dict.fromkeys(("starting_seconds", "downloading_seconds", "training_seconds", "uploading_seconds"), 1)
    world.aws.change_settings(training=brief)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    for number in range(11):
        world.kubectl("annotate", "--overwrite", "ctrain", "digits", f"classifiers.sagemaker.dev/retrain={number}")
        until(lambda: len(world.jobs()) == number + 2, "another run")  # noqa: B023 - called in the same round
        world.wait_for("ctrain", "digits", "Completed")
    status = world.status("ctrain", "digits")
    names = [run["jobName"] for run in status["history"]]
    assert len(names) == len(set(names)) == 10
    assert names[0] == status["jobName"]
    assert sorted(entry["name"] for entry in status["resources"]) == sorted(names)
