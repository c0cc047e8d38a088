"""Error answers in the protocol of each service, so that clients can read injected ones."""

from __future__ import annotations

from html import escape

from sagemaker_emulator import wire
from sagemaker_emulator.errors import AwsError

QUERY = frozenset({"sts", "iam"})
Answer = tuple[bytes, list[tuple[str, str]]]


def error_answer(error: AwsError, service: str) -> Answer:
    """Body and headers of an error from `service`."""
    if service == "s3":
        return _xml(f"<Error>{_code_and_message(error)}</Error>")
    if service in QUERY:
        inner = f"<Error><Type>Sender</Type>{_code_and_message(error)}</Error>"
        return _xml(f"<ErrorResponse>{inner}<RequestId>emulator</RequestId></ErrorResponse>")
    named = [("x-amzn-errortype", error.code)] if error.code else []
    return wire.render_error(error), [("Content-Type", wire.JSON), *named]


def _code_and_message(error: AwsError) -> str:
    return f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"


def _xml(content: str) -> Answer:
    return f'<?xml version="1.0" encoding="UTF-8"?>{content}'.encode(), [("Content-Type", "text/xml")]
