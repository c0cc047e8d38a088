"""What may become a part of an address or a header at AWS, looked at where every request passes.

botocore percent-encodes what it puts into a path, but not `.` and `..`, which is right by the RFC and resolved by
proxies; it takes a region with a line break for a region; and a line break that is followed by a space goes out in a
header as it is (Python's http.client takes that for a header of several lines).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from classifier_operator.api.ledger import Place
from classifier_operator.sagemaker.names import is_name
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.regions import is_region
from classifier_operator.sagemaker.s3_address import flaw_of_key

# AWS's own code for a request whose members are not well-formed: this one it is spared.
CODE = "ValidationException"
_NAMES = ("EndpointName", "EndpointConfigName", "ModelName", "TrainingJobName")
_HEADERS = ("ContentType", "TargetVariant", "SSEKMSKeyId")
_HEADER = re.compile(r"[ -~]*")
# An upload that was begun when such keys were still taken goes by its id, or its object could not be deleted.
_ENDS_AN_UPLOAD = ("AbortMultipartUpload", "ListParts")
_SHOWN = 64


def check_request(place: Place, operation: str, params: Mapping[str, Any]) -> None:
    """Look at what of a request becomes a part of an address or a header.

    Raises:
        AwsRefusal: it would lead elsewhere, and is not sent; the message names the member.

    """
    if not is_region(place.region):
        raise _refusal(operation, "region", place.region, "is no name of a region")
    for name in _NAMES:
        if name in params and not is_name(params[name]):
            raise _refusal(operation, name, params[name], "is no name at SageMaker")
    for name in _HEADERS:
        if name in params and not _HEADER.fullmatch(params[name]):
            raise _refusal(operation, name, params[name], "is no value of a header: it must be printable ASCII")
    if "ResourceId" in params and not _is_variant(params["ResourceId"]):
        raise _refusal(operation, "ResourceId", params["ResourceId"], "is no variant of an endpoint")
    if params.get("Bucket") in (".", ".."):
        raise _refusal(operation, "Bucket", params["Bucket"], "is no name of a bucket")
    if operation not in _ENDS_AN_UPLOAD and (flaw := flaw_of_key(params.get("Key", ""))):
        raise _refusal(operation, "Key", params["Key"], flaw)


def _is_variant(resource_id: str) -> bool:
    """Whether it is of the form endpoint/NAME/variant/NAME."""
    parts = resource_id.split("/")
    return len(parts) == 4 and parts[::2] == ["endpoint", "variant"] and all(map(is_name, parts[1::2]))


def _refusal(operation: str, name: str, value: str, problem: str) -> AwsRefusal:
    message = f"not sent: {name} {value[:_SHOWN]!r} {problem}"
    return AwsRefusal(operation, RefusalKind.INVALID, CODE, message)
