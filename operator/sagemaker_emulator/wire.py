"""AWS's JSON 1.1 protocol: bytes to checked parameters, results and errors to bytes.

Everything follows botocore's service model, so an operation's code is free to return more than the answer may
hold: members that the output shape lacks, and None, are left out.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import botocore.session

from sagemaker_emulator import errors, validation
from sagemaker_emulator.errors import AwsError

JSON = "application/x-amz-json-1.1"
Params = dict[str, Any]


@functools.cache
def service_model(service: str) -> Any:
    """Botocore's model of `service`, loaded once."""
    return botocore.session.get_session().get_service_model(service)


def parse(operation: str, body: bytes, service: str = "sagemaker") -> Params:
    """The checked parameters of a call.

    Raises:
        AwsError: the body is not JSON, or breaks a rule of the model.

    """
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        raise errors.malformed("The request body is not valid JSON.") from None
    if not isinstance(params, dict):
        raise errors.malformed("Start of structure or map found where not expected.")
    shape = _operation(service, operation).input_shape
    validation.check(shape, params)
    return {name: value for name, value in params.items() if value is not None}


def render(operation: str, result: Params | None, shown: Callable[[float], float], service: str = "sagemaker") -> bytes:
    """The body that answers `operation`; `shown` tells the time that stands in it for an emulated moment."""
    shape = _operation(service, operation).output_shape
    if shape is None:
        return b""
    return json.dumps(_shaped(shape, result or {}, shown), separators=(",", ":")).encode()


def render_error(error: AwsError) -> bytes:
    named = {"__type": error.code} if error.code else {}
    body = {**named, "message": error.message, "Message": error.message, **error.extra}
    return json.dumps(body).encode()


@functools.cache
def _operation(service: str, name: str) -> Any:
    model = service_model(service)
    if name not in model.operation_names:
        raise errors.unknown_operation(name)
    return model.operation_model(name)


def _shaped(shape: Any, value: Any, shown: Callable[[float], float]) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return _members(shape, value, shown)
    if kind == "list":
        return [_shaped(shape.member, item, shown) for item in value]
    if kind == "map":
        return {key: _shaped(shape.value, item, shown) for key, item in value.items()}
    return shown(float(value)) if kind == "timestamp" else value


def _members(shape: Any, value: Params, shown: Callable[[float], float]) -> Params:
    members = shape.members
    given = {name: item for name, item in value.items() if item is not None and name in members}
    return {name: _shaped(members[name], item, shown) for name, item in given.items()}
