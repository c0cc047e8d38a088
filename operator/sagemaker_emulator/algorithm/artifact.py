"""model.tar.gz: the files of the real algorithm, a checkpoint that MXNet 1.x loads.

- `image-classification-NNNN.params`: the network's arrays, and the constants of what is done to an image before (see
  `checkpoint` for the layout; NNNN is the epoch that they are of, from 1);
- `image-classification-symbol.json`: the graph, with what a user of the model must know as attributes of its input;
- `model-shapes.json`: the shape of an input, as MXNet's model server wants it.

The emulator computes with the arrays and never runs the graph: it takes the one that it would write, and no other.
Nothing in it is executed, and nothing is unpacked beyond a fixed size.
"""

import gzip
import json
import tarfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from sagemaker_emulator.algorithm import graph
from sagemaker_emulator.algorithm.checkpoint import pack_arrays, unpack_arrays
from sagemaker_emulator.algorithm.hyperparameters import Shape
from sagemaker_emulator.algorithm.images import input_size
from sagemaker_emulator.algorithm.network import Network, shapes

MAX_UNPACKED_BYTES = 64 << 20

_FORMAT = "sagemaker-emulator/image-classification/2"
_SYMBOL = "image-classification-symbol.json"
_SHAPES = "model-shapes.json"


class InvalidArtifact(ValueError):  # noqa: N818 - says what it is
    """An artifact that the stand-in cannot serve or go on from; the message says why."""


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network and the settings it was trained with."""

    network: Network
    image_shape: Shape
    num_layers: int

    @property
    def num_classes(self) -> int:
        """How many classes it tells apart."""
        return len(self.network.arrays["output_bias"])

    @property
    def pixels(self) -> int:
        """How many numbers an input has."""
        return len(self.network.arrays["mean"])


def write_artifact(model: Model, epoch: int) -> bytes:
    """Pack a model. The same model gives the same bytes. `epoch` counts from 0."""
    shape = model.image_shape
    signature = [{"name": "data", "shape": [1, shape.channels, shape.height, shape.width]}]
    arrays = {**graph.constants(shape), **graph.to_mxnet(model.network.arrays)}
    params = pack_arrays({f"arg:{name}": array for name, array in arrays.items()})
    return _pack(
        {
            f"image-classification-{epoch + 1:04}.params": params,
            _SYMBOL: _symbol(model),
            _SHAPES: json.dumps(signature).encode(),
        }
    )


def read_artifact(data: bytes) -> Model:
    """Unpack a model. Raises InvalidArtifact."""
    files = _unpack(data)
    document = _document(files)
    known = _known(document)
    params = [content for name, content in sorted(files.items()) if name.endswith(".params")]
    if not params:
        raise InvalidArtifact("there is no .params file in it")
    try:
        return _build(document, known, params[-1])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidArtifact(f"{_SYMBOL} does not describe the .params file: {error}") from error


def _symbol(model: Model) -> bytes:
    known = {
        "__format__": _FORMAT,
        "__num_classes__": str(model.num_classes),
        "__image_shape__": str(model.image_shape),
        "__num_layers__": str(model.num_layers),
        "__multi_label__": str(int(model.network.multi_label)),
    }
    return graph.symbol(model.image_shape, model.num_classes, multi_label=model.network.multi_label, **known)


def _build(document: object, known: dict[str, Any], params: bytes) -> Model:
    shape = Shape.parse(str(known["__image_shape__"]))
    sizes = shapes(input_size(shape), int(known["__num_classes__"]))
    given = {name.removeprefix("arg:"): array for name, array in unpack_arrays(params).items()}
    fixed = graph.constants(shape)
    for name, array in fixed.items():
        if not np.array_equal(given.pop(name), array):
            raise ValueError(f"{name} has been changed")
    arrays = graph.from_mxnet({name: given.pop(name) for name in sizes})
    if given or any(arrays[name].shape != size for name, size in sizes.items()):
        raise ValueError("its arrays are not this graph's")
    model = Model(Network(arrays, known["__multi_label__"] == "1"), shape, int(known["__num_layers__"]))
    if json.loads(_symbol(model)) != document:
        raise ValueError("the graph has been changed")
    return model


def _document(files: dict[str, bytes]) -> Any:
    try:
        return json.loads(files[_SYMBOL])
    except (KeyError, ValueError, RecursionError) as error:
        raise InvalidArtifact(f"it has no readable {_SYMBOL}") from error


def _known(document: Any) -> dict[str, Any]:
    """The attributes of the graph's input."""
    try:
        known = document["nodes"][0]["attrs"]
        ours = known["__format__"] == _FORMAT
    except (KeyError, TypeError, IndexError):
        ours = False
    if not ours:
        raise InvalidArtifact("it was not made by this stand-in, which can only use its own models")
    return dict(known)


def _pack(files: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return out.getvalue()


def _unpack(data: bytes) -> dict[str, bytes]:
    """Read the regular files of a tar.gz into memory; links, folders and devices are passed over."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as packed:
            plain = packed.read(MAX_UNPACKED_BYTES + 1)
        if len(plain) > MAX_UNPACKED_BYTES:
            raise InvalidArtifact(f"it unpacks to more than {MAX_UNPACKED_BYTES} bytes")
        with tarfile.open(fileobj=BytesIO(plain), mode="r:") as tar:
            return {member.name.removeprefix("./"): _content(tar, member) for member in tar if member.isreg()}
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InvalidArtifact(f"it is not a .tar.gz file: {error}") from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file is not None else b""
