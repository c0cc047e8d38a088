"""The CreateTrainingJob request: the notebook's own, what does and what does not make another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import structs
from tests.unit.builders import REGION, ROLE, training_spec
from tests.unit.requests import problems

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.decision import Defaults, Meta, SpecError
from classifier_operator.sagemaker.s3_address import bucket_and_key
from classifier_operator.training.fetches import shown
from classifier_operator.training.request import Wanted, hyperparameters, wanted_run
from classifier_operator.training.spec import TrainingSpec

EXAMPLES = Path(__file__).parents[3] / "manifests" / "examples"
BUCKET = "s3://my-bucket/image-classification-full-training"
META = Meta(key=ObjectKey(Kind.TRAINING, "vision", "digits"), uid="1")
# The table of the algorithm's hyperparameters in SageMaker's guide.
SPELLINGS = {
    "numClasses": "num_classes",
    "numTrainingSamples": "num_training_samples",
    "augmentationType": "augmentation_type",
    "beta1": "beta_1",
    "beta2": "beta_2",
    "checkpointFrequency": "checkpoint_frequency",
    "earlyStopping": "early_stopping",
    "earlyStoppingMinEpochs": "early_stopping_min_epochs",
    "earlyStoppingPatience": "early_stopping_patience",
    "earlyStoppingTolerance": "early_stopping_tolerance",
    "epochs": "epochs",
    "eps": "eps",
    "gamma": "gamma",
    "imageShape": "image_shape",
    "kvStore": "kv_store",
    "learningRate": "learning_rate",
    "lrSchedulerFactor": "lr_scheduler_factor",
    "lrSchedulerStep": "lr_scheduler_step",
    "miniBatchSize": "mini_batch_size",
    "momentum": "momentum",
    "multiLabel": "multi_label",
    "usePretrainedModel": "use_pretrained_model",
    "useWeightedLoss": "use_weighted_loss",
    "numLayers": "num_layers",
    "optimizer": "optimizer",
    "precisionDtype": "precision_dtype",
    "resize": "resize",
    "topK": "top_k",
    "weightDecay": "weight_decay",
}


def spec_of(fields: dict[str, Any]) -> TrainingSpec:
    return msgspec.convert(fields, TrainingSpec)


def wanted(meta: Meta = META, defaults: Defaults | None = None, **changes: Any) -> Wanted:
    return wanted_run(meta, spec_of(training_spec(**changes)), defaults or Defaults())


def example(name: str, kind: str) -> dict[str, Any]:
    bodies = yaml.safe_load_all((EXAMPLES / name).read_text("utf-8"))
    spec: dict[str, Any] = next(body for body in bodies if body["kind"] == kind)["spec"]
    return spec


def channel(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/{name}", "S3DataDistributionType": "FullyReplicated"}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": "application/x-recordio",
    }


def test_the_notebooks_numbers_give_the_notebooks_request() -> None:
    run = wanted_run(META, spec_of(example("caltech256.yaml", "ClassifierTraining")), Defaults())
    assert run.request == {
        "AlgorithmSpecification": {
            "TrainingImage": "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1",
            "TrainingInputMode": "File",
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"{BUCKET}/output"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.p2.xlarge", "VolumeSizeInGB": 50},
        "HyperParameters": {
            "image_shape": "3,224,224",
            "num_layers": "18",
            "num_training_samples": "15420",
            "num_classes": "257",
            "mini_batch_size": "64",
            "epochs": "2",
            "learning_rate": "0.01",
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 360000},
        "InputDataConfig": [channel("train"), channel("validation")],
    }


FULL: dict[str, Any] = {
    "spot": {"maxWaitSeconds": 90000, "checkpointS3Uri": "s3://bucket/checkpoints"},
    "network": {"subnets": ["subnet-b", "subnet-a"], "securityGroupIds": ["sg-1"], "isolated": True},
    "environment": {"LOG": "1"},
    "tags": {"team": "vision"},
    "output": {"s3Uri": "s3://bucket/output", "kmsKeyId": "alias/key"},
    "resources": {"instanceType": "ml.g4dn.xlarge", "instanceCount": 2, "keepAlivePeriodSeconds": 60},
}


@pytest.mark.parametrize("changes", [{}, FULL], ids=["least", "most"])
def test_aws_would_take_the_request(changes: dict[str, Any]) -> None:
    run = wanted(**changes)
    assert problems("CreateTrainingJob", {"TrainingJobName": run.job(1).name, **run.params}) == []


@pytest.mark.parametrize("name", ["caltech256.yaml", "digits.yaml", "import.yaml"])
def test_aws_would_take_the_examples(name: str) -> None:
    defaults = Defaults(region=REGION, role_arn=ROLE)
    run = wanted_run(META, spec_of(example(name, "ClassifierTraining")), defaults)
    assert problems("CreateTrainingJob", {"TrainingJobName": run.job(1).name, **run.params}) == []


def test_a_bad_request_would_be_noticed() -> None:
    params = {"TrainingJobName": "-bad", **wanted().params, "RoleArn": "not-a-role"}
    assert "RoleArn" in problems("CreateTrainingJob", params)[-1]


NO_OTHER_RUN: dict[str, dict[str, Any]] = {
    "reordered inputs": {"inputs": training_spec()["inputs"][::-1]},
    "tags": {"tags": {"team": "a"}},
    "retries": {"retry": {"attempts": 5}},
    "deletion policy": {"deletionPolicy": "Delete"},
    "suspension": {"suspend": True},
    "a default spelled out": {"stopping": {"maxRuntimeSeconds": 86400}},
    "empty parts": {"environment": {}, "network": {"subnets": []}},
}
OTHER_RUNS: dict[str, dict[str, Any]] = {
    "hyperparameter": {"hyperparameters": {"numClasses": 11, "numTrainingSamples": 1000}},
    "role": {"roleArn": ROLE + "2"},
    "region": {"region": "eu-west-1"},
    "account": {"assumeRoleArn": ROLE},
    "output": {"output": {"s3Uri": "s3://bucket/other"}},
    "image": {"algorithm": {"image": "1.dkr.ecr.us-east-1.amazonaws.com/own:1"}},
    "instance": {"resources": {"instanceType": "ml.p2.xlarge"}},
    "spot": {"spot": {"maxWaitSeconds": 90000}},
    "environment": {"environment": {"A": "1"}},
    "runtime": {"stopping": {"maxRuntimeSeconds": 60}},
}


@pytest.mark.parametrize("changes", NO_OTHER_RUN.values(), ids=NO_OTHER_RUN.keys())
def test_what_changes_nothing_in_the_job_starts_no_run(changes: dict[str, Any]) -> None:
    assert wanted(**changes).run == wanted().run


@pytest.mark.parametrize("changes", OTHER_RUNS.values(), ids=OTHER_RUNS.keys())
def test_what_changes_the_job_starts_a_run(changes: dict[str, Any]) -> None:
    assert wanted(**changes).run != wanted().run


def test_the_retrain_annotation_starts_a_run() -> None:
    assert wanted(msgspec.structs.replace(META, retrain="now")).run != wanted().run


def test_another_object_of_the_same_name_has_runs_of_its_own() -> None:
    assert wanted(msgspec.structs.replace(META, uid="2")).run != wanted().run


@pytest.mark.parametrize(("ours", "theirs"), SPELLINGS.items())
def test_hyperparameters_are_spelt_as_the_algorithm_does(ours: str, theirs: str) -> None:
    assert list(hyperparameters({ours: 1})) == [theirs]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("earlyStopping", True, "True"),
        ("earlyStopping", False, "False"),
        ("multiLabel", True, "1"),
        ("usePretrainedModel", False, "0"),
        ("learningRate", "0.01", "0.01"),
        ("epochs", 3, "3"),
    ],
)
def test_hyperparameters_are_text(name: str, value: object, text: str) -> None:
    assert list(hyperparameters({name: value}).values()) == [text]


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        pytest.param("learningRate", [0.1, "0.1"], "0.1", id="a16-decimal"),
        pytest.param("eps", [1e-8, "1e-8"], "1e-8", id="a16-exponent"),
        pytest.param("eps", [1.5e-8, "1.5e-8"], "1.5e-8", id="a16-exponent-and-fraction"),
        pytest.param("weightDecay", [1e-5, "0.00001"], "0.00001", id="a16-no-exponent-of-python's"),
        pytest.param("momentum", [1, 1.0, "1"], "1", id="a16-whole"),
        pytest.param("momentum", [0, 0.0, -0.0, "0"], "0", id="a16-nothing"),
        pytest.param("epochs", [25, 25.0, "25"], "25", id="b33-whole"),
        pytest.param("numLayers", [152, "152"], "152", id="b33-layers"),
        pytest.param("usePretrainedModel", [True, 1, 1.0, "1", "true", "True"], "1", id="b33-switch-on"),
        pytest.param("multiLabel", [False, 0, "0", "false", "False"], "0", id="b33-switch-off"),
        pytest.param("useWeightedLoss", [True, "1"], "1", id="b33-weighted-loss"),
        pytest.param("earlyStopping", [True, 1, "1", "true", "True"], "True", id="b33-word-switch-on"),
        pytest.param("earlyStopping", [False, 0, "0", "false", "False"], "False", id="b33-word-switch-off"),
        pytest.param("lrSchedulerStep", ["10,20", "10, 20", "10 ,20"], "10,20", id="b06-steps"),
        pytest.param("lrSchedulerStep", [10, "10"], "10", id="b06-one-step"),
        pytest.param("imageShape", ["3,224,224", "3, 224, 224"], "3,224,224", id="b06-shape"),
    ],
)
def test_all_ways_to_write_a_value_are_one_run(name: str, values: list[object], text: str) -> None:
    assert [list(hyperparameters({name: value}).values()) for value in values] == [[text]] * len(values)
    assert len({wanted(hyperparameters={name: value}).run for value in values}) == 1


@pytest.mark.parametrize("text", ["0.10", "0.0", "1.0", "1e-08", ".5", "1E-8"])
def test_text_is_sent_as_it_is_written_so_that_a_stored_object_is_no_other_run(text: str) -> None:
    assert hyperparameters({"learningRate": text}) == {"learning_rate": text}


@pytest.mark.parametrize("name", ["learningRate", "multiLabel", "epochs", "extra"])
def test_an_empty_value_is_none(name: str) -> None:
    assert hyperparameters({name: None, "numClasses": 2}) == {"num_classes": "2"}


@pytest.mark.parametrize("value", [{"a": 1}, ["0.1"]])
def test_a_value_that_is_none_names_its_field(value: object) -> None:
    with pytest.raises(SpecError, match=r"spec\.hyperparameters\.learningRate: must be text, a number"):
        hyperparameters({"learningRate": value})


def test_extra_numbers_are_text() -> None:
    assert hyperparameters({"extra": {"depth": 3}}) == {"depth": "3"}


def test_extra_hyperparameters_are_sent_as_they_are() -> None:
    assert hyperparameters({"epochs": 1, "extra": {"myOwn": "x"}}) == {"epochs": "1", "myOwn": "x"}


def test_the_owners_tags_fit_whatever_the_names_length() -> None:
    key = ObjectKey(Kind.TRAINING, "n" * 63, "x" * 253)
    tags = structs.replace(META, key=key).all_tags({})
    assert max(map(len, tags.values())) == 256


def test_the_request_carries_the_owner() -> None:
    tags = {tag["Key"]: tag["Value"] for tag in wanted(tags={"team": "a"}).params["Tags"]}
    assert tags == {
        "team": "a",
        "classifiers.sagemaker.dev/uid": "1",
        "classifiers.sagemaker.dev/object": "ClassifierTraining/vision/digits",
    }


def from_source(*sources: tuple[str, str, str], **more: str) -> dict[str, Any]:
    """Inputs of these names, s3Uris and URLs."""
    return {"inputs": [{"name": name, "s3Uri": uri, "source": {"url": url}, **more} for name, uri, url in sources]}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no region": ({"region": ""}, "spec.region: is not set"),
    "no role": ({"roleArn": ""}, "spec.roleArn: is not set"),
    "no image": ({"region": "eusc-de-east-1"}, "spec.algorithm: AWS publishes no known"),
    "two sources to one object": (
        from_source(("b", "s3://b/t/", "https://h/x"), ("a", "s3://b/t", "https://g/y/x")),
        "spec.inputs[b].source: would be put at s3://b/t/x, as spec.inputs[a].source would",
    ),
    "source without a name": (
        from_source(("train", "s3://b/t", "https://h/x/")),
        "spec.inputs[train].source.url: must end in a file name",
    ),
    "source of a host alone": (from_source(("train", "s3://b/t", "https://h")), "must end in a file name"),
    "source that is a path": (from_source(("train", "s3://b/t", "https://h/..%2Fx")), "must end in a file name"),
    "source of dots": (from_source(("train", "s3://b/t", "https://h/..")), "must end in a file name"),
    "source to where it leads out of": (
        from_source(("train", "s3://b/t/../u", "https://h/x")),
        "spec.inputs[train].s3Uri: must have no . or .. between slashes",
    ),
    "source to a key of two lines": (
        from_source(("train", "s3://b/t\nu", "https://h/x")),
        "spec.inputs[train].s3Uri: must have no control characters",
    ),
    "manifest without a key": (
        from_source(("train", "s3://bucket", "https://h/x"), s3DataType="ManifestFile"),
        "spec.inputs[train].source: s3://bucket names no object",
    ),
    "manifest in a folder": (
        from_source(("train", "s3://bucket/a/", "https://h/x"), s3DataType="ManifestFile"),
        "names no object",
    ),
    "long key": (from_source(("train", "s3://b/t", f"https://h/{'x' * 1024}")), "more than 1024 bytes"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_acted_on_names_the_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        wanted(**changes)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("uri", "url", "kind", "placed"),
    [
        ("s3://b/train", "https://h/a/x.rec", "S3Prefix", "s3://b/train/x.rec"),
        ("s3://b/train/", "https://h/x.rec?sig=/a/b", "S3Prefix", "s3://b/train/x.rec"),
        ("s3://b", "https://h/x.rec", "S3Prefix", "s3://b/x.rec"),
        ("s3://b/t", "https://h/a%20b.rec", "S3Prefix", "s3://b/t/a b.rec"),
        ("s3://b/t.manifest", "https://h/x", "ManifestFile", "s3://b/t.manifest"),
        ("s3://b/t.manifest", "https://h/x", "AugmentedManifestFile", "s3://b/t.manifest"),
    ],
)
def test_where_a_file_is_put(uri: str, url: str, kind: str, placed: str) -> None:
    (fetch,) = wanted(**from_source(("train", uri, url), s3DataType=kind)).fetches
    assert (fetch.s3_uri, fetch.url, fetch.path) == (placed, url, "spec.inputs[train].source")


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://b/a/x", "b", "a/x"),
        ("s3://arn:aws:s3:us-east-1:1:accesspoint/a/b/c", "arn:aws:s3:us-east-1:1:accesspoint/a", "b/c"),
    ],
)
def test_bucket_and_key(uri: str, bucket: str, key: str) -> None:
    assert bucket_and_key(uri) == (bucket, key)


def test_the_source_is_not_sent_and_yet_another_source_is_another_run() -> None:
    plain = wanted(inputs=[{"name": "train", "s3Uri": "s3://b/t"}])
    first = wanted(**from_source(("train", "s3://b/t", "https://h/x")))
    second = wanted(**from_source(("train", "s3://b/t", "https://g/x")))
    assert plain.request == first.request == second.request
    assert len({plain.run, first.run, second.run}) == 3


def test_the_order_of_sources_says_nothing() -> None:
    one, other = ("a", "s3://b/a", "https://h/x"), ("b", "s3://b/b", "https://h/x")
    assert wanted(**from_source(one, other)).run == wanted(**from_source(other, one)).run


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://me:secret@h:1/a?secret#secret", "https://h:1/a"),
        ("https://h/a@b", "https://h/a@b"),
        ("https://h?secret", "https://h"),
    ],
)
def test_what_is_shown_of_a_url(url: str, text: str) -> None:
    assert shown(url) == text


def test_the_namespaces_defaults_fill_in_what_is_absent() -> None:
    other = "arn:aws:iam::222222222222:role/other"
    defaults = Defaults(region="eu-west-1", role_arn=ROLE, assume_role_arn=other)
    run = wanted(defaults=defaults, region="", roleArn="")
    assert run.place == Place("eu-west-1", other)
    assert run.request["RoleArn"] == ROLE


def test_the_spec_goes_before_the_defaults() -> None:
    assert wanted(defaults=Defaults(region="eu-west-1")).place.region == REGION
