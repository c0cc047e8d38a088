"""The whole way with real images: digits from their files to probabilities."""

import json
import time

import numpy as np
import pytest

from image_recordio.datasets import pack_images
from image_recordio.digits import digits
from sagemaker_emulator.algorithm import Channel, TrainingResult, load, train

ORDINARY = {
    "the example's": {"learning_rate": "0.1", "epochs": "10"},
    "the defaults": {},
    "gentle": {"learning_rate": "0.01", "epochs": "10"},
    "large batches": {"learning_rate": "0.1", "epochs": "10", "mini_batch_size": "64"},
    "adam": {"optimizer": "adam", "learning_rate": "0.01", "epochs": "10"},
    "nag": {"optimizer": "nag", "learning_rate": "0.1", "epochs": "10"},
    "rmsprop": {"optimizer": "rmsprop", "learning_rate": "0.01", "epochs": "10"},
}


@pytest.fixture(scope="module")
def data():
    return digits()


@pytest.fixture(scope="module")
def channels(data, tmp_path_factory):
    packed = pack_images(data.train, data.validation, data.labels, tmp_path_factory.mktemp("digits"))
    return {
        name: Channel("application/x-recordio", [(f"digits/{name}/{name}.rec", path.read_bytes())])
        for name, path in [("train", packed.train), ("validation", packed.validation)]
    }


def fit(channels: dict[str, Channel], **settings: str) -> TrainingResult:
    base = {"num_classes": "10", "num_training_samples": "1197", "image_shape": "3,32,32", "num_layers": "20"}
    return train({**base, **settings}, channels, lambda line: None)


@pytest.mark.parametrize("settings", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_settings_learn_the_digits_within_seconds(channels, settings):
    start = time.process_time()
    result = fit(channels, **settings)
    best = max(metric.value for metric in result.metrics if metric.name == "validation:accuracy")
    assert best >= 0.93
    assert time.process_time() - start < 20


def test_held_out_digits_are_classified_by_what_is_loaded_from_the_artifact(data, channels):
    classifier = load(fit(channels, epochs="10").artifact)
    answers = [json.loads(classifier.classify(digit.image, "image/png")[0]) for digit in data.held_out]
    right = [int(np.argmax(answer)) == digit.label for answer, digit in zip(answers, data.held_out, strict=True)]
    assert sum(right) / len(right) >= 0.93
