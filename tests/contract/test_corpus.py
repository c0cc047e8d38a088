"""What people train with: sets of public notebooks and AWS's samples with values replaced, and what AWS excludes."""

from __future__ import annotations

from typing import Any, Final

import pytest

from classifier_operator.training.request import hyperparameters
from tests.contract.api_server import ApiServer
from tests.contract.manifests import ENDPOINT, TRAINING
from tests.contract.paths import patched

Json = dict[str, Any]

_AUGMENTED: Final[Json] = {
    "s3DataType": "AugmentedManifestFile",
    "attributeNames": ["source-ref", "class"],
    "contentType": "application/x-recordio",
    "recordWrapper": "RecordIO",
    "compression": "None",
}


def _inputs(*names: str, **more: Any) -> list[Json]:
    return [{"name": name, "s3Uri": f"s3://my-bucket/{name}", **more} for name in names]


def _spec(parameters: Json, **more: Any) -> Json:
    return {"hyperparameters": parameters, "resources": {"instanceType": "ml.p3.2xlarge"}, **more}


_FILES: Final = ("train", "validation", "train_lst", "validation_lst")

TRAINS: Final[dict[str, Json]] = {
    "b05-AWS's notebook of Ground Truth": _spec(
        {
            "epochs": 30,
            "imageShape": "3,224,224",
            "learningRate": "0.01",
            "lrSchedulerStep": "10,20",
            "miniBatchSize": 32,
            "numClasses": 5,
            "numLayers": 18,
            "numTrainingSamples": 80,
            "resize": 224,
            "usePretrainedModel": True,
        },
        algorithm={"inputMode": "Pipe"},
        inputs=_inputs("train", "validation", **_AUGMENTED),
    ),
    "b06-the guide's own example of steps": _spec(
        {
            "numClasses": 2,
            "numTrainingSamples": 1000,
            "epochs": 30,
            "lrSchedulerStep": "10, 20",
            "imageShape": "3, 224, 224",
        }
    ),
    "b15-JPEG files with lists": _spec(
        {"numClasses": 3, "numTrainingSamples": 36, "miniBatchSize": 8, "resize": 256},
        inputs=_inputs(*_FILES, contentType="image/jpeg"),
    ),
    "b16-an x-ray notebook without resize": _spec(
        {
            "imageShape": "3,224,224",
            "numClasses": 2,
            "usePretrainedModel": 1,
            "numTrainingSamples": 5216,
            "augmentationType": "crop_color_transform",
            "epochs": 15,
            "earlyStopping": True,
            "earlyStoppingMinEpochs": 8,
            "earlyStoppingTolerance": 0.0,
            "earlyStoppingPatience": 5,
            "lrSchedulerFactor": 0.1,
            "lrSchedulerStep": "8,10,12",
        },
        inputs=_inputs(*_FILES, contentType="application/x-image"),
        resources={"instanceType": "ml.p2.xlarge"},
    ),
    "b17-a flowers notebook with weighted loss": _spec(
        {
            "numClasses": 3,
            "epochs": 10,
            "numTrainingSamples": 36,
            "miniBatchSize": 8,
            "numLayers": 18,
            "usePretrainedModel": 1,
            "imageShape": "3,224,224",
            "resize": 256,
            "learningRate": 0.001,
            "useWeightedLoss": 1,
            "augmentationType": "crop_color_transform",
            "precisionDtype": "float32",
            "multiLabel": 0,
        },
        resources={"instanceType": "ml.g4dn.xlarge"},
    ),
    "b18-AWS's sample of its retired operator": _spec(
        {
            "topK": 1,
            "numTrainingSamples": 105434,
            "miniBatchSize": 32,
            "learningRate": "0.001",
            "imageShape": "3,150,250",
            "precisionDtype": "float32",
            "numLayers": 50,
            "usePretrainedModel": True,
            "numClasses": 2,
            "epochs": 100,
        },
        algorithm={"inputMode": "Pipe"},
        inputs=_inputs("train", "validation", **{**_AUGMENTED, "contentType": "application/x-image"}),
        resources={"instanceType": "ml.p3.16xlarge", "instanceCount": 4, "volumeSizeGB": 5},
    ),
    "a14-a CIFAR workshop with 18 layers": _spec(
        {
            "numLayers": 18,
            "imageShape": "3,28,28",
            "numClasses": 10,
            "numTrainingSamples": 50000,
            "miniBatchSize": 128,
            "epochs": 5,
            "learningRate": 0.01,
            "topK": 2,
            "precisionDtype": "float32",
        }
    ),
    "a14-a CIFAR notebook with 44 layers": _spec(
        {
            "numLayers": 44,
            "imageShape": "3,28,28",
            "numClasses": 10,
            "numTrainingSamples": 50000,
            "miniBatchSize": 128,
            "epochs": 100,
            "optimizer": "adam",
            "usePretrainedModel": 0,
        }
    ),
    "a14-cats and dogs, pretrained and small": _spec(
        {
            "numLayers": 18,
            "imageShape": "3,32,32",
            "numClasses": 2,
            "numTrainingSamples": 25000,
            "miniBatchSize": 128,
            "epochs": 6,
            "learningRate": 0.01,
            "topK": 2,
            "usePretrainedModel": 1,
        }
    ),
    "one channel, two machines": _spec(
        {
            "numLayers": "101",
            "imageShape": "1,256,256",
            "numClasses": "7",
            "numTrainingSamples": "9000",
            "kvStore": "dist_sync",
            "checkpointFrequency": "1",
            "beta1": 0.9,
            "beta2": 0.999,
            "eps": 1e-8,
            "optimizer": "adam",
            "weightDecay": "0.0001",
        },
        resources={"instanceType": "ml.g5.2xlarge", "instanceCount": 2},
    ),
    "b32-several labels by an augmented manifest": _spec(
        {"numClasses": 3, "numTrainingSamples": 500, "multiLabel": "1", "useWeightedLoss": "1", "epochs": 5},
        algorithm={"inputMode": "Pipe"},
        inputs=_inputs(
            "train", "validation", **{**_AUGMENTED, "contentType": "application/x-recordio; label-format=class-id"}
        ),
    ),
}

