"""Checks of a request against botocore's service model: the same rules that AWS applies first.

botocore itself checks neither patterns nor enums nor maximum lengths on the client's side, so a request that
passes there can still be refused here, in AWS's words. Checks between members belong to the
operations.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from typing import Any

from sagemaker_emulator import errors

_FAILED = "failed to satisfy constraint: Member must"


def check(shape: Any, params: object) -> None:
    """Raise what AWS would answer if `params` does not fit the botocore input `shape`.

    Raises:
        AwsError: SerializationException for a wrong JSON type, else ValidationException naming every violation.

    """
    if violations := list(_violations(shape, params, "")):
        raise errors.constraint_violations(violations)


def _violations(shape: Any, value: object, path: str) -> Iterator[str]:
    if value is None:
        return iter(())
    return _CHECKS.get(shape.type_name, _any)(shape, value, path)


def _structure(shape: Any, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        raise errors.malformed("Start of structure or map found where not expected.")
    yield from _missing(shape, value, path)
    for name, member in value.items():
        where = _join(path, name)
        if name not in shape.members:
            # AWS drops members it does not know. A stand-in that did so would hide a client's typing error.
            yield f"Value at '{where}' {_FAILED} be one of: [{', '.join(shape.members)}]"
        else:
            yield from _violations(shape.members[name], member, where)


def _missing(shape: Any, value: dict[str, object], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' {_FAILED} not be null"


def _list(shape: Any, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        raise errors.malformed("Unrecognized collection type")
    yield from _length(shape, value, path)
    for number, item in enumerate(value, start=1):
        yield from _violations(shape.member, item, f"{path}.{number}.member")


def _map(shape: Any, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        raise errors.malformed("Start of structure or map found where not expected.")
    yield from _length(shape, value, path)
    for key, item in value.items():
        yield from _violations(shape.key, key, f"{path}.{key}.key")
        yield from _violations(shape.value, item, f"{path}.{key}.member")


def _string(shape: Any, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        raise errors.malformed(f"{_json_type(value)} can not be converted to a String")
    rules = shape.metadata
    if (allowed := rules.get("enum")) and value not in allowed:
        yield f"Value '{value}' at '{path}' {_FAILED} satisfy enum value set: [{', '.join(allowed)}]"
    yield from _length(shape, value, path)
    pattern = rules.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield f"Value '{value}' at '{path}' {_FAILED} satisfy regular expression pattern: {pattern}"


def _number(shape: Any, value: object, path: str) -> Iterator[str]:
    whole = shape.type_name in ("integer", "long")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise errors.malformed(f"{_json_type(value)} can not be converted to {'an Integer' if whole else 'a Float'}")
    if whole and value != int(value):
        raise errors.malformed("DECIMAL_VALUE can not be converted to an Integer")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < float(low):
        yield f"Value '{value}' at '{path}' {_FAILED} have value greater than or equal to {low}"
    if high is not None and value > float(high):
        yield f"Value '{value}' at '{path}' {_FAILED} have value less than or equal to {high}"


def _boolean(_shape: Any, value: object, _path: str) -> Iterator[str]:
    if not isinstance(value, bool):
        raise errors.malformed(f"{_json_type(value)} can not be converted to a Boolean")
    return iter(())


def _timestamp(_shape: Any, value: object, _path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise errors.malformed(f"{_json_type(value)} can not be converted to milliseconds since epoch")
    return iter(())


def _any(_shape: Any, _value: object, _path: str) -> Iterator[str]:
    return iter(())


_CHECKS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _length(shape: Any, value: str | list[Any] | dict[str, Any], path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    shown = f"'{value}'" if isinstance(value, str) else f"'[{', '.join(map(str, value))}]'"
    if low is not None and len(value) < int(low):
        yield f"Value {shown} at '{path}' {_FAILED} have length greater than or equal to {low}"
    if high is not None and len(value) > int(high):
        yield f"Value {shown} at '{path}' {_FAILED} have length less than or equal to {high}"


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""The model's Java expression as Python's.

    Python knows no surrogate pairs and no `\p{...}` classes. Inside the brackets where the model uses them, these
    stand-ins accept the same text but for a few letters that never occur in names.
    """
    translated = pattern
    for java, python in _CLASSES:
        translated = translated.replace(java, python)
    return re.compile(translated)


_CLASSES = (
    (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"),
    (r"\p{ASCII}", r"[\x00-\x7f]"),
    (r"\p{Print}+", r"[\x20-\x7e]+"),
    (r"\p{Print}", r"\x20-\x7e"),
    (r"\p{Alnum}", "a-zA-Z0-9"),
    (r"\p{L}", r"\w"),
    (r"\p{N}", r"\d"),
    (r"\p{Z}", r"\s"),
    (r"\z", r"\Z"),
)


def _join(path: str, name: str) -> str:
    """AWS writes member names with a small first letter."""
    small = name[:1].lower() + name[1:]
    return f"{path}.{small}" if path else small


def _json_type(value: object) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, (int, float)):
        return "NUMBER_VALUE"
    return "STRING_VALUE" if isinstance(value, str) else "START_OBJECT"
