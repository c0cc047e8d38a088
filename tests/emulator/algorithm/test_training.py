import itertools
import math
import tarfile
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from tests.emulator.algorithm.builders import (
    RECORDIO,
    SETTINGS,
    image_channels,
    make_channels,
    picture,
    pictures,
    rec,
    recordio,
    run,
)

from image_recordio import Record
from sagemaker_emulator.algorithm import Channel, Metric, load, train


def classes_found(artifact: bytes) -> list[int]:
    classifier = load(artifact)
    return [int(np.argmax(classifier.probabilities(picture(label)))) for label in range(3)]


def epochs(log: list[str]) -> list[str]:
    return [line for line in log if line.startswith("Epoch") and "Time cost" not in line]


def params_name(artifact: bytes) -> str:
    with tarfile.open(fileobj=BytesIO(artifact)) as tar:
        return next(name for name in tar.getnames() if name.endswith(".params"))


def test_each_epoch_is_logged_in_mxnets_style():
    log: list[str] = []
    result = run(log=log, epochs="1", top_k="2")
    train_accuracy, validation_accuracy = (metric.value for metric in result.metrics)
    start = log.index(f"Epoch[0] Train-accuracy={train_accuracy:.6f}")
    assert [line.split("=")[0] for line in log[start:]] == [
        "Epoch[0] Train-accuracy",
        "Epoch[0] Train-top_k_accuracy_2",
        "Epoch[0] Time cost",
        "Epoch[0] Validation-accuracy",
        f"Storing the best model with validation accuracy: {validation_accuracy:.6f}",
        'Saved checkpoint to "/opt/ml/model/image-classification-0001.params"',
    ]


def test_every_twentieth_batch_is_logged_with_its_speed():
    log: list[str] = []
    channels = make_channels(train=recordio(rec(pictures(90))))
    train({**SETTINGS, "epochs": "1", "mini_batch_size": "2", "top_k": "2"}, channels, log.append, clock=ticking())
    found = [line.split("#011") for line in log if "Batch" in line]
    assert [line[0] for line in found] == ["Epoch[0] Batch [20]", "Epoch[0] Batch [40]"]
    # 21 batches of 2 images in the clock's second, then 20.
    assert [line[1] for line in found] == ["Speed: 42.00 samples/sec", "Speed: 40.00 samples/sec"]
    assert [[part.split("=")[0] for part in line[2:]] for line in found] == [["accuracy", "top_k_accuracy_2"]] * 2


def ticking() -> Callable[[], float]:
    seconds = itertools.count()
    return lambda: float(next(seconds))


def test_the_settings_are_logged():
    log: list[str] = []
    run(log=log)
    assert "Searching for .rec files in /opt/ml/input/data/train." in log
    assert {"image_shape: 3,8,8", "num_classes: 3", "multi_label: 0"} <= set(log)


def test_time_is_the_clocks():
    ticks = itertools.count(start=0, step=2)
    log: list[str] = []
    train(SETTINGS, make_channels(), log.append, clock=lambda: float(next(ticks)))
    assert "Epoch[0] Time cost=2.000" in log


def test_each_epoch_has_its_metrics():
    metrics = run(epochs="2").metrics
    assert [(metric.name, metric.epoch) for metric in metrics] == [
        ("train:accuracy", 0),
        ("validation:accuracy", 0),
        ("train:accuracy", 1),
        ("validation:accuracy", 1),
    ]
    assert all(isinstance(metric, Metric) and 0 <= metric.value <= 1 for metric in metrics)


def test_the_same_job_gives_the_same_artifact():
    assert run().artifact == run().artifact


def test_another_number_of_samples_is_only_logged():
    log: list[str] = []
    run(log=log, num_training_samples="15420")
    assert "num_training_samples is 15420, but the train channel has 12 images" in log


def test_sagemakers_own_hyperparameters_are_passed_over():
    assert run(_tuning_objective_metric="validation:accuracy").metrics


GOOD = {
    "pipe of any name": make_channels(train=recordio(rec(pictures(12)), "stream", input_mode="Pipe")),
    "fast file": make_channels(train=recordio(rec(pictures(12)), input_mode="FastFile")),
    "several files": make_channels(
        train=Channel(RECORDIO, [("a.rec", rec(pictures(6))), ("a.idx", b"0\t0\n"), ("b.rec", rec(pictures(6)))])
    ),
    "content type in capitals": make_channels(train=recordio(rec(pictures(12)), content_type="Application/X-RecordIO")),
}


@pytest.mark.parametrize("channels", GOOD.values(), ids=GOOD)
def test_recordio_channels_are_learned_from(channels):
    assert classes_found(run(channels, epochs="20").artifact) == [0, 1, 2]


@pytest.mark.parametrize("prefix", ["", "pictures/", "./pictures/"], ids=["names", "paths", "dotted"])
def test_listed_images_are_learned_from(prefix):
    lst = "".join(f"{i}\t{i % 3}\t{prefix}{('red', 'green', 'blue')[i % 3]}.png\n" for i in range(6))
    assert classes_found(run(image_channels(lst), resize="8", epochs="20").artifact) == [0, 1, 2]


def test_b16_images_that_are_large_enough_need_no_resize():
    assert classes_found(run(image_channels(), epochs="20").artifact) == [0, 1, 2]


def test_resize_makes_small_images_large_enough():
    assert run(image_shape="3,20,20", resize="20").metrics


LABEL_FORMATS = {
    "multi-hot": [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)],
    "class-id": [(0.0,), (1.0,), (2.0,)],
}


