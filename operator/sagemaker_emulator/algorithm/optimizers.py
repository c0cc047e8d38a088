"""The algorithm's four optimizers, safe against hyperparameters that would make a network diverge."""

from collections.abc import Callable

import numpy as np

from sagemaker_emulator.algorithm.dataset import Matrix
from sagemaker_emulator.algorithm.hyperparameters import Hyperparameters
from sagemaker_emulator.algorithm.network import TRAINED, Arrays

_MAX_NORM = 5.0
_MAX_WEIGHT = 100.0
_TINY = 1e-12

# (array's name, its weights, its gradient) to the direction in which the weights are to go down.
Direction = Callable[[str, Matrix, Matrix], Matrix]


class Optimizer:
    """Changes weights by gradients, in place. Holds the moments that its kind needs."""

    def __init__(self, settings: Hyperparameters) -> None:
        self._settings = settings
        self._first: Arrays = {}
        self._second: Arrays = {}
        self._steps = 0
        kinds: dict[str, Direction] = {
            "sgd": self._sgd,
            "nag": self._nag,
            "adam": self._adam,
            "rmsprop": self._rmsprop,
        }
        self._direction = kinds[settings.optimizer]

    def step(self, weights: Arrays, gradients: Arrays, rate: float) -> None:
        """Change `weights`. Every result is finite, whatever the settings and gradients are."""
        self._steps += 1
        shrink = _MAX_NORM / max(_MAX_NORM, _norm(gradients))
        for name in TRAINED:
            gradient = np.nan_to_num(gradients[name]) * np.float32(shrink)
            direction = self._direction(name, weights[name], gradient)
            changed = weights[name] - np.float32(rate) * np.clip(np.nan_to_num(direction), -_MAX_WEIGHT, _MAX_WEIGHT)
            weights[name] = np.clip(changed, -_MAX_WEIGHT, _MAX_WEIGHT).astype(np.float32)

    def _velocity(self, name: str, gradient: Matrix) -> Matrix:
        moved = np.float32(self._settings.momentum) * self._first.get(name, np.float32(0)) + gradient
        # With momentum 1 the velocity would grow without end.
        velocity: Matrix = np.clip(moved, -_MAX_WEIGHT, _MAX_WEIGHT)
        self._first[name] = velocity
        return velocity

    def _sgd(self, name: str, weights: Matrix, gradient: Matrix) -> Matrix:
        return self._velocity(name, gradient + np.float32(self._settings.weight_decay) * weights)

    def _nag(self, name: str, weights: Matrix, gradient: Matrix) -> Matrix:
        decayed = gradient + np.float32(self._settings.weight_decay) * weights
        ahead: Matrix = decayed + np.float32(self._settings.momentum) * self._velocity(name, decayed)
        return ahead

    def _adam(self, name: str, _weights: Matrix, gradient: Matrix) -> Matrix:
        settings = self._settings
        first = _average(self._first, name, gradient, settings.beta_1)
        second = _average(self._second, name, gradient**2, settings.beta_2)
        scaled_first = first / max(_TINY, 1 - settings.beta_1**self._steps)
        scaled_second = second / max(_TINY, 1 - settings.beta_2**self._steps)
        return _divide(scaled_first, scaled_second, settings.eps)

    def _rmsprop(self, name: str, _weights: Matrix, gradient: Matrix) -> Matrix:
        second = _average(self._second, name, gradient**2, self._settings.gamma)
        return _divide(gradient, second, self._settings.eps)


def _divide(first: Matrix, second: Matrix, eps: float) -> Matrix:
    divided: Matrix = (first / np.maximum(np.sqrt(second) + eps, _TINY)).astype(np.float32)
    return divided


def _average(moments: Arrays, name: str, value: Matrix, keep: float) -> Matrix:
    moments[name] = np.float32(keep) * moments.get(name, np.float32(0)) + np.float32(1 - keep) * value
    return moments[name]


def _norm(gradients: Arrays) -> float:
    return float(np.sqrt(sum(float(np.nan_to_num(gradient**2).sum()) for gradient in gradients.values())))
