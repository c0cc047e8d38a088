"""The network as MXNet's graph (`-symbol.json`): from an image of `image_shape`, its pixels 0 to 255, to probabilities.

It does what `images.to_input` and `network.Network` do, with operators that all of MXNet 1.x has, so that
load_checkpoint, Gluon's SymbolBlock and the C API take it. The steps of `to_input` are constants among its parameters.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sagemaker_emulator.algorithm.dataset import Matrix
from sagemaker_emulator.algorithm.hyperparameters import Shape
from sagemaker_emulator.algorithm.images import (
    CELLS,
    COMPASS,
    DIRECTIONS,
    EDGE_GAIN,
    FLOOR,
    GRID,
    LUMA,
    NEAR,
    input_size,
    shrinking,
    slope,
)
from sagemaker_emulator.algorithm.network import HIDDEN

_VERSION = 10901  # MXNet 1.9.1


@dataclass
class _Graph:
    """Nodes in the order in which they are computed. A node is known by its number."""

    nodes: list[dict[str, Any]] = field(default_factory=list)

    def variable(self, name: str, **attributes: object) -> int:
        return self._add("null", name, (), attributes)

    def node(self, op: str, name: str, *inputs: int, **attributes: object) -> int:
        return self._add(op, name, inputs, attributes)

    def dense(self, name: str, source: int, size: int, *, bias: bool = True, flatten: bool = True) -> int:
        """Multiply the last axis (or all but the first) by `<name>_weight`."""
        names = ["weight", "bias"] if bias else ["weight"]
        given = [self.variable(f"{name}_{each}") for each in names]
        return self.node("FullyConnected", name, source, *given, num_hidden=size, no_bias=not bias, flatten=flatten)

    def mix(self, name: str, source: int, size: int) -> int:
        """Mix the channels by `<name>_weight`, pixel by pixel."""
        weight = self.variable(f"{name}_weight")
        return self.node(
            "Convolution", name, source, weight, kernel="(1, 1)", num_filter=size, no_bias=True, layout="NCHW"
        )

    def mean(self, name: str, source: int, side: int) -> int:
        """Take the means of squares of pixels."""
        square = f"({side}, {side})"
        return self.node("Pooling", name, source, kernel=square, stride=square, pool_type="avg")

    def turn(self, name: str, source: int) -> int:
        """Swap height and width."""
        return self.node("transpose", name, source, axes="(0, 1, 3, 2)")

    def dump(self, head: int) -> dict[str, Any]:
        return {
            "nodes": self.nodes,
            "arg_nodes": [number for number, node in enumerate(self.nodes) if node["op"] == "null"],
            "node_row_ptr": list(range(len(self.nodes) + 1)),
            "heads": [[head, 0, 0]],
            "attrs": {"mxnet_version": ["int", _VERSION]},
        }

    def _add(self, op: str, name: str, inputs: tuple[int, ...], attributes: Mapping[str, object]) -> int:
        node: dict[str, Any] = {"op": op, "name": name, "inputs": [[number, 0, 0] for number in inputs]}
        if attributes:
            node["attrs"] = {key: str(value) for key, value in attributes.items()}
        self.nodes.append(node)
        return len(self.nodes) - 1


def symbol(shape: Shape, num_classes: int, *, multi_label: bool, **attributes: str) -> bytes:
    """Return the graph as JSON. `attributes` are kept at its input, which MXNet shows and does not look at."""
    graph = _Graph()
    data = graph.variable("data", **attributes)
    features = _features(graph, data, shape)
    # The weights' shapes follow from the image's; those of what is broadcast do not.
    mean, scale = (graph.variable(name, __shape__=f"(1, {input_size(shape)})") for name in _ROWS)
    standard = graph.node("broadcast_mul", "standard", graph.node("broadcast_sub", "centered", features, mean), scale)
    hidden = graph.node("Activation", "hidden_relu", graph.dense("hidden", standard, HIDDEN), act_type="relu")
    scores = graph.dense("output", hidden, num_classes)
    if multi_label:
        head = graph.node("Activation", "sigmoid", scores, act_type="sigmoid")
    else:
        head = graph.node("softmax", "softmax", scores, axis=-1)
    return json.dumps(graph.dump(head), indent=2).encode()


def _features(graph: _Graph, data: int, shape: Shape) -> int:
    """What `images.to_input` makes of an image."""
    across = graph.dense("shrink_width", data, GRID, bias=False, flatten=False)
    down = graph.dense("shrink_height", graph.turn("upright", across), GRID, bias=False, flatten=False)
    grid = graph.node("_div_scalar", "grid", graph.turn("level", down), scalar=255)
    gray = grid if shape.channels == 1 else graph.mix("luma", grid, 1)
    colors = graph.node("Flatten", "colors", graph.mean("half", grid, 2))
    return graph.node("Concat", "features", colors, _edges(graph, gray), num_args=2, dim=1)


def _edges(graph: _Graph, gray: int) -> int:
    right = graph.dense("slope_right", gray, GRID, bias=False, flatten=False)
    fall = graph.dense("slope_down", graph.turn("gray_upright", gray), GRID, bias=False, flatten=False)
    slopes = graph.node("Concat", "slopes", right, graph.turn("slope_level", fall), num_args=2, dim=1)
    squares = graph.node("sum", "squares", graph.node("square", "squared", slopes), axis=1, keepdims=True)
    strength = graph.node("_mul_scalar", "near", graph.node("sqrt", "strength", squares), scalar=float(NEAR))
    found = graph.node("broadcast_sub", "found", graph.mix("compass", slopes, DIRECTIONS), strength)
    pooled = graph.mean("cells", graph.node("Activation", "found_relu", found, act_type="relu"), GRID // CELLS)
    cells = graph.node("_mul_scalar", "gained", pooled, scalar=float(EDGE_GAIN))
    total = graph.node("sum", "totals", graph.node("square", "powers", cells), axis=1, keepdims=True)
    length = graph.node("_plus_scalar", "lengths", graph.node("sqrt", "roots", total), scalar=float(FLOOR))
    return graph.node("Flatten", "edges", graph.node("broadcast_div", "scaled", cells, length))


def constants(shape: Shape) -> dict[str, Matrix]:
    """Return the parameters that `to_input`'s steps are."""
    luma = {"luma_weight": LUMA.reshape(1, 3, 1, 1)} if shape.channels == 3 else {}
    return {
        "shrink_width_weight": shrinking(shape.width),
        "shrink_height_weight": shrinking(shape.height),
        **luma,
        "slope_right_weight": slope(),
        "slope_down_weight": slope(),
        "compass_weight": COMPASS.reshape(DIRECTIONS, 2, 1, 1),
    }


def to_mxnet(arrays: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """Return the network's arrays as MXNet has them: weights are outputs by inputs there."""
    return {name: _turned(name, np.atleast_2d(array) if name in _ROWS else array) for name, array in arrays.items()}


def from_mxnet(arrays: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """Undo `to_mxnet`."""
    return {name: array[0] if name in _ROWS else _turned(name, array) for name, array in arrays.items()}


# Broadcast over the images of a batch.
_ROWS = ("mean", "scale")


def _turned(name: str, array: Matrix) -> Matrix:
    return array.T if name.endswith("_weight") else array
