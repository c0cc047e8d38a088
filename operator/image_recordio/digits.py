"""Real images that need no download.

Scikit-learn's 1,797 scanned handwritten digits. Needs Pillow and scikit-learn.

They are a copy of the test set of the UCI "Optical Recognition of Handwritten Digits" data set: 8 by 8
pixels, 17 shades of gray.
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from PIL import Image

from image_recordio.datasets import LabelledImage
from image_recordio.images import encode

LABELS = tuple("0123456789")
SEED = 20260101

_SHADES = 16


@dataclass(frozen=True, slots=True)
class Digits:
    """The digits in three parts that share no image, each with its classes mixed."""

    train: tuple[LabelledImage, ...]
    validation: tuple[LabelledImage, ...]
    held_out: tuple[LabelledImage, ...]
    labels: tuple[str, ...] = LABELS


def digits(*, size: int = 32, per_class: int = 30, seed: int = SEED) -> Digits:
    """Return the digits as grayscale PNG images of `size` by `size` pixels, the same on every call.

    `per_class` images of each digit are validated with and as many are held out (300 each, by default); the
    other 1,197 are for training.
    """
    chance = random.Random(seed)
    train: list[LabelledImage] = []
    validation: list[LabelledImage] = []
    held_out: list[LabelledImage] = []
    for samples in _by_class(size).values():
        chance.shuffle(samples)
        validation += samples[:per_class]
        held_out += samples[per_class : 2 * per_class]
        train += samples[2 * per_class :]
    for part in (train, validation, held_out):
        chance.shuffle(part)
    return Digits(tuple(train), tuple(validation), tuple(held_out))


def _by_class(size: int) -> dict[int, list[LabelledImage]]:
    from sklearn.datasets import load_digits  # a second to import: only who asks for digits pays for it

    data = load_digits()
    classes: dict[int, list[LabelledImage]] = defaultdict(list)
    for number, (pixels, target) in enumerate(zip(data.images, data.target, strict=True)):
        label = int(target)
        classes[label].append(LabelledImage(label, _png(pixels, size), f"{LABELS[label]}/{number:04}.png"))
    return classes


def _png(pixels: Any, size: int) -> bytes:
    shades = (pixels * (255 / _SHADES)).round().astype("uint8")
    return encode(Image.fromarray(shades).resize((size, size), Image.Resampling.BICUBIC), "PNG")