# AWS's guide to the algorithm excludes these: the field that is to be changed, and a word of why.
EXCLUDED: Final[dict[str, tuple[Json, str, str]]] = {
    "b15-image files without lists": (
        _spec(
            {"numClasses": 3, "numTrainingSamples": 36}, inputs=_inputs("train", "validation", contentType="image/png")
        ),
        "spec.inputs",
        "train_lst",
    ),
    "b15-image files by pipe": (
        _spec(
            {"numClasses": 3, "numTrainingSamples": 36},
            algorithm={"inputMode": "Pipe"},
            inputs=_inputs(*_FILES, contentType="application/x-image"),
        ),
        "spec.inputs",
        "augmented manifest",
    ),
    "b22-a batch that no epoch fills": (
        _spec({"numClasses": 2, "numTrainingSamples": 20, "miniBatchSize": 128}),
        "spec.hyperparameters.miniBatchSize",
        "numTrainingSamples",
    ),
    "a14-a batch above the samples": (
        _spec({"numClasses": 10, "numTrainingSamples": "1197", "miniBatchSize": "5000"}),
        "spec.hyperparameters.miniBatchSize",
        "numTrainingSamples",
    ),
    "b29-a machine without GPUs": (
        _spec({"numClasses": 2, "numTrainingSamples": 1000}, resources={"instanceType": "ml.m5.xlarge"}),
        "spec.resources.instanceType",
        "GPUs",
    ),
    "resize below the shape": (
        _spec({"numClasses": 2, "numTrainingSamples": 1000, "resize": "200"}),
        "spec.hyperparameters.resize",
        "imageShape",
    ),
    "a pretrained network of 20 layers": (
        _spec(
            {
                "numClasses": 2,
                "numTrainingSamples": 1000,
                "numLayers": 20,
                "imageShape": "3,28,28",
                "usePretrainedModel": 1,
            }
        ),
        "spec.hyperparameters.numLayers",
        "supported values",
    ),
    "checkpoints beyond the last epoch": (
        _spec({"numClasses": 2, "numTrainingSamples": 1000, "epochs": "5", "checkpointFrequency": 6}),
        "spec.hyperparameters.checkpointFrequency",
        "epochs",
    ),
    "an augmented manifest by file": (
        _spec({"numClasses": 2, "numTrainingSamples": 1000}, inputs=_inputs("train", "validation", **_AUGMENTED)),
        "spec.inputs",
        "Pipe",
    ),
}


