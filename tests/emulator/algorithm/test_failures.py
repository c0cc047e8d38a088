"""Every way in which a user's job fails, and the FailureReason it gets."""

import io
import tarfile

import pytest
from tests.emulator.algorithm.builders import (
    RECORDIO,
    image_channels,
    make_channels,
    picture,
    pictures,
    rec,
    recordio,
    run,
)

from image_recordio import Record
from sagemaker_emulator.algorithm import AlgorithmError, Channel, FailureKind


def reason(channels=None, **settings) -> str:
    with pytest.raises(AlgorithmError) as caught:
        run(channels, **settings)
    return caught.value.failure_reason


# Hyperparameter, value, what the reason says that it expects.
OUT_OF_RANGE = [
    ("num_classes", "0", "an integer between 1 and"),
    ("num_classes", "ten", "an integer"),
    ("num_classes", "2.0", "an integer"),
    ("num_classes", "1_0", "an integer"),
    ("num_classes", " 3", "an integer"),
    ("num_classes", "", "an integer"),
    ("num_classes", "99999999999999999999", "an integer between 1 and 2147483647"),
    ("num_training_samples", "-1", "an integer between 1 and"),
    ("augmentation_type", "flip", "one of crop, crop_color, crop_color_transform"),
    ("beta_1", "1.1", "a number between 0.0 and 1.0"),
    ("beta_2", "-0.1", "a number between 0.0 and 1.0"),
    ("checkpoint_frequency", "0", "an integer between 1 and"),
    ("early_stopping", "1", "one of True, False"),
    ("early_stopping_min_epochs", "0", "an integer between 1 and"),
    ("early_stopping_patience", "0", "an integer between 1 and"),
    ("early_stopping_tolerance", "2", "a number between 0.0 and 1.0"),
    ("epochs", "0", "an integer between 1 and"),
    ("eps", "nan", "a number between 0.0 and 1.0"),
    ("gamma", "inf", "a number between 0.0 and 1.0"),
    ("image_shape", "224", "channels (1 or 3), height and width"),
    ("image_shape", "4,8,8", "channels (1 or 3), height and width"),
    ("image_shape", "3,0,8", "channels (1 or 3), height and width"),
    ("image_shape", "3,999999,8", "channels (1 or 3), height and width"),
    ("kv_store", "device", "one of dist_sync, dist_async"),
    ("learning_rate", "1.5", "a number between 0.0 and 1.0"),
    ("learning_rate", "fast", "a number between 0.0 and 1.0"),
    ("lr_scheduler_factor", "-1", "a number between 0.0 and 1.0"),
    ("lr_scheduler_step", "10;20", "epochs such as '10,20'"),
    ("mini_batch_size", "0", "an integer between 1 and"),
    ("momentum", "9", "a number between 0.0 and 1.0"),
    ("multi_label", "True", "one of 0, 1"),
    ("num_layers", "19", "one of 18, 20, 32, 34, 44, 50, 56, 101, 110, 152, 200"),
    ("optimizer", "SGD", "one of sgd, adam, rmsprop, nag"),
    ("precision_dtype", "float64", "one of float32, float16"),
    ("resize", "0", "an integer between 1 and"),
    ("top_k", "0", "an integer between 1 and"),
    ("use_pretrained_model", "2", "one of 0, 1"),
    ("use_weighted_loss", "yes", "one of 0, 1"),
    ("weight_decay", "1e1", "a number between 0.0 and 1.0"),
]


@pytest.mark.parametrize(("name", "value", "expects"), OUT_OF_RANGE, ids=[f"{n}={v}" for n, v, _ in OUT_OF_RANGE])
def test_a_hyperparameter_out_of_range_is_named_with_what_it_expects(name, value, expects):
    text = reason(**{name: value})
    assert text.startswith(
        f"ClientError: The value '{value}' is not valid for the '{name}' hyperparameter which expects"
    )
    assert expects in text
    assert text.endswith(" (caused by ValidationError), exit code: 2")


