"""What botocore raises, as refusals of AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from classifier_operator.adapters.identities import refusal_in
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal
from classifier_operator.sagemaker.regions import doubt_about, region_in

# What botocore raises before it asks AWS. Such parameters and regions never reach AWS, and never will; credentials may
# come, or come back.
_NEVER_SENT = (
    "ParamValidationError",
    "InvalidRegionError",
    "NoRegionError",
    "EndpointResolutionError",
    "UnknownRegionError",
)
_UNREACHABLE = ("EndpointConnectionError", "ConnectTimeoutError", "HTTPClientError")
NO_CREDENTIALS = "NoCredentials"
_NO_CREDENTIALS = (
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "ProfileNotFound",
)


def metadata_of(error: Exception) -> Mapping[str, Any]:
    """Return botocore's ResponseMetadata of an error; empty where AWS has not answered."""
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
    return metadata


def refusal_of(
    operation: str, error: Exception, hidden: Callable[[str], str], names: tuple[str, ...] = ()
) -> AwsRefusal:
    """Return a failure of botocore's as a refusal.

    hidden: takes out of its message what must not be shown.
    names: what the request had in it, which AWS may quote.
    """
    if isinstance(error, ClientError):
        return refusal_in(operation, error.response, hidden, names)
    if isinstance(error, FileNotFoundError | PermissionError) or type(error).__name__ in _NO_CREDENTIALS:
        # A web identity's or a pod identity's token is a file, which botocore opens as it is.
        words = f"the operator has no AWS credentials, its log says what to set: {error}"
        return classify(operation, NO_CREDENTIALS, hidden(words))
    name, words = type(error).__name__, str(error)
    if name in _UNREACHABLE and (region := region_in(words)) and (doubt := doubt_about(region)):
        # There is no such host where there is no such region, and that is all that botocore can say.
        words = f"{words} ({doubt})"
    return classify(operation, name, hidden(words), 400 if name in _NEVER_SENT else 0)
