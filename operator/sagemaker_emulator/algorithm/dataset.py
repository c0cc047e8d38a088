"""A channel as arrays: the network's inputs and targets, with every image and label checked on the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sagemaker_emulator.algorithm.channels import Channel, LabelFormat, Sample, label_format, read_samples
from sagemaker_emulator.algorithm.errors import AlgorithmError, InvalidImage
from sagemaker_emulator.algorithm.hyperparameters import Hyperparameters
from sagemaker_emulator.algorithm.images import Vector, decode, to_input

Matrix = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dataset:
    """`inputs` is images by pixels.

    `targets` is images by classes, 1 where the image is of the class and else 0.
    """

    inputs: Matrix
    targets: Matrix

    def __len__(self) -> int:
        return len(self.inputs)


def read_dataset(channels: Mapping[str, Channel], name: str, settings: Hyperparameters) -> Dataset:
    """Decode a channel. One image is in memory at a time, and of each stays what the network sees.

    Raises AlgorithmError for an image or label that does not fit the settings.
    """
    kind = label_format(channels[name], settings)
    inputs: list[Vector] = []
    classes: list[list[int]] = []
    for sample in read_samples(channels, name):
        classes.append(_classes(sample, kind, settings, name))
        inputs.append(_input(sample, settings, name))
    if not inputs:
        raise AlgorithmError(f"Unable to start training. No images in the {name} channel.")
    return Dataset(np.stack(inputs), _targets(classes, settings.num_classes))


def iterate_batches(order: Indices, size: int) -> Iterator[Indices]:
    """Cut `order`, the images' numbers, into batches of at most `size`."""
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _input(sample: Sample, settings: Hyperparameters, name: str) -> Vector:
    try:
        image = decode(sample.image)
    except InvalidImage as error:
        raise AlgorithmError(f"Unable to decode {sample.origin} in the {name} channel: {error}") from error
    _check_size(image, sample, settings, name)
    return to_input(image, settings.image_shape)


def _check_size(image: Image.Image, sample: Sample, settings: Hyperparameters, name: str) -> None:
    if settings.resize is not None:
        return  # the shorter edge becomes that long, and resize is not smaller than image_shape
    shape = settings.image_shape
    if image.width < shape.width or image.height < shape.height:
        raise AlgorithmError(
            f"The image in {sample.origin} of the {name} channel is smaller ({image.height} by {image.width}) than "
            f"image_shape ({shape}). Use a smaller image_shape, or set resize."
        )


def _classes(sample: Sample, kind: LabelFormat, settings: Hyperparameters, name: str) -> list[int]:
    if kind == "multi-hot":
        return _hot(sample, settings, name)
    if kind == "scalar" and len(sample.labels) != 1:
        raise AlgorithmError(
            f"{sample.origin} of the {name} channel has {len(sample.labels)} labels. Set multi_label to 1 for "
            "images of several classes."
        )
    return [_class(label, sample, settings, name) for label in sample.labels]


def _class(label: float, sample: Sample, settings: Hyperparameters, name: str) -> int:
    if not label.is_integer() or not 0 <= label < settings.num_classes:
        raise AlgorithmError(
            f"The label {label:g} in {sample.origin} of the {name} channel is not a class: labels must be integers "
            f"from 0 to {settings.num_classes - 1} with num_classes set to {settings.num_classes}."
        )
    return int(label)


def _hot(sample: Sample, settings: Hyperparameters, name: str) -> list[int]:
    if len(sample.labels) != settings.num_classes:
        raise AlgorithmError(
            f"Mismatch between number of labels in the multi-label data ({len(sample.labels)}) and the num_classes "
            f"parameter ({settings.num_classes})."
        )
    if any(label not in (0.0, 1.0) for label in sample.labels):
        raise AlgorithmError(f"The multi-hot labels in {sample.origin} of the {name} channel are not all 0 or 1.")
    return [number for number, label in enumerate(sample.labels) if label]


def _targets(classes: list[list[int]], count: int) -> Matrix:
    targets = np.zeros((len(classes), count), dtype=np.float32)
    for row, numbers in enumerate(classes):
        targets[row, numbers] = 1.0
    return targets