TOGETHER = {
    "no num_classes": ({"num_classes": None}, "'num_classes' is a required hyperparameter"),
    "no num_training_samples": ({"num_training_samples": None}, "'num_training_samples' is a required hyperparameter"),
    "unknown": ({"layers": "3", "epoch": "2"}, "not allowed ('epoch', 'layers' unexpected)"),
    "checkpoints beyond the end": (
        {"checkpoint_frequency": "4"},
        "checkpoint_frequency (4) must not be greater than epochs",
    ),
    "resize below the height": ({"image_shape": "3,9,8", "resize": "8"}, "resize (8) must not be smaller than"),
    "pretrained, shallow": (
        {"use_pretrained_model": "1", "image_shape": "3,224,224", "num_layers": "20"},
        "num_layers must be one of 18, 34, 50, 101, 152, 200 with use_pretrained_model",
    ),
    "batch above the images": (
        {"mini_batch_size": "13"},
        "The number of input images must be bigger or equal to the mini_batch_size.",
    ),
    "image smaller than image_shape": ({"image_shape": "3,8,11"}, "is smaller (9 by 10) than image_shape (3,8,11)"),
    "label above num_classes": ({"num_classes": "2"}, "The label 2 in record 2 of data/train.rec of the train channel"),
}


@pytest.mark.parametrize(("settings", "message"), TOGETHER.values(), ids=TOGETHER)
def test_settings_that_do_not_fit_together_or_the_data(settings, message):
    text = reason(**settings)
    assert message in text
    assert (text.startswith("ClientError: "), text.endswith(", exit code: 2")) == (True, True)


def test_what_would_need_too_much_memory_is_the_algorithms_failure():
    assert reason(num_classes="2147483647").startswith("AlgorithmError: Out of memory: num_classes (2147483647)")


def only(name: str) -> dict[str, Channel]:
    return {key: channel for key, channel in make_channels().items() if key == name}


def cut(data: bytes) -> bytes:
    return data[:-5]


def model_channel(*names: str, content_type: str = "application/x-sagemaker-model", data: bytes = b"x") -> Channel:
    return Channel(content_type, [(name, data) for name in names])


CHANNELS = {
    "no train": (only("validation"), "Caused by: 'train' is a required property"),
    "no validation": (only("train"), "Caused by: 'validation' is a required property"),
    "no objects": (make_channels(train=Channel(RECORDIO, [])), "No .rec file in train channel"),
    "a folder's marker only": (make_channels(train=recordio(b"", "data/")), "No .rec file in train channel"),
    "no .rec": (make_channels(train=recordio(rec(pictures(4)), "train.idx")), "No .rec file in train channel"),
    "empty .rec": (
        make_channels(train=recordio(b"")),
        "ClientError: Unable to start training. Empty .rec file in train channel., exit code: 2",
    ),
    "empty pipe": (make_channels(train=recordio(b"", "x", input_mode="Pipe")), "Empty .rec file in train channel"),
    "not RecordIO": (
        make_channels(train=recordio(b"label,path\n1,a.png\n")),
        "Invalid RecordIO file data/train.rec in the train channel: not RecordIO",
    ),
    "truncated": (make_channels(validation=recordio(cut(rec(pictures(4))))), "in the validation channel: truncated"),
    "no image in it": (
        make_channels(train=recordio(rec([Record(0.0, 0, b"nothing")] * 4))),
        "Unable to decode record 0 of data/train.rec in the train channel",
    ),
    "negative label": (make_channels(train=recordio(rec([Record(-1.0, 0, picture())]))), "The label -1 in record 0"),
    "half a label": (make_channels(train=recordio(rec([Record(0.5, 0, picture())]))), "The label 0.5 in record 0"),
    "label that is no number": (
        make_channels(train=recordio(rec([Record(float("nan"), 0, picture())]))),
        "The label nan in record 0",
    ),
    "two labels": (
        make_channels(train=recordio(rec([Record((0.0, 1.0), 0, picture())]))),
        "has 2 labels. Set multi_label to 1",
    ),
    "no content type": (
        make_channels(train=recordio(b"", content_type="")),
        "The content type '' of the train channel",
    ),
    "other content type": (
        make_channels(validation=recordio(b"", content_type="text/csv")),
        "The content type 'text/csv' of the validation channel is not supported",
    ),
    "label-format": (
        make_channels(train=recordio(b"", content_type=f"{RECORDIO}; label-format=one-hot")),
        "label-format must be class-id or multi-hot, not 'one-hot'",
    ),
    "model of another type": (
        make_channels(model=model_channel("m.tar.gz", content_type="application/gzip")),
        "The content type of the model channel must be application/x-sagemaker-model",
    ),
    "two models": (
        make_channels(model=model_channel("a.tar.gz", "b.tar.gz")),
        "must hold one model.tar.gz; it holds 2",
    ),
    "model that is none": (make_channels(model=model_channel("a.tar.gz")), "Invalid model in the model channel"),
}


