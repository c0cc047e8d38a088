"""Epochs.

Training on batches, accuracy, the learning rate's schedule, early stopping, and which epoch's weights are
kept.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from sagemaker_emulator.algorithm.dataset import Dataset, Indices, Matrix, iterate_batches
from sagemaker_emulator.algorithm.hyperparameters import Hyperparameters
from sagemaker_emulator.algorithm.network import Network
from sagemaker_emulator.algorithm.optimizers import Optimizer

_CHUNK = 1024
_LOGGED_BATCHES = 20


@functools.cache
def use_one_blas_thread() -> None:
    """Keep matrix products on the thread that asks for them, from the first call on.

    These are too small to gain by being shared out, several trainings run beside each other, and the sums
    would depend on the number of processors.
    """
    threadpool_limits(limits=1, user_api="blas")


@dataclass(frozen=True, slots=True)
class Epoch:
    """The accuracies of an epoch, from 0 to 1.

    The train accuracy is over its batches as they were trained on.
    """

    train_accuracy: float
    validation_accuracy: float


class Fit:
    """One training. `kept` is the network that goes into the artifact, `kept_epoch` (from 0) whose it is."""

    def __init__(
        self,
        network: Network,
        settings: Hyperparameters,
        chance: np.random.Generator,
        log: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._network = network.copy()
        self._settings = settings
        self._chance = chance
        self._log = log
        self._clock = clock
        self._optimizer = Optimizer(settings)
        self._best = -1.0
        self.kept = network
        self.kept_epoch = -1

    def run(self, data: Dataset, validation: Dataset, stopped: Callable[[], bool]) -> list[Epoch]:
        """Train until the last epoch, early stopping, or `stopped`. Return the epochs that were trained."""
        history: list[Epoch] = []
        weights = _class_weights(data, weighted=self._settings.use_weighted_loss and self._settings.multi_label)
        for number in range(self._settings.epochs):
            history.append(self._run_epoch(number, data, validation, weights))
            self._keep(number, history[-1].validation_accuracy)
            if stopped():
                self._log("Received SIGTERM: saving what has been trained")
                break
            if self._is_settled(history):
                self._log(f"Early stopping at epoch {number}: validation accuracy has not improved")
                break
        if self.kept_epoch < 0:  # ended before its first checkpoint
            self._save(len(history) - 1)
        return history

    def _run_epoch(self, number: int, data: Dataset, validation: Dataset, weights: Matrix) -> Epoch:
        start = self._clock()
        probabilities, order = self._train_once(number, data, weights, start)
        targets = data.targets[order]
        train_accuracy = self._accuracy(probabilities, targets)
        self._log(f"Epoch[{number}] Train-accuracy={train_accuracy:.6f}")
        if (k := self._shown_top_k) is not None:
            self._log(f"Epoch[{number}] Train-top_k_accuracy_{k}={_top_k_accuracy(probabilities, targets, k):.6f}")
        self._log(f"Epoch[{number}] Time cost={self._clock() - start:.3f}")
        answers = classify(self._network, validation.inputs)
        validation_accuracy = self._accuracy(answers, validation.targets)
        self._log(f"Epoch[{number}] Validation-accuracy={validation_accuracy:.6f}")
        return Epoch(train_accuracy, validation_accuracy)

    def _train_once(self, number: int, data: Dataset, weights: Matrix, began: float) -> tuple[Matrix, Indices]:
        rate = _learning_rate(self._settings, number)
        order = self._chance.permutation(len(data))
        answers: list[Matrix] = []
        logged = 0
        for count, batch in enumerate(iterate_batches(order, self._settings.mini_batch_size)):
            probabilities, gradients = self._network.gradients(data.inputs[batch], data.targets[batch], weights)
            self._optimizer.step(self._network.arrays, gradients, rate)
            answers.append(probabilities)
            if count and count % _LOGGED_BATCHES == 0:
                shown, since = order[logged * self._settings.mini_batch_size :], answers[logged:]
                now = self._clock()
                self._log_speed(number, count, since, data.targets[shown[: sum(map(len, since))]], now - began)
                began, logged = now, len(answers)
        return np.concatenate(answers), order

    def _accuracy(self, probabilities: Matrix, targets: Matrix) -> float:
        if self._settings.multi_label:
            return float(((probabilities > 0.5) == (targets > 0.5)).mean())
        return _top_k_accuracy(probabilities, targets, 1)

    @property
    def _shown_top_k(self) -> int | None:
        return None if self._settings.multi_label else self._settings.top_k

    def _log_speed(self, epoch: int, number: int, answers: list[Matrix], targets: Matrix, seconds: float) -> None:
        """Log what MXNet's Speedometer says of the batches since the last such line; #011 is a tab in syslog's way."""
        probabilities = np.concatenate(answers)
        speed = len(targets) / seconds if seconds > 0 else math.inf
        parts = [f"Speed: {speed:.2f} samples/sec", f"accuracy={self._accuracy(probabilities, targets):.6f}"]
        if (k := self._shown_top_k) is not None:
            parts.append(f"top_k_accuracy_{k}={_top_k_accuracy(probabilities, targets, k):.6f}")
        self._log("#011".join([f"Epoch[{epoch}] Batch [{number}]", *parts]))

    def _keep(self, number: int, accuracy: float) -> None:
        frequency = self._settings.checkpoint_frequency
        if frequency is not None:
            if (number + 1) % frequency == 0:
                self._save(number)
        elif accuracy > self._best:
            self._best = accuracy
            self._log(f"Storing the best model with validation accuracy: {accuracy:.6f}")
            self._save(number)

    def _save(self, number: int) -> None:
        self.kept, self.kept_epoch = self._network.copy(), number
        self._log(f'Saved checkpoint to "/opt/ml/model/image-classification-{number + 1:04}.params"')

    def _is_settled(self, history: list[Epoch]) -> bool:
        settings = self._settings
        waited = settings.early_stopping_patience
        if not settings.early_stopping or len(history) < max(settings.early_stopping_min_epochs, waited + 1):
            return False
        accuracies = [epoch.validation_accuracy for epoch in history]
        return max(accuracies[-waited:]) - max(accuracies[:-waited]) <= settings.early_stopping_tolerance


def classify(network: Network, inputs: Matrix) -> Matrix:
    """Classify many images in chunks, so that memory does not grow with their number."""
    chunks = (inputs[start : start + _CHUNK] for start in range(0, len(inputs), _CHUNK))
    return np.concatenate([network.probabilities(chunk) for chunk in chunks])


def _learning_rate(settings: Hyperparameters, epoch: int) -> float:
    passed = sum(step <= epoch for step in settings.lr_scheduler_step)
    return settings.learning_rate * settings.lr_scheduler_factor**passed


def _top_k_accuracy(probabilities: Matrix, targets: Matrix, k: int) -> float:
    truth = targets.argmax(axis=1)
    own = probabilities[np.arange(len(truth)), truth]
    # Of equal probabilities the first class counts as the likelier one, as argmax has it.
    equal_before = (probabilities == own[:, None]) & (np.arange(probabilities.shape[1]) < truth[:, None])
    better = (probabilities > own[:, None]).sum(axis=1) + equal_before.sum(axis=1)
    return float((better < k).mean())


def _class_weights(data: Dataset, *, weighted: bool) -> Matrix:
    """Weigh the images of a rare class as much as the others together; never more than a hundredfold."""
    positives = data.targets.sum(axis=0)
    if not weighted:
        return np.ones_like(positives)
    weights: Matrix = np.clip((len(data) - positives) / np.maximum(positives, 1), 1, 100).astype(np.float32)
    return weights