@pytest.mark.parametrize(("label_format", "labels"), LABEL_FORMATS.items(), ids=LABEL_FORMATS)
@pytest.mark.parametrize("weighted", ["0", "1"])
def test_images_of_several_classes_are_learned_from(label_format, labels, weighted):
    data = rec(Record(labels[i % 3], i, picture(i % 3)) for i in range(12))
    content_type = f"{RECORDIO}; label-format={label_format}"
    channels = {name: recordio(data, content_type=content_type) for name in ("train", "validation")}
    result = run(channels, multi_label="1", use_weighted_loss=weighted, epochs="40")
    assert classes_found(result.artifact) == [0, 1, 2]
    assert result.metrics[-1].value > 0.9


def test_gray_images_are_learned_from():
    assert len(load(run(image_shape="1,8,8").artifact).probabilities(picture())) == 3


def test_large_images_cost_no_more_than_small_ones():
    large = rec(Record(float(i % 3), i, picture(i % 3, (300, 260), "JPEG")) for i in range(60))
    channels = make_channels(train=recordio(large), validation=recordio(large))
    small = run(epochs="1")
    result = run(channels, image_shape="3,224,224", epochs="1")
    assert len(result.artifact) < 2 * len(small.artifact)


ODD = {
    "rate 1": {"learning_rate": "1", "momentum": "1", "weight_decay": "1"},
    "rate 0": {"learning_rate": "0"},
    "nag at the edge": {"optimizer": "nag", "learning_rate": "1", "momentum": "1"},
    "adam, zero eps": {"optimizer": "adam", "eps": "0", "learning_rate": "1"},
    "adam, betas 1": {"optimizer": "adam", "beta_1": "1", "beta_2": "1", "eps": "0"},
    "adam, betas 0": {"optimizer": "adam", "beta_1": "0", "beta_2": "0", "learning_rate": "1"},
    "rmsprop, gamma 1": {"optimizer": "rmsprop", "gamma": "1", "eps": "0", "learning_rate": "1"},
    "one image a batch": {"mini_batch_size": "1"},
    "tiny images": {"image_shape": "3,1,1"},
    "one class more": {"num_classes": "1000"},
    "half precision": {"precision_dtype": "float16"},
    "top_k above the classes": {"top_k": "9"},
    "b17, weighted loss with one label": {"use_weighted_loss": "1"},
    "b18, top_k 1, and pretrained with another shape": {"top_k": "1", "use_pretrained_model": "1", "num_layers": "18"},
}


@pytest.mark.parametrize("settings", ODD.values(), ids=ODD)
def test_odd_settings_give_probabilities_all_the_same(settings):
    result = train({**SETTINGS, "epochs": "30", **settings}, make_channels(), lambda line: None)
    answer = load(result.artifact).probabilities(picture())
    assert math.fsum(answer) == pytest.approx(1, abs=1e-4)
    assert all(0 <= metric.value <= 1 for metric in result.metrics)


def test_all_images_alike_are_no_division_by_zero():
    same = recordio(rec([Record(0.0, 0, picture())] * 4))
    assert run({"train": same, "validation": same}, num_classes="1").metrics[-1].value == 1.0


def test_the_best_epoch_is_kept():
    log: list[str] = []
    result = run(log=log, epochs="30")
    stored = [line for line in log if line.startswith("Saved checkpoint")]
    assert params_name(result.artifact) in stored[-1]
    assert len(stored) < 30


def test_checkpoints_are_kept_at_their_frequency():
    log: list[str] = []
    result = run(log=log, epochs="5", checkpoint_frequency="2")
    assert [line[-12:-8] for line in log if line.startswith("Saved")] == ["0002", "0004"]
    assert params_name(result.artifact) == "image-classification-0004.params"


def test_early_stopping_ends_when_nothing_improves():
    stopping = {"early_stopping": "True", "early_stopping_min_epochs": "3", "early_stopping_patience": "2"}
    settings = {**SETTINGS, "epochs": "500", "learning_rate": "0", **stopping}
    result = train(settings, make_channels(), lambda line: None)
    assert result.metrics[-1].epoch == 2


def test_without_early_stopping_all_epochs_run():
    assert run(epochs="20", learning_rate="0").metrics[-1].epoch == 19


def test_the_schedule_lowers_the_learning_rate():
    frozen = run(epochs="5", lr_scheduler_step="2", lr_scheduler_factor="0")
    accuracies = [metric.value for metric in frozen.metrics if metric.name == "validation:accuracy"]
    assert accuracies[1:] == [accuracies[1]] * 4
    assert run(epochs="2", checkpoint_frequency="2").artifact[-64:] != frozen.artifact[-64:]


def test_a_stopped_job_saves_what_it_has():
    calls = itertools.count(1)
    log: list[str] = []
    result = train({**SETTINGS, "epochs": "100"}, make_channels(), log.append, stopped=lambda: next(calls) >= 2)
    assert result.metrics[-1].epoch == 1
    assert "Received SIGTERM: saving what has been trained" in log
    assert load(result.artifact).num_classes == 3


def test_a_job_stopped_before_its_first_checkpoint_has_an_artifact_too():
    settings = {**SETTINGS, "epochs": "100", "checkpoint_frequency": "100"}
    result = train(settings, make_channels(), lambda line: None, stopped=lambda: True)
    assert params_name(result.artifact) == "image-classification-0001.params"


def test_incremental_training_goes_on_from_the_model():
    first = run(epochs="20")
    model = Channel("application/x-sagemaker-model", [("out/model.tar.gz", first.artifact)])
    frozen = run(make_channels(model=model), epochs="1", learning_rate="0")
    assert frozen.metrics[-1].value == max(m.value for m in first.metrics if m.name == "validation:accuracy")
    assert load(frozen.artifact).probabilities(picture()) == load(first.artifact).probabilities(picture())
