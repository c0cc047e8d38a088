"""What is refused in a ClassifierTraining's hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.contract.paths import DROP
from tests.contract.refusals import sentences
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

WHOLE: Final = (
    "numClasses",
    "numTrainingSamples",
    "resize",
    "epochs",
    "miniBatchSize",
    "topK",
    "checkpointFrequency",
    "earlyStoppingMinEpochs",
    "earlyStoppingPatience",
)

SWITCHES: Final = ("usePretrainedModel", "multiLabel", "useWeightedLoss", "earlyStopping")

SENTENCE: Final = "a decimal number from 0 to 1, such as 0.01"
_DECIMAL: Final = f'supported values: "{SENTENCE}"'

_EXAMPLES: Final = {
    "numClasses": 257,
    "numTrainingSamples": 15420,
    "resize": 256,
    "epochs": 10,
    "miniBatchSize": 32,
    "topK": 5,
    "checkpointFrequency": 1,
    "earlyStoppingMinEpochs": 10,
    "earlyStoppingPatience": 5,
}

_NO_SWITCHES: Final[tuple[object, ...]] = (2, "2", "yes", "", [], {})

_TOO_FEW: Final = "must not be greater than numTrainingSamples, because no batch could be filled"


def _decimals() -> Iterator[Refusal]:
    for name in DECIMALS:
        field = f"{HYPERPARAMETERS}.{name}"
        yield training_field(f"a17-{name}-above-1", field, "1.01", _DECIMAL)
        yield training_field(f"a17-{name}-word", field, "fast", _DECIMAL)
        yield training_field(f"{name}-negative", field, "-0.1", _DECIMAL)
        yield training_field(f"a16-{name}-above-1", field, 1.01, "less than or equal to 1")
        yield training_field(f"a16-{name}-negative", field, -0.1, "greater than or equal to 0")
    for text in ("1e0", "9e-0", "2", "1.5e1", "0,1", " 0.1", "0.1\n", "1e-100", "NaN", ""):
        yield training_field(f"learningRate-{text!r}", f"{HYPERPARAMETERS}.learningRate", text, _DECIMAL)
    yield training_field("learningRate-long", f"{HYPERPARAMETERS}.learningRate", "0." + "1" * 23, "more than 24")
    yield training_field("a17-learningRate-sentence", f"{HYPERPARAMETERS}.learningRate", SENTENCE, "more than 24")
    for number, value in enumerate((True, False, [], {}, ["0.1"], {"a": 1})):
        yield training_field(f"a17-learningRate-type-{number}", f"{HYPERPARAMETERS}.learningRate", value, _DECIMAL)


def _whole() -> Iterator[Refusal]:
    for name in WHOLE:
        field = f"{HYPERPARAMETERS}.{name}"
        sentence = f"must be a whole number of 1 or more, such as {_EXAMPLES[name]}"
        yield training_field(f"{name}-0", field, 0, "greater than or equal to 1")
        yield training_field(f"{name}-fraction", field, 1.5, "must be of type integer,string")
        yield training_field(f"{name}-true", field, True, "must be of type integer,string")
        for text in ("0", "-1", "1.5", "ten", "010", ""):
            yield training_field(f"b33-{name}-{text!r}", field, text, sentence)


def _switches() -> Iterator[Refusal]:
    for name in SWITCHES:
        field = f"{HYPERPARAMETERS}.{name}"
        yield training_field(f"b33-{name}-fraction", field, 0.5, "should be a multiple of 1")
        for value in _NO_SWITCHES:
            yield training_field(f"b33-{name}-{value!r}", field, value, "supported values")


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
    training_field("numLayers-19", f"{HYPERPARAMETERS}.numLayers", 19, "supported values"),
    training_field("imageShape-two-parts", f"{HYPERPARAMETERS}.imageShape", "224,224", sentences.SHAPE),
    training_field("imageShape-0", f"{HYPERPARAMETERS}.imageShape", "3,0,224", sentences.SHAPE),
    training_field("a17-imageShape-224x224", f"{HYPERPARAMETERS}.imageShape", "224x224", sentences.SHAPE),
    *(
        training_field(f"a14-imageShape-{shape!r}", f"{HYPERPARAMETERS}.imageShape", shape, sentences.CHANNELS)
        for shape in ("224,224,3", "224, 224, 3", "2,224,224", "5,28,28", "28,28,1", "30,224,224", "10 ,32,32")
    ),
    training_field("optimizer", f"{HYPERPARAMETERS}.optimizer", "adamw", "supported values"),
    *(
        training_field(f"lrSchedulerStep-{text!r}", f"{HYPERPARAMETERS}.lrSchedulerStep", text, sentences.STEPS)
        for text in ("10;20", "10,,20", "0,10", "10,20,", "[10, 20]", "")
    ),
    training_field("lrSchedulerStep-0", f"{HYPERPARAMETERS}.lrSchedulerStep", 0, "greater than or equal to 1"),
    training_field("augmentationType", f"{HYPERPARAMETERS}.augmentationType", "flip", "supported values"),
    training_field("precisionDtype", f"{HYPERPARAMETERS}.precisionDtype", "bfloat16", "supported values"),
    training_field("kvStore", f"{HYPERPARAMETERS}.kvStore", "local", "supported values"),
    *(
        training(
            f"pretrained-small-layers-{value!r}",
            {
                f"{HYPERPARAMETERS}.usePretrainedModel": value,
                f"{HYPERPARAMETERS}.numLayers": layers,
                f"{HYPERPARAMETERS}.imageShape": "3,28,28",
            },
            f"{HYPERPARAMETERS}.numLayers",
            'supported values: "18", "34", "50", "101", "152", "200"',
        )
        for value, layers in ((True, 20), (1, 110), ("1", "20"), ("true", "56"), ("True", 32))
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
    *(
        training_field(
            f"resize-below-default-imageShape-{value!r}",
            f"{HYPERPARAMETERS}.resize",
            value,
            "must not be less than the height and the width of imageShape (3,224,224 where not given)",
        )
        for value in (223, "223")
    ),
    training(
        "resize-below-height",
        {f"{HYPERPARAMETERS}.resize": 63, f"{HYPERPARAMETERS}.imageShape": "3, 64, 32"},
        f"{HYPERPARAMETERS}.resize",
        "must not be less than the height and the width of imageShape",
    ),
    training(
        "resize-below-width",
        {f"{HYPERPARAMETERS}.resize": "63", f"{HYPERPARAMETERS}.imageShape": "3,32,64"},
        f"{HYPERPARAMETERS}.resize",
        "must not be less than the height and the width of imageShape",
    ),
    *(
        training(
            f"b22-batch-above-samples-{batch!r}",
            {f"{HYPERPARAMETERS}.miniBatchSize": batch, f"{HYPERPARAMETERS}.numTrainingSamples": samples},
            f"{HYPERPARAMETERS}.miniBatchSize",
            _TOO_FEW,
        )
        for batch, samples in ((128, 20), (21, "20"), ("21", 20), ("100", "99"))
    ),
    *(
        training(
            f"b22-default-batch-above-samples-{samples!r}",
            {f"{HYPERPARAMETERS}.numTrainingSamples": samples},
            f"{HYPERPARAMETERS}.miniBatchSize",
            "the algorithm's default of 32 is greater than numTrainingSamples, so give a smaller one, such as 8",
        )
        for samples in (31, "20")
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
        "extra-fraction",
        {f"{HYPERPARAMETERS}.extra": {"a": 0.5}},
        f"{HYPERPARAMETERS}.extra.a",
        "must be of type integer,string",
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

REFUSALS: Final = (*PARAMETERS, *_decimals(), *_whole(), *_switches())
