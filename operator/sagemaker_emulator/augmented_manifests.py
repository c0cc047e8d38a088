"""Augmented manifests: JSON lines, each of which names an image in S3 and has its label.

https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html: SageMaker reads the attributes that the channel
names, in that order, and puts an object's content in the place of an attribute whose name ends in `-ref`. The algorithm
gets what an image and its label in RecordIO are, so this makes RecordIO of them. Texts of errors are unconfirmed.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from image_recordio import Record, RecordWriter

Fetch = Callable[[str], bytes]
REFERENCE = "-ref"


class ManifestError(ValueError):
    """A manifest that cannot be read; the text names the line."""


def as_recordio(manifest: bytes, attributes: list[str], fetch: Fetch) -> bytes:
    """Return the images and labels that a manifest names as RecordIO; `fetch` gets the content of an s3:// URI.

    Raises:
        ManifestError: a line is no JSON object, lacks an attribute, or has a label that is none.

    """
    if len(attributes) != 2 or not attributes[0].endswith(REFERENCE):
        raise ManifestError(
            f"AttributeNames must be the image's and the label's, such as source-ref and class, not {attributes}"
        )
    sink = io.BytesIO()
    writer = RecordWriter(sink)
    for number, line in _lines(manifest):
        uri, label = (_attribute(line, name, number) for name in attributes)
        if not isinstance(uri, str) or not uri.startswith("s3://"):
            raise ManifestError(f"line {number}: {attributes[0]} is not an s3:// URI")
        writer.write(Record(_label(label, attributes[1], number), number - 1, fetch(uri)))
    return sink.getvalue()


def _lines(manifest: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(manifest.split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise ManifestError(f"line {number} is not a JSON object")
        yield number, line


def _attribute(line: dict[str, Any], name: str, number: int) -> Any:
    if name not in line:
        raise ManifestError(f"line {number} has no attribute {name!r}")
    return line[name]


def _label(value: Any, name: str, number: int) -> float | tuple[float, ...]:
    """A class, or the classes of a multi-label image; AWS's guide has both as text, too (`"[0, 2]"`)."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, list) and value and all(map(_is_number, value)):
        return tuple(map(float, value))
    if _is_number(value):
        return float(value)
    raise ManifestError(f"line {number}: the label {name} is neither a number nor a list of numbers")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e9
