"""model.tar.gz: the names of the real algorithm's files, with contents that are safe to load.

- `image-classification-NNNN.params`: the network's arrays one after the other, 32-bit floats, little-endian
  (NNNN is the epoch that they are of, from 1);
- `image-classification-symbol.json`: what the arrays are, and the settings that a user of the model must know;
- `model-shapes.json`: the shape of an input, as MXNet's model server wants it.

Nothing in it is executed, and nothing is unpacked beyond a fixed size.
"""

import gzip
import json
import math
import tarfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from sagemaker_emulator.algorithm.dataset import Matrix
from sagemaker_emulator.algorithm.hyperparameters import Shape
from sagemaker_emulator.algorithm.images import input_size
from sagemaker_emulator.algorithm.network import Arrays, Network, shapes

MAX_UNPACKED_BYTES = 64 << 20

_FORMAT = "sagemaker-emulator/image-classification/1"
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
    symbol = {
        "format": _FORMAT,
        "num_classes": model.num_classes,
        "image_shape": str(model.image_shape),
        "num_layers": model.num_layers,
        "multi_label": model.network.multi_label,
    }
    shape = model.image_shape
    signature = [{"name": "data", "shape": [1, shape.channels, shape.height, shape.width]}]
    arrays = model.network.arrays
    order = shapes(model.pixels, model.num_classes)
    params = b"".join(arrays[name].astype("<f4").tobytes() for name in order)
    return _pack(
        {
            f"image-classification-{epoch + 1:04}.params": params,
            _SYMBOL: json.dumps(symbol, indent=2).encode(),
            _SHAPES: json.dumps(signature).encode(),
        }
    )


def read_artifact(data: bytes) -> Model:
    """Unpack a model. Raises InvalidArtifact."""
    files = _unpack(data)
    symbol = _read_symbol(files)
    params = [content for name, content in sorted(files.items()) if name.endswith(".params")]
    if not params:
        raise InvalidArtifact("there is no .params file in it")
    try:
        return _build(symbol, params[-1])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidArtifact(f"{_SYMBOL} does not describe the .params file: {error}") from error


def _build(symbol: dict[str, Any], params: bytes) -> Model:
    shape = Shape(*(int(part) for part in str(symbol["image_shape"]).split(",")))
    sizes = shapes(input_size(shape), int(symbol["num_classes"]))
    network = Network(_split(params, sizes), bool(symbol["multi_label"]))
    return Model(network, shape, int(symbol["num_layers"]))


def _split(params: bytes, sizes: dict[str, tuple[int, ...]]) -> Arrays:
    counts = [math.prod(size) for size in sizes.values()]
    if min(counts) < 1 or len(params) != 4 * sum(counts):
        raise ValueError(f"{len(params)} bytes of parameters, {4 * sum(counts)} expected")
    numbers: Matrix = np.frombuffer(params, dtype="<f4").astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("a parameter is not a finite number")
    ends = np.cumsum(counts)[:-1]
    pieces = np.split(numbers, ends)
    return {name: piece.reshape(size) for (name, size), piece in zip(sizes.items(), pieces, strict=True)}


def _read_symbol(files: dict[str, bytes]) -> dict[str, Any]:
    try:
        symbol = json.loads(files[_SYMBOL])
    except (KeyError, ValueError, RecursionError) as error:
        raise InvalidArtifact(f"it has no readable {_SYMBOL}") from error
    if not isinstance(symbol, dict) or symbol.get("format") != _FORMAT:
        raise InvalidArtifact("it was not made by this stand-in, which can only use its own models")
    return symbol


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
