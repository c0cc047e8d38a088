"""From an encoded image to the network's input.

Training and serving share it, so that both see the same numbers.
"""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sagemaker_emulator.algorithm.errors import InvalidImage
from sagemaker_emulator.algorithm.hyperparameters import Shape

MAX_PIXELS = 64_000_000
"""Images beyond this are refused: a few kilobytes can claim to be gigabytes of pixels."""

# An image is shrunk to these many pixels a side, whatever image_shape says: the memory and time that training
# takes do not grow with it, and it is enough for a stand-in.
_COLOR_GRID = 8
_EDGE_GRID = 16
_CELLS = 4
_DIRECTIONS = 8

_LINE = np.arange(_EDGE_GRID) * _CELLS // _EDGE_GRID
_CELL_OF_PIXEL = _LINE[:, None] * _CELLS + _LINE[None, :]

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")

Vector = NDArray[np.float32]


def decode(data: bytes) -> Image.Image:
    """Decode an image, to its pixels. Raises InvalidImage."""
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise InvalidImage(f"{image.width} by {image.height} pixels are more than {MAX_PIXELS}")
        image.load()
    except InvalidImage:
        raise
    except Exception as error:  # Pillow's decoders raise whatever a broken file makes them trip over
        raise InvalidImage(str(error) or type(error).__name__) from error
    return image


def input_size(shape: Shape) -> int:
    """How many numbers `to_input` makes of an image."""
    return shape.channels * _COLOR_GRID**2 + _CELLS**2 * _DIRECTIONS


def to_input(image: Image.Image, shape: Shape) -> Vector:
    """Return what the network sees of an image.

    Colors in a coarse grid, and how strong the edges of each direction are.

    All numbers are from 0 to 1. The aspect ratio is not kept, as in the real algorithm.
    """
    plain = image.convert("L" if shape.channels == 1 else "RGB")
    return np.concatenate([_shrink(plain, _COLOR_GRID).reshape(-1), _edges(_shrink(image.convert("L"), _EDGE_GRID))])


def _shrink(image: Image.Image, side: int) -> Vector:
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), dtype=np.float32) / np.float32(255)


def _edges(pixels: Vector) -> Vector:
    """Make a histogram of oriented gradients: how much of each direction is in each cell, scaled by the cell's own."""
    down, right = np.gradient(pixels)
    strength = np.hypot(right, down)
    turn = (np.arctan2(down, right) / (2 * np.pi) * _DIRECTIONS) % _DIRECTIONS
    below = np.floor(turn)
    # A direction between two bins counts for both, so that a small turn changes the numbers a little only.
    shares = np.stack([1 - (turn - below), turn - below]) * strength
    bins = (np.stack([below, below + 1]) % _DIRECTIONS).astype(np.int64) + _CELL_OF_PIXEL * _DIRECTIONS
    cells = np.bincount(bins.reshape(-1), shares.reshape(-1), _CELLS**2 * _DIRECTIONS).reshape(-1, _DIRECTIONS)
    scaled: Vector = (cells / (np.sqrt((cells**2).sum(axis=1, keepdims=True)) + 0.2)).astype(np.float32)
    return scaled.reshape(-1)