@pytest.mark.parametrize("spec", TRAINS.values(), ids=TRAINS)
def test_what_trains_at_aws_is_admitted(api: ApiServer, spec: Json) -> None:
    answer = api.try_create(_manifest(spec))

    assert answer.is_accepted, answer.body["message"]


@pytest.mark.parametrize(("spec", "field", "word"), EXCLUDED.values(), ids=EXCLUDED)
def test_what_aws_excludes_is_refused_in_words(api: ApiServer, spec: Json, field: str, word: str) -> None:
    answer = api.try_create(_manifest(spec))

    assert {cause.field for cause in answer.causes} == {field}
    assert any(word in cause.message for cause in answer.causes)


def test_b33_what_describe_training_job_prints_is_sent_as_it_was(api: ApiServer) -> None:
    printed = {
        "num_classes": "4",
        "num_layers": "152",
        "num_training_samples": "322",
        "epochs": "25",
        "mini_batch_size": "24",
        "learning_rate": "0.1",
        "momentum": "0.9",
        "top_k": "2",
        "use_pretrained_model": "0",
        "multi_label": "0",
        "early_stopping": "False",
        "lr_scheduler_step": "10,20",
    }
    pasted = {_camel(name): value for name, value in printed.items()}
    typed = {
        **pasted,
        "numClasses": 4,
        "numLayers": 152,
        "learningRate": 0.1,
        "momentum": 0.9,
        "multiLabel": 0,
        "usePretrainedModel": False,
        "earlyStopping": False,
        "lrSchedulerStep": "10, 20",
    }

    for parameters in (pasted, typed):
        answer = api.try_create(_manifest(_spec(parameters)))
        assert answer.is_accepted, answer.body["message"]
        assert hyperparameters(answer.body["spec"]["hyperparameters"]) == printed


@pytest.mark.parametrize("number", [0.1, 0.001, 0.00001, 1e-8, 2.5e-7, 1, 0])
def test_a16_a_number_is_sent_as_the_text_that_was_written(api: ApiServer, number: float) -> None:
    """Through JSON as the API server writes it, which is not how Python does."""
    answer = api.try_create(patched(TRAINING, {"spec.hyperparameters.eps": number}))

    text = {0.00001: "0.00001", 1e-8: "1e-8", 2.5e-7: "2.5e-7"}.get(number, str(number))
    assert hyperparameters(answer.body["spec"]["hyperparameters"])["eps"] == text


@pytest.mark.parametrize("name", ["learningRate", "usePretrainedModel", "epochs"])
def test_an_empty_value_is_sent_as_none(api: ApiServer, name: str) -> None:
    answer = api.try_create(patched(TRAINING, {f"spec.hyperparameters.{name}": None}))

    assert answer.is_accepted
    assert set(hyperparameters(answer.body["spec"]["hyperparameters"])) == {"num_classes", "num_training_samples"}


def test_a_truth_value_is_no_number(api: ApiServer) -> None:
    answer = api.try_create(patched(TRAINING, {"spec.hyperparameters.learningRate": True}))

    assert "spec.hyperparameters.learningRate" in answer.body["message"]
    test = {"image": {"s3Uri": "s3://birds/wren.jpg"}, "expect": {"minProbability": True}}
    answer = api.try_create(patched(ENDPOINT, {"spec.smokeTest": test}))
    assert "spec.smokeTest.expect.minProbability" in answer.body["message"]


def _manifest(spec: Json) -> Json:
    return {**TRAINING, "spec": {**TRAINING["spec"], **spec}}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
