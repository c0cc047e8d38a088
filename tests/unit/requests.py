"""Whether AWS would take a request: botocore's own validation, and the patterns and enums that it does not check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

MODELS = {
    name: botocore.session.get_session().get_service_model(name) for name in ("sagemaker", "application-autoscaling")
}


def problems(operation: str, params: Mapping[str, Any], service: str = "sagemaker") -> list[str]:
    """What is wrong with the request."""
    shape = MODELS[service].operation_model(operation).input_shape
    report = ParamValidator().validate(params, shape).generate_report()
    return [*([report] if report else []), *_mismatches(shape, params, operation)]


def _mismatches(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, part in value.items():
            yield from _mismatches(shape.members[name], part, f"{path}.{name}")
    elif shape.type_name == "list":
        for part in value:
            yield from _mismatches(shape.member, part, path)
    elif shape.type_name == "map":
        for name, part in value.items():
            yield from _mismatches(shape.key, name, path)
            yield from _mismatches(shape.value, part, f"{path}.{name}")
    elif shape.type_name == "string":
        yield from _text_mismatches(shape, value, path)


def _text_mismatches(shape: Any, value: str, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_python(pattern), value):
        yield f"{path}: {value!r} does not match {pattern}"
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of AWS's values"


def _python(pattern: str) -> str:
    """Java's classes of Unicode characters and its surrogates are unknown to re."""
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "").replace(r"\p{Print}", "[ -~]")
    return pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d")
