"""The classifier: one hidden layer on shrunken, standardised pixels; numpy only.

The real algorithm trains a ResNet on a GPU. This one has the same outside (inputs of one image shape, a
probability for each class) and learns digits in a second.
"""

import math
from dataclasses import dataclass

import numpy as np

from sagemaker_emulator.algorithm.dataset import Dataset, Matrix

Arrays = dict[str, Matrix]

HIDDEN = 64
TRAINED = ("hidden_weight", "hidden_bias", "output_weight", "output_bias")
"""The arrays that training changes; `mean` and `scale` are taken from the data once."""

# How long a standardised input is, on average. Found by trial: with it the usual learning rates (0.01 to 0.5) all do.
_GAIN = 4.0


@dataclass(frozen=True, slots=True)
class Network:
    """The arrays of a classifier, and whether its classes exclude each other (softmax) or not (sigmoid)."""

    arrays: Arrays
    multi_label: bool

    def probabilities(self, inputs: Matrix) -> Matrix:
        """Classify: images by pixels in, images by classes out."""
        return self._forward(inputs)[2]

    def gradients(self, inputs: Matrix, targets: Matrix, weights: Matrix) -> tuple[Matrix, Arrays]:
        """Return the probabilities, and the gradients of the cross-entropy loss averaged over the images.

        `weights` says, for each class, how much an image of that class counts.
        """
        standard, hidden, output = self._forward(inputs)
        error = (output - targets) * np.where(targets > 0, weights, np.float32(1)) / np.float32(len(inputs))
        back = (error @ self.arrays["output_weight"].T) * (hidden > 0)
        return output, {
            "hidden_weight": standard.T @ back,
            "hidden_bias": back.sum(axis=0),
            "output_weight": hidden.T @ error,
            "output_bias": error.sum(axis=0),
        }

    def copy(self) -> "Network":
        """Return a snapshot that further training does not change."""
        return Network({name: array.copy() for name, array in self.arrays.items()}, self.multi_label)

    def _forward(self, inputs: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        arrays = self.arrays
        standard = (inputs - arrays["mean"]) * arrays["scale"]
        hidden = np.maximum(standard @ arrays["hidden_weight"] + arrays["hidden_bias"], 0)
        scores = hidden @ arrays["output_weight"] + arrays["output_bias"]
        return standard, hidden, _sigmoid(scores) if self.multi_label else _softmax(scores)


def shapes(pixels: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Say which arrays a network has, and their shapes, in the order in which they are stored."""
    return {
        "mean": (pixels,),
        "scale": (pixels,),
        "hidden_weight": (pixels, HIDDEN),
        "hidden_bias": (HIDDEN,),
        "output_weight": (HIDDEN, classes),
        "output_bias": (classes,),
    }


def initial_network(data: Dataset, *, multi_label: bool, chance: np.random.Generator) -> Network:
    """Return an untrained network for such data, its weights drawn from `chance`."""
    sizes = shapes(data.inputs.shape[1], data.targets.shape[1])
    arrays: Arrays = {name: np.zeros(size, dtype=np.float32) for name, size in sizes.items()}
    arrays["mean"] = data.inputs.mean(axis=0)
    arrays["scale"] = _scale(data.inputs)
    # The usual start for rectified units; `scale` has done for the first layer what the root does for the second.
    arrays["hidden_weight"] = _draw(chance, sizes["hidden_weight"], 1.0)
    arrays["output_weight"] = _draw(chance, sizes["output_weight"], math.sqrt(2 / HIDDEN))
    return Network(arrays, multi_label)


def _scale(inputs: Matrix) -> Matrix:
    # The tenth: a pixel that hardly changes must not be blown up into noise.
    spread = inputs.std(axis=0) + np.float32(0.1)
    scale: Matrix = (np.float32(_GAIN / math.sqrt(inputs.shape[1])) / spread).astype(np.float32)
    return scale


def _draw(chance: np.random.Generator, size: tuple[int, ...], spread: float) -> Matrix:
    return (chance.standard_normal(size) * spread).astype(np.float32)


def _softmax(scores: Matrix) -> Matrix:
    powers: Matrix = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Matrix = powers / powers.sum(axis=1, keepdims=True)
    return result


def _sigmoid(scores: Matrix) -> Matrix:
    # exp() of a large number overflows; beyond 30 the answer is 0 or 1 anyway.
    result: Matrix = (1 / (1 + np.exp(-np.clip(scores, -30, 30)))).astype(np.float32)
    return result
