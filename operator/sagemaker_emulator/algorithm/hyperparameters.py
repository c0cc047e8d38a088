"""The algorithm's hyperparameters: names, ranges and defaults, and the refusal of what is outside of them.

The table follows "Image Classification Hyperparameters" of the SageMaker developer guide. All values come
as strings.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_emulator.algorithm.errors import AlgorithmError

DEEP_LAYERS = (18, 34, 50, 101, 152, 200)
"""The depths that pretrained models exist for."""

SHALLOW_LAYERS = (20, 32, 44, 56, 110)
"""The depths for small images."""

_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_SHAPE = re.compile(r"([13]), ?([1-9][0-9]{0,4}), ?([1-9][0-9]{0,4})")
_STEPS = re.compile(r"[1-9][0-9]{0,8}(, ?[1-9][0-9]{0,8})*")
_MAX_INTEGER = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Shape:
    """`image_shape`: channels, height and width in pixels."""

    channels: int
    height: int
    width: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        """Read `3,224,224`. Raises ValueError."""
        match = _SHAPE.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"{self.channels},{self.height},{self.width}"


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """The algorithm's settings, checked; the names are the algorithm's own."""

    num_classes: int
    num_training_samples: int
    augmentation_type: str | None
    beta_1: float
    beta_2: float
    checkpoint_frequency: int | None
    early_stopping: bool
    early_stopping_min_epochs: int
    early_stopping_patience: int
    early_stopping_tolerance: float
    epochs: int
    eps: float
    gamma: float
    image_shape: Shape
    kv_store: str | None
    learning_rate: float
    lr_scheduler_factor: float
    lr_scheduler_step: tuple[int, ...]
    mini_batch_size: int
    momentum: float
    multi_label: bool
    num_layers: int
    optimizer: str
    precision_dtype: str
    resize: int | None
    top_k: int | None
    use_pretrained_model: bool
    use_weighted_loss: bool
    weight_decay: float

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Hyperparameters":
        """Check and convert. Raises AlgorithmError for the first thing that is wrong."""
        # Names with an underscore in front are SageMaker's own, such as _tuning_objective_metric.
        own = {name: value for name, value in given.items() if not name.startswith("_")}
        _refuse_unknown(own)
        parsed = cls(**{name: rule.read(name, own.get(name)) for name, rule in _RULES.items()})
        _check_together(parsed)
        return parsed


@dataclass(frozen=True, slots=True)
class _Rule:
    """One row of the table. `convert` raises ValueError for what is not `expects`."""

    convert: Callable[[str], Any]
    expects: str
    default: Any = None
    required: bool = False

    def read(self, name: str, text: str | None) -> Any:
        if text is None:
            if self.required:
                raise AlgorithmError(f"{name!r} is a required hyperparameter (caused by ValidationError)")
            return self.default
        try:
            return self.convert(text)
        except ValueError as error:
            raise AlgorithmError(
                f"The value {text!r} is not valid for the {name!r} hyperparameter which expects {self.expects} "
                "(caused by ValidationError)"
            ) from error


def _integer(minimum: int, *, default: int | None = None, required: bool = False) -> _Rule:
    def convert(text: str) -> int:
        # int() would also take underscores, blanks and other scripts' digits.
        if not _INTEGER.fullmatch(text) or not minimum <= int(text) <= _MAX_INTEGER:
            raise ValueError(text)
        return int(text)

    return _Rule(convert, f"an integer between {minimum} and {_MAX_INTEGER}", default, required)


def _fraction(default: float) -> _Rule:
    def convert(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not 0.0 <= float(text) <= 1.0:
            raise ValueError(text)
        return float(text)

    return _Rule(convert, "a number between 0.0 and 1.0", default)


def _choice(values: Mapping[str, Any], *, default: Any = None) -> _Rule:
    def convert(text: str) -> Any:
        if text not in values:
            raise ValueError(text)
        return values[text]

    return _Rule(convert, f"one of {', '.join(values)}", default)


def _word(*words: str, default: str | None = None) -> _Rule:
    return _choice({word: word for word in words}, default=default)


def _switch() -> _Rule:
    return _choice({"0": False, "1": True}, default=False)


def _steps(text: str) -> tuple[int, ...]:
    if not _STEPS.fullmatch(text):
        raise ValueError(text)
    return tuple(map(int, text.split(",")))


_RULES: dict[str, _Rule] = {
    "num_classes": _integer(1, required=True),
    "num_training_samples": _integer(1, required=True),
    "augmentation_type": _word("crop", "crop_color", "crop_color_transform"),
    "beta_1": _fraction(0.9),
    "beta_2": _fraction(0.999),
    "checkpoint_frequency": _integer(1),
    "early_stopping": _choice({"True": True, "False": False}, default=False),
    "early_stopping_min_epochs": _integer(1, default=10),
    "early_stopping_patience": _integer(1, default=5),
    "early_stopping_tolerance": _fraction(0.0),
    "epochs": _integer(1, default=30),
    "eps": _fraction(1e-8),
    "gamma": _fraction(0.9),
    "image_shape": _Rule(Shape.parse, "channels (1 or 3), height and width such as '3,224,224'", Shape(3, 224, 224)),
    "kv_store": _word("dist_sync", "dist_async"),
    "learning_rate": _fraction(0.1),
    "lr_scheduler_factor": _fraction(0.1),
    "lr_scheduler_step": _Rule(_steps, "epochs such as '10,20'", ()),
    "mini_batch_size": _integer(1, default=32),
    "momentum": _fraction(0.9),
    "multi_label": _switch(),
    "num_layers": _choice({str(n): n for n in sorted(DEEP_LAYERS + SHALLOW_LAYERS)}, default=152),
    "optimizer": _word("sgd", "adam", "rmsprop", "nag", default="sgd"),
    "precision_dtype": _word("float32", "float16", default="float32"),
    "resize": _integer(1),
    # The guide says "larger than 1"; AWS's own sample of an image classifier for its retired operator has 1.
    "top_k": _integer(1),
    "use_pretrained_model": _switch(),
    "use_weighted_loss": _switch(),
    "weight_decay": _fraction(0.0001),
}


def _refuse_unknown(given: Mapping[str, str]) -> None:
    if unknown := sorted(set(given) - set(_RULES)):
        names = ", ".join(map(repr, unknown))
        raise AlgorithmError(
            f"Additional hyperparameters are not allowed ({names} unexpected) (caused by ValidationError)"
        )


def _check_together(given: Hyperparameters) -> None:
    shape = given.image_shape
    if given.checkpoint_frequency is not None and given.checkpoint_frequency > given.epochs:
        raise AlgorithmError(
            f"checkpoint_frequency ({given.checkpoint_frequency}) must not be greater than epochs ({given.epochs})"
        )
    # The guide says "larger than"; runs of the real algorithm with resize=224 and image_shape=3,224,224 complete.
    if given.resize is not None and given.resize < max(shape.height, shape.width):
        raise AlgorithmError(
            f"resize ({given.resize}) must not be smaller than the height and the width in image_shape ({shape})"
        )
    # The guide also wants 224 by 224 pixels for a pretrained model; public notebooks and AWS's own sample have others.
    if given.use_pretrained_model and given.num_layers not in DEEP_LAYERS:
        raise AlgorithmError(
            f"num_layers must be one of {', '.join(map(str, DEEP_LAYERS))} with use_pretrained_model set to 1; "
            f"it is {given.num_layers}"
        )
