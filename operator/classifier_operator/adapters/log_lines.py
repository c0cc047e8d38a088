"""The log's lines: whatever is in a record, nobody can make it look like another one.

As JSON a record is a line, and a traceback one of its fields. As text a record is a line as well, and the lines of a
traceback follow, indented.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.monitoring.logs import topic

_TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_INDENT = "\n    "
_RENAMED = {"levelname": "level", "name": "logger", "exc_info": "traceback"}
# What kopf adds to its records for its own formatters.
_OF_KOPF = ("k8s_ref", "k8s_skip", "settings")


class TextLines(logging.Formatter):
    """A line for people: the time, level, logger and message."""

    def __init__(self) -> None:
        super().__init__(_TEXT_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, and those of its traceback."""
        return _INDENT.join(map(_printable, super().format(record).split("\n")))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as logging calls it
        """The line alone."""
        return _printable(super().formatMessage(record))


class JsonLines(JsonFormatter):
    """time, level, logger, message, what the line says beside its message, and the object that it is about."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields=_RENAMED,
            reserved_attrs=[*RESERVED_ATTRS, "taskName", *_OF_KOPF],
        )

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Fill in a record's fields."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["time"] = time.replace("+00:00", "Z")
        super().add_fields(log_data, record, message_dict)
        log_data.update(_object_of(record))


def _object_of(record: logging.LogRecord) -> dict[str, str]:
    ref = getattr(record, "k8s_ref", None)
    if isinstance(ref, dict) and ref.get("kind") in tuple(Kind):
        key = ObjectKey(Kind(ref["kind"]), ref.get("namespace", ""), ref.get("name", ""))
        return _fields(key, ref.get("uid", ""))
    known = topic()
    return _fields(known.key, known.uid) if known is not None else {}


def _fields(key: ObjectKey, uid: str) -> dict[str, str]:
    fields = {"object": str(key), "kind": key.kind.value, "namespace": key.namespace, "name": key.name}
    return {**fields, "uid": uid} if uid else fields


def _printable(text: str) -> str:
    """The text with escapes for what ends a line, moves a terminal's cursor or turns the direction of reading."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\t" else one.encode("unicode_escape").decode() for one in text)
