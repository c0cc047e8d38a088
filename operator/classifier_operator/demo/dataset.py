"""Owns the demo's data: scikit-learn's digits as RecordIO in the emulated bucket, and images that no training sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from classifier_operator.demo.errors import DemoError
from classifier_operator.demo.example import Example
from image_recordio.datasets import LabelledImage, PackedDataset, pack_images
from image_recordio.digits import digits


@dataclass(frozen=True)
class DemoData:
    """The packed channels, and the images held out from both of them."""

    packed: PackedDataset
    held_out: tuple[LabelledImage, ...]

    def sample(self, label: int) -> LabelledImage:
        """The first held-out image of a class."""
        return next(image for image in self.held_out if image.label == label)


def make_data(folder: Path) -> DemoData:
    """Pack the digits below `folder`."""
    data = digits()
    return DemoData(pack_images(data.train, data.validation, data.labels, folder), data.held_out)


def upload(data: DemoData, example: Example, s3: Any) -> None:
    """Put both channels where the manifest says that they are."""
    for name, file in (("train", data.packed.train), ("validation", data.packed.validation)):
        upload_file(s3, file, example.channel(name))
    bucket, _ = _place(example.training.output.s3_uri)
    _make_bucket(s3, bucket)


def upload_file(s3: Any, file: Path, folder_uri: str) -> None:
    """Put a file into a folder of S3, in a bucket that is made where it is missing."""
    bucket, prefix = _place(folder_uri)
    _make_bucket(s3, bucket)
    s3.upload_file(str(file), bucket, f"{prefix}/{file.name}".lstrip("/"))


def write_held_out(images: Sequence[LabelledImage], folder: Path, labels: Sequence[str]) -> None:
    """Write images as files, one for each class, for whoever wants to try more."""
    folder.mkdir(parents=True, exist_ok=True)
    for image in images:
        path = folder / f"{labels[image.label] if image.label < len(labels) else image.label}.png"
        if not path.exists():
            path.write_bytes(image.image)


def _make_bucket(s3: Any, bucket: str) -> None:
    if bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket)


def _place(uri: str) -> tuple[str, str]:
    url = urlsplit(uri)
    if url.scheme != "s3" or not url.netloc:
        raise DemoError(f"{uri} is no address in S3")
    return url.netloc, url.path.strip("/")
