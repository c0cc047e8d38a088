"""What the algorithm reads.

Labelled images out of the train and validation channels, and an earlier model out of `model`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from image_recordio import ListError, RecordIOError, parse_list, read_records
from sagemaker_emulator.algorithm.errors import AlgorithmError
from sagemaker_emulator.algorithm.hyperparameters import Hyperparameters

RECORDIO = "application/x-recordio"
IMAGES = frozenset({"application/x-image", "image/jpeg", "image/png"})
MODEL = "application/x-sagemaker-model"

LabelFormat = Literal["scalar", "class-id", "multi-hot"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel's objects: name (key) and content, in the order in which they are read.

    `content_type` may carry parameters (`application/x-recordio; label-format=class-id`). `input_mode` is
    File, Pipe or FastFile.
    """

    content_type: str
    objects: list[tuple[str, bytes]]
    input_mode: str = "File"

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in small letters."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def parameters(self) -> dict[str, str]:
        """The content type's parameters, names in small letters."""
        pairs = (part.partition("=") for part in self.content_type.split(";")[1:])
        return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled image, and where it came from, for messages. `labels` are as they stand in the file."""

    labels: tuple[float, ...]
    image: bytes
    origin: str


def check_channels(channels: Mapping[str, Channel], settings: Hyperparameters) -> None:
    """Check that there are the channels the content types ask for. Raises AlgorithmError."""
    for name in ("train", "validation"):
        channel = _required(channels, name)
        if channel.media_type in IMAGES:
            # The guide calls resize required with image files; public runs without it complete.
            _required(channels, f"{name}_lst")
        elif channel.media_type != RECORDIO:
            raise AlgorithmError(
                f"The content type {channel.content_type!r} of the {name} channel is not supported; use "
                f"{RECORDIO} or application/x-image"
            )
        label_format(channel, settings)


def label_format(channel: Channel, settings: Hyperparameters) -> LabelFormat:
    """Say how the channel's labels are to be read.

    Raises AlgorithmError for a label-format that there is not.
    """
    given = channel.parameters.get("label-format")
    if given not in (None, "class-id", "multi-hot"):
        raise AlgorithmError(f"label-format must be class-id or multi-hot, not {given!r}")
    if not settings.multi_label:
        return "scalar"
    return "class-id" if given == "class-id" else "multi-hot"


def read_samples(channels: Mapping[str, Channel], name: str) -> Iterator[Sample]:
    """Read a checked channel's labelled images, one at a time.

    Raises AlgorithmError for what cannot be read.
    """
    channel = channels[name]
    if channel.media_type in IMAGES:
        return _read_listed(channels, name)
    return _read_recordio(channel, name)


def read_model(channels: Mapping[str, Channel]) -> bytes | None:
    """Return the artifact of the `model` channel, if there is one: an earlier model to go on from."""
    channel = channels.get("model")
    if channel is None:
        return None
    if channel.media_type != MODEL:
        raise AlgorithmError(f"The content type of the model channel must be {MODEL}, not {channel.content_type!r}")
    artifacts = [data for name, data in channel.objects if name.endswith(".tar.gz")]
    if len(artifacts) != 1:
        raise AlgorithmError(f"The model channel must hold one model.tar.gz; it holds {len(artifacts)}")
    return artifacts[0]


def _required(channels: Mapping[str, Channel], name: str) -> Channel:
    if name not in channels:
        raise AlgorithmError(
            "Unable to initialize the algorithm. Failed to validate input data configuration. "
            f"(caused by ValidationError) Caused by: {name!r} is a required property"
        )
    return channels[name]


def _read_recordio(channel: Channel, name: str) -> Iterator[Sample]:
    files = _record_files(channel)
    if not files:
        raise AlgorithmError(f"Unable to start training. No .rec file in {name} channel.")
    if not any(data for _, data in files):
        raise AlgorithmError(f"Unable to start training. Empty .rec file in {name} channel.")
    for key, data in files:
        yield from _read_file(key, data, name)


def _record_files(channel: Channel) -> list[tuple[str, bytes]]:
    """List what the algorithm would open.

    *.rec where it sees files, and everything where it sees one stream.
    """
    files = [item for item in channel.objects if not item[0].endswith("/")]
    if channel.input_mode == "Pipe":
        return files
    return [item for item in files if item[0].endswith(".rec")]


def _read_file(key: str, data: bytes, name: str) -> Iterator[Sample]:
    try:
        for number, record in enumerate(read_records(data)):
            labels = record.label if isinstance(record.label, tuple) else (record.label,)
            yield Sample(labels, record.image, f"record {number} of {key}")
    except RecordIOError as error:
        raise AlgorithmError(f"Invalid RecordIO file {key} in the {name} channel: {error}") from error


def _read_listed(channels: Mapping[str, Channel], name: str) -> Iterator[Sample]:
    images = _by_path(channels[name])
    lists = [(key, data) for key, data in channels[f"{name}_lst"].objects if key.endswith(".lst")]
    if not lists:
        raise AlgorithmError(f"No lst file in the {name}_lst channel.")
    for key, data in lists:
        yield from _read_list(key, data, name, images)


def _read_list(key: str, data: bytes, name: str, images: Mapping[str, bytes]) -> Iterator[Sample]:
    try:
        for entry in parse_list(data.decode("utf-8")):
            if (image := images.get(entry.path.removeprefix("./"))) is None:
                raise AlgorithmError(f"Invalid lst file in the {name} channel. {entry.path} is not in the channel.")
            yield Sample(entry.labels, image, entry.path)
    except (ListError, UnicodeDecodeError) as error:
        raise AlgorithmError(f"Invalid lst file in the {name} channel. {key}: {error}") from error


def _by_path(channel: Channel) -> dict[str, bytes]:
    """Index the images by every end of their keys.

    The list's paths are relative to the channel's own prefix.
    """
    images: dict[str, bytes] = {}
    for key, data in channel.objects:
        parts = key.split("/")
        for start in range(len(parts)):
            images.setdefault("/".join(parts[start:]), data)
    return images
