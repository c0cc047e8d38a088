"""MXNet's image RecordIO: the file format that SageMaker's built-in image classifier trains on.

Owns the codec (framing, image header, `.idx` and `.lst` files), which needs the standard library only.
`image_recordio.datasets` and `image_recordio.digits` make training data with it; they need Pillow (and
scikit-learn), so they are imported by name.

This is not the protobuf RecordIO of SageMaker's other algorithms.
"""

from image_recordio.errors import DatasetError, ListError, RecordIOError
from image_recordio.files import RecordWriter, read_records
from image_recordio.framing import Frame, encode_frame, read_frames
from image_recordio.listing import ListEntry, format_entry, parse_index, parse_list
from image_recordio.record import Record, pack, unpack

__all__ = [
    "DatasetError",
    "Frame",
    "ListEntry",
    "ListError",
    "Record",
    "RecordIOError",
    "RecordWriter",
    "encode_frame",
    "format_entry",
    "pack",
    "parse_index",
    "parse_list",
    "read_frames",
    "read_records",
    "unpack",
]
