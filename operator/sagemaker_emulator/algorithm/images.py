"""From an encoded image to the network's input.

Training and serving share it, so that both see the same numbers, and the graph in the artifact (`graph`) is made of the
same steps: nothing here is done to an image of `image_shape` that MXNet's operators could not do.
"""

import functools
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sagemaker_emulator.algorithm.errors import InvalidImage
from sagemaker_emulator.algorithm.hyperparameters import Shape

MAX_PIXELS = 64_000_000
"""Images beyond this are refused: a few kilobytes can claim to be gigabytes of pixels."""

# An image is shrunk to these many pixels a side, whatever image_shape says: the memory that training takes does not
# grow with it, and it is enough for a stand-in.
GRID = 16
CELLS = 4
DIRECTIONS = 8

# What is shrunk in one step; a larger image_shape is first brought down to this, by Pillow and a little less exactly.
_MAX_SIDE = 512

_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")

Vector = NDArray[np.float32]

LUMA: Vector = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""How bright red, green and blue are (ITU-R 601, as in Pillow)."""

_ANGLES = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
COMPASS: Vector = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1).astype(np.float32)
"""Each direction as (right, down)."""

NEAR: np.float32 = np.float32(np.cos(2 * np.pi / DIRECTIONS))
"""An edge counts for a direction from this cosine on, that is until it is the next direction's alone."""

EDGE_GAIN: np.float32 = np.float32(GRID**2 / CELLS**2) / (1 - NEAR)
FLOOR = np.float32(0.2)
"""What a cell's strength is divided by at least, so that a plain one's noise stays small."""


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
    return shape.channels * (GRID // 2) ** 2 + CELLS**2 * DIRECTIONS


def to_input(image: Image.Image, shape: Shape) -> Vector:
    """Return what the network sees of an image.

    Colors in a coarse grid, and how strong the edges of each direction are.

    All numbers are from 0 to 1. The aspect ratio is not kept, as in the real algorithm.
    """
    size = (min(shape.width, _MAX_SIDE), min(shape.height, _MAX_SIDE))
    plain = image.convert("L" if shape.channels == 1 else "RGB").resize(size, Image.Resampling.BOX)
    pixels = np.asarray(plain, dtype=np.float32).reshape(size[1], size[0] * shape.channels)
    # Height first: lines lie one after the other in memory.
    flat = (shrinking(size[1]) @ pixels).reshape(GRID, size[0], shape.channels)
    grid = np.tensordot(shrinking(size[0]), flat, axes=(1, 1)).transpose(2, 1, 0) / np.float32(255)
    half = GRID // 2
    colors = grid.reshape(shape.channels, half, 2, half, 2).mean(axis=(2, 4))
    gray: Vector = grid[0] if shape.channels == 1 else np.tensordot(LUMA, grid, axes=1).astype(np.float32)
    return np.concatenate([colors.reshape(-1), _edges(gray).reshape(-1)]).astype(np.float32)


@functools.lru_cache(maxsize=8)
def shrinking(side: int) -> Vector:
    """Return the matrix, GRID by `side`, that takes the means of a line's equal parts.

    A pixel on a border counts in part for both.
    """
    edges = np.arange(GRID + 1) * side / GRID
    pixel = np.arange(side)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    matrix: Vector = (np.clip(covered, 0, None) * GRID / side).astype(np.float32)
    return matrix


@functools.cache
def slope() -> Vector:
    """Return the matrix, GRID by GRID, that takes the differences between neighbours, as numpy.gradient does."""
    matrix: Any = np.gradient(np.eye(GRID, dtype=np.float32), axis=0)
    return np.asarray(matrix, dtype=np.float32)


def _edges(gray: Vector) -> Vector:
    """How much of each direction is in each cell, scaled by the cell's own: DIRECTIONS by CELLS by CELLS."""
    right, down = gray @ slope().T, slope() @ gray
    strength = np.sqrt(right**2 + down**2)
    projected = np.tensordot(COMPASS, np.stack([right, down]), axes=1)
    found = np.maximum(projected - NEAR * strength, 0)
    side = GRID // CELLS
    cells = found.reshape(DIRECTIONS, CELLS, side, CELLS, side).mean(axis=(2, 4)) * EDGE_GAIN
    scaled: Vector = cells / (np.sqrt((cells**2).sum(axis=0, keepdims=True)) + FLOOR)
    return scaled