@pytest.mark.parametrize(("channels", "message"), CHANNELS.values(), ids=CHANNELS)
def test_channels_that_cannot_be_trained_on(channels, message):
    text = reason(channels)
    assert message in text
    assert (text.startswith("ClientError: "), text.endswith(", exit code: 2")) == (True, True)


LISTS = {
    "not a list": ("red.png 0\n", "Invalid lst file in the train channel. data/train_lst/a.lst: line 1"),
    "an image that is not there": ("0\t0\tblack.png\n", "Invalid lst file in the train channel. black.png is not"),
    "empty": ("", "No images in the train channel"),
    "label above num_classes": ("0\t3\tred.png\n", "The label 3 in red.png of the train channel"),
}


@pytest.mark.parametrize(("lst", "message"), LISTS.values(), ids=LISTS)
def test_lists_that_cannot_be_trained_on(lst, message):
    assert message in reason(image_channels(lst), resize="8")


def test_images_need_a_list():
    channels = image_channels()
    del channels["train_lst"]
    assert "Caused by: 'train_lst' is a required property" in reason(channels, resize="8")


def test_a_list_channel_needs_a_list():
    channels = {**image_channels(), "train_lst": Channel("application/x-image", [])}
    assert "No lst file in the train_lst channel" in reason(channels, resize="8")


MULTI = {
    "wrong length": ((1.0, 0.0), "Mismatch between number of labels in the multi-label data (2) and the num_classes"),
    "not hot": ((1.0, 0.5, 0.0), "The multi-hot labels in record 0 of data/train.rec"),
}


@pytest.mark.parametrize(("label", "message"), MULTI.values(), ids=MULTI)
def test_multi_hot_labels_that_do_not_fit(label, message):
    channels = make_channels(train=recordio(rec([Record(label, 0, picture())])))
    assert message in reason(channels, multi_label="1")


OTHER = {
    "num_classes": {"num_classes": "4"},
    "num_layers": {"num_layers": "18"},
    "image_shape": {"image_shape": "3,9,9"},
    "multi_label": {"multi_label": "1"},
}


@pytest.mark.parametrize("settings", OTHER.values(), ids=OTHER)
def test_a_model_of_other_settings_is_not_gone_on_from(settings):
    multi = "multi_label" in settings
    labels = [Record((1.0, 0.0, 0.0), 0, picture())] * 4 if multi else pictures(12)
    channels = make_channels(train=recordio(rec(labels)), model=model_channel("m.tar.gz", data=run().artifact))
    assert "must be those of the model in the model channel (152, 3,8,8, 3, False)" in reason(channels, **settings)


def test_a_failure_is_logged_as_the_customers():
    log: list[str] = []
    with pytest.raises(AlgorithmError):
        run(log=log, epochs="0")
    assert log[-1].startswith("Customer Error: The value '0' is not valid")


def test_a_long_reason_is_cut_and_keeps_its_exit_code():
    text = reason(optimizer="x" * 2000)
    assert (len(text), text[-14:]) == (1024, ", exit code: 2")


def test_a_crash_is_the_algorithms_failure():
    def log(line: str) -> None:
        if line.startswith("Epoch"):
            raise RuntimeError("disk full")

    from tests.emulator.algorithm.builders import SETTINGS

    from sagemaker_emulator.algorithm import train

    with pytest.raises(AlgorithmError) as caught:
        train(SETTINGS, make_channels(), log)
    assert caught.value.kind is FailureKind.ALGORITHM
    assert caught.value.failure_reason == (
        "AlgorithmError: Internal Server Error (caused by RuntimeError: disk full), exit code: 1"
    )


def test_a_tar_without_a_model_is_named():
    out = io.BytesIO()
    tarfile.open(fileobj=out, mode="w:gz").close()
    channels = make_channels(model=model_channel("m.tar.gz", data=out.getvalue()))
    assert "it has no readable image-classification-symbol.json" in reason(channels)
