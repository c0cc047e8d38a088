"""The training container's work.

Check, read, train epoch by epoch, and say so in the algorithm's log style.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sagemaker_emulator.algorithm.artifact import InvalidArtifact, Model, read_artifact, write_artifact
from sagemaker_emulator.algorithm.channels import IMAGES, Channel, check_channels, read_model
from sagemaker_emulator.algorithm.dataset import Dataset, read_dataset
from sagemaker_emulator.algorithm.errors import AlgorithmError, FailureKind
from sagemaker_emulator.algorithm.fitting import Fit, use_one_blas_thread
from sagemaker_emulator.algorithm.hyperparameters import Hyperparameters
from sagemaker_emulator.algorithm.images import input_size
from sagemaker_emulator.algorithm.network import Network, initial_network

MAX_CLASSES = 1 << 14
"""More would need more memory than a stand-in should take."""

_SEED = 0

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of one epoch (from 0), under the name that SageMaker gives it."""

    name: str
    value: float
    epoch: int


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """`artifact` is model.tar.gz. `metrics` has two for each epoch; the last of each name is the final one.

    The guide documents `validation:accuracy` only; `train:accuracy` is what SageMaker's console lists
    besides it.
    """

    artifact: bytes
    metrics: list[Metric]


def train(
    hyperparameters: Mapping[str, str],
    channels: Mapping[str, Channel],
    log: Log,
    *,
    clock: Callable[[], float] = time.monotonic,
    stopped: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train. The same input gives the same artifact.

    `log` gets each line without a time. `stopped` is asked after every epoch; once it says yes, the
    training ends with what it has, as the algorithm does on SIGTERM. Raises AlgorithmError, and nothing
    else.
    """
    try:
        return _train(hyperparameters, channels, log, clock, stopped)
    except AlgorithmError as error:
        who = "Customer" if error.kind is FailureKind.CLIENT else "Algorithm"
        log(f"{who} Error: {error.message}")
        raise
    except Exception as error:
        # A container that crashes fails its job; it must not take the emulator with it.
        message = f"Internal Server Error (caused by {type(error).__name__}: {error})"
        log(f"Algorithm Error: {message}")
        raise AlgorithmError(message, exit_code=1, kind=FailureKind.ALGORITHM) from error


def _train(
    hyperparameters: Mapping[str, str],
    channels: Mapping[str, Channel],
    log: Log,
    clock: Callable[[], float],
    stopped: Callable[[], bool],
) -> TrainingResult:
    log(f"Merging with provided configuration from /opt/ml/input/config/hyperparameters.json: {dict(hyperparameters)}")
    settings = Hyperparameters.parse(hyperparameters)
    check_channels(channels, settings)
    _check_memory(settings)
    earlier = _read_earlier(channels, settings)
    data = _read(channels, "train", settings, log)
    validation = _read(channels, "validation", settings, log)
    _check_counts(data, settings, log)
    _log_settings(settings, earlier is not None, log)
    use_one_blas_thread()
    chance = np.random.default_rng(_SEED)
    network = earlier or initial_network(data, multi_label=settings.multi_label, chance=chance)
    fit = Fit(network, settings, chance, log, clock)
    history = fit.run(data, validation, stopped)
    metrics = [
        metric
        for number, epoch in enumerate(history)
        for metric in (
            Metric("train:accuracy", epoch.train_accuracy, number),
            Metric("validation:accuracy", epoch.validation_accuracy, number),
        )
    ]
    return TrainingResult(
        write_artifact(Model(fit.kept, settings.image_shape, settings.num_layers), fit.kept_epoch), metrics
    )


def _read(channels: Mapping[str, Channel], name: str, settings: Hyperparameters, log: Log) -> Dataset:
    if channels[name].media_type in IMAGES:
        log(f"Searching for .lst files in /opt/ml/input/data/{name}_lst.")
    else:
        log(f"Searching for .rec files in /opt/ml/input/data/{name}.")
    return read_dataset(channels, name, settings)


def _check_memory(settings: Hyperparameters) -> None:
    if settings.num_classes > MAX_CLASSES:
        raise AlgorithmError(
            f"Out of memory: num_classes ({settings.num_classes}) is above the stand-in's limit of {MAX_CLASSES}",
            exit_code=1,
            kind=FailureKind.ALGORITHM,
        )


def _check_counts(data: Dataset, settings: Hyperparameters, log: Log) -> None:
    if len(data) < settings.mini_batch_size:
        raise AlgorithmError("The number of input images must be bigger or equal to the mini_batch_size.")
    if len(data) != settings.num_training_samples:
        # The real algorithm only counts its learning rate schedule by it.
        log(f"num_training_samples is {settings.num_training_samples}, but the train channel has {len(data)} images")


def _read_earlier(channels: Mapping[str, Channel], settings: Hyperparameters) -> Network | None:
    """Read the model to go on from; the guide wants the same num_layers, image_shape and num_classes."""
    artifact = read_model(channels)
    if artifact is None:
        return None
    try:
        model = read_artifact(artifact)
    except InvalidArtifact as error:
        raise AlgorithmError(f"Invalid model in the model channel: {error}") from error
    wanted = (settings.num_layers, settings.image_shape, settings.num_classes, settings.multi_label)
    found = (model.num_layers, model.image_shape, model.num_classes, model.network.multi_label)
    if found != wanted or model.pixels != input_size(settings.image_shape):
        raise AlgorithmError(
            "num_layers, image_shape, num_classes and multi_label must be those of the model in the model channel "
            f"({', '.join(map(str, found))}); they are {', '.join(map(str, wanted))}"
        )
    return model.network


def _log_settings(settings: Hyperparameters, incremental: bool, log: Log) -> None:
    log(f"use_pretrained_model: {int(settings.use_pretrained_model)}")
    log(f"multi_label: {int(settings.multi_label)}")
    if incremental:
        log("Going on from the model in the model channel.")
    elif settings.use_pretrained_model:
        # The stand-in has no pretrained weights to start from.
        log("Using pretrained model for initializing weights and transfer learning.")
    else:
        log("Performing random weight initialization")
    log("---- Parameters ----")
    for name in _LOGGED:
        log(f"{name}: {getattr(settings, name)}")
    log("--------------------")


_LOGGED = (
    "num_layers",
    "epochs",
    "resize",
    "optimizer",
    "momentum",
    "weight_decay",
    "learning_rate",
    "num_training_samples",
    "mini_batch_size",
    "image_shape",
    "num_classes",
    "augmentation_type",
    "kv_store",
    "top_k",
)
