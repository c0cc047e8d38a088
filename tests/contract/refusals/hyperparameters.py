"""What is refused in a ClassifierTraining's hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.contract.paths import DROP
from tests.contract.refusals.form import Refusal, training, training_field

HYPERPARAMETERS: Final = "spec.hyperparameters"

DECIMALS: Final = (
    "learningRate",
    "lrSchedulerFactor",
    "momentum",
    "weightDecay",
    "beta1",
    "beta2",
    "eps",
    "gamma",
    "earlyStoppingTolerance",
)

DECIMAL_MESSAGE: Final = 'must be a decimal number from 0 to 1 in quotes, such as "0.1"'


def _decimals() -> Iterator[Refusal]:
    for name in DECIMALS:
        field = f"{HYPERPARAMETERS}.{name}"
        yield training_field(f"{name}-above-1", field, "1.01", DECIMAL_MESSAGE)
        yield training_field(f"{name}-negative", field, "-0.1", DECIMAL_MESSAGE)
    yield training_field("learningRate-word", f"{HYPERPARAMETERS}.learningRate", "fast", DECIMAL_MESSAGE)
    yield training_field("learningRate-number", f"{HYPERPARAMETERS}.learningRate", 0.1, "must be of type string")
    yield training_field("learningRate-long", f"{HYPERPARAMETERS}.learningRate", "0." + "1" * 23, "more than 24")


PARAMETERS: Final = (
    training_field(
        "numClasses-missing",
        f"{HYPERPARAMETERS}.numClasses",
        DROP,
        "the built-in algorithm needs the number of classes; only with an algorithm.image of your own may it stay out",
    ),
    training_field(
        "numTrainingSamples-missing",
        f"{HYPERPARAMETERS}.numTrainingSamples",
        DROP,
        "the built-in algorithm needs the number of training images; "
        "only with an algorithm.image of your own may it stay out",
    ),
    training_field("numClasses-0", f"{HYPERPARAMETERS}.numClasses", 0, "greater than or equal to 1"),
    training_field("numClasses-text", f"{HYPERPARAMETERS}.numClasses", "257", "must be of type integer"),
    training_field("numTrainingSamples-0", f"{HYPERPARAMETERS}.numTrainingSamples", 0, "greater than or equal to 1"),
    training_field("numLayers-19", f"{HYPERPARAMETERS}.numLayers", 19, "supported values"),
    training_field("imageShape-two-parts", f"{HYPERPARAMETERS}.imageShape", "224,224", "should match"),
    training_field("imageShape-0", f"{HYPERPARAMETERS}.imageShape", "3,0,224", "should match"),
    training_field("epochs-0", f"{HYPERPARAMETERS}.epochs", 0, "greater than or equal to 1"),
    training_field("miniBatchSize-0", f"{HYPERPARAMETERS}.miniBatchSize", 0, "greater than or equal to 1"),
    training_field("optimizer", f"{HYPERPARAMETERS}.optimizer", "adamw", "supported values"),
    training_field("lrSchedulerStep", f"{HYPERPARAMETERS}.lrSchedulerStep", "10;20", "should match"),
    training_field("topK-1", f"{HYPERPARAMETERS}.topK", 1, "greater than or equal to 2"),
    training_field("augmentationType", f"{HYPERPARAMETERS}.augmentationType", "flip", "supported values"),
    training_field("precisionDtype", f"{HYPERPARAMETERS}.precisionDtype", "bfloat16", "supported values"),
    training_field("kvStore", f"{HYPERPARAMETERS}.kvStore", "local", "supported values"),
    training_field("multiLabel-1", f"{HYPERPARAMETERS}.multiLabel", 1, "must be of type boolean"),
    training_field(
        "earlyStoppingMinEpochs-0", f"{HYPERPARAMETERS}.earlyStoppingMinEpochs", 0, "greater than or equal to 1"
    ),
    training_field(
        "earlyStoppingPatience-0", f"{HYPERPARAMETERS}.earlyStoppingPatience", 0, "greater than or equal to 1"
    ),
    training_field("resize-0", f"{HYPERPARAMETERS}.resize", 0, "greater than or equal to 1"),
    training(
        "pretrained-imageShape",
        {f"{HYPERPARAMETERS}.usePretrainedModel": True, f"{HYPERPARAMETERS}.imageShape": "3,112,112"},
        f"{HYPERPARAMETERS}.imageShape",
        "a pretrained model takes images of 3,224,224 only: leave imageShape out, or set it to that",
    ),
    training(
        "pretrained-small-layers",
        {
            f"{HYPERPARAMETERS}.usePretrainedModel": True,
            f"{HYPERPARAMETERS}.numLayers": 20,
        },
        f"{HYPERPARAMETERS}.numLayers",
        "a pretrained model has 18, 34, 50, 101, 152 or 200 layers",
    ),
    training_field(
        "small-layers-default-imageShape",
        f"{HYPERPARAMETERS}.numLayers",
        56,
        "20, 32, 44, 56 and 110 layers are for small images: give an imageShape whose height and width are below 224 "
        "(it is 3,224,224 where not given), or choose 18, 34, 50, 101, 152 or 200",
    ),
    training(
        "small-layers-wide-image",
        {f"{HYPERPARAMETERS}.numLayers": 110, f"{HYPERPARAMETERS}.imageShape": "3,28,224"},
        f"{HYPERPARAMETERS}.numLayers",
        "20, 32, 44, 56 and 110 layers are for small images",
    ),
    training_field(
        "checkpointFrequency-above-default-epochs",
        f"{HYPERPARAMETERS}.checkpointFrequency",
        31,
        "must not be greater than epochs (30 where not given)",
    ),
    training(
        "checkpointFrequency-above-epochs",
        {f"{HYPERPARAMETERS}.checkpointFrequency": 3, f"{HYPERPARAMETERS}.epochs": 2},
        f"{HYPERPARAMETERS}.checkpointFrequency",
        "must not be greater than epochs",
    ),
    training_field(
        "resize-not-above-default-imageShape",
        f"{HYPERPARAMETERS}.resize",
        224,
        "must be greater than the height and the width of imageShape (3,224,224 where not given)",
    ),
    training(
        "resize-not-above-height",
        {f"{HYPERPARAMETERS}.resize": 64, f"{HYPERPARAMETERS}.imageShape": "3,64,32"},
        f"{HYPERPARAMETERS}.resize",
        "must be greater than the height and the width of imageShape",
    ),
    training(
        "resize-not-above-width",
        {f"{HYPERPARAMETERS}.resize": 64, f"{HYPERPARAMETERS}.imageShape": "3,32,64"},
        f"{HYPERPARAMETERS}.resize",
        "must be greater than the height and the width of imageShape",
    ),
    training_field(
        "weighted-loss-of-one-label",
        f"{HYPERPARAMETERS}.useWeightedLoss",
        True,
        "weighted loss is for several labels per image: set multiLabel to true as well",
    ),
    training_field(
        "extra-name-empty", f"{HYPERPARAMETERS}.extra", {"": "x"}, "a parameter's name must have 1 to 256 characters"
    ),
    training_field(
        "extra-name-257", f"{HYPERPARAMETERS}.extra", {"x" * 257: "x"}, "a parameter's name must have 1 to 256"
    ),
    training(
        "extra-value", {f"{HYPERPARAMETERS}.extra": {"a": "x" * 2501}}, f"{HYPERPARAMETERS}.extra.a", "more than 2500"
    ),
    training(
        "extra-number", {f"{HYPERPARAMETERS}.extra": {"a": 1}}, f"{HYPERPARAMETERS}.extra.a", "must be of type string"
    ),
    training_field("extra-101", f"{HYPERPARAMETERS}.extra", {f"a{i}": "" for i in range(101)}, "at most 100"),
    training_field(
        "extra-of-the-algorithm",
        f"{HYPERPARAMETERS}.extra",
        {"num_classes": "3"},
        "a parameter of the built-in algorithm has a field of its own: "
        "write num_classes as numClasses beside extra, and so on",
    ),
)

REFUSALS: Final = (*PARAMETERS, *_decimals())
