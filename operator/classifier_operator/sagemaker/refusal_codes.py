"""Codes of AWS's errors that mean the same, from the lists of common errors, of S3, KMS and STS, and from botocore."""

from __future__ import annotations

THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
        "SlowDown",
    }
)

UNAVAILABLE = frozenset(
    {
        "ModelNotReadyException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceException",
        "InternalError",
        "InternalDependencyException",
        "RequestTimeoutException",
        "InternalServiceError",
        "InternalServerErrorException",
        "ServiceException",
        "ServiceInternalException",
        "ServiceTemporarilyUnavailable",
        "TemporarilyUnavailable",
        "DependencyFailureException",
        "DependencyTimeoutException",
        "IDPCommunicationError",
        # AWS's list of common errors: the request was aborted before a reply was sent back.
        "RequestAborted",
        "RequestAbortedException",
        # S3, for what the network did to a part on its way.
        "BadDigest",
        "IncompleteBody",
    }
)

NOT_FOUND = frozenset(
    {
        "ResourceNotFound",
        "ResourceNotFoundException",
        "ObjectNotFoundException",
        "NoSuchKey",
        "NoSuchBucket",
        "NoSuchUpload",
        # SQS, in its new protocol and as boto3 calls it.
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "404",
    }
)

KEY_NOT_USABLE = frozenset(
    {
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "KMSOptInRequired",
        "KMS.DisabledException",
        "KMS.KMSInvalidStateException",
        "KMS.NotFoundException",
    }
)

NOT_ALLOWED = frozenset(
    {
        "AccessDeniedException",
        "AccessDenied",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "IncompleteSignature",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AuthFailure",
        "NotAuthorized",
        "OptInRequired",
        "RegionDisabledException",
        "SubscriptionRequiredException",
        "FailedResourceAccessException",
        "InvalidToken",
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "InvalidIdentityToken",
        "NoCredentials",
        "403",
    }
)

BAD_REQUEST = frozenset(
    {
        "ParamValidationError",
        "InvalidRegionError",
        "NoRegionError",
        "EndpointResolutionError",
        "UnknownRegionError",
        # AWS's list of common errors.
        "UnknownOperationException",
        "InvalidAction",
        "InvalidParameterCombination",
        "InvalidParameterValue",
        "InvalidQueryParameter",
        "MalformedQueryString",
        "MissingParameter",
        "RequestEntityTooLargeException",
        "InvalidNextTokenException",
        # S3's list of errors.
        "AllAccessDisabled",
        "EntityTooLarge",
        "InvalidArgument",
        "InvalidBucketName",
        "InvalidObjectState",
        "InvalidURI",
        "KeyTooLongError",
        "MethodNotAllowed",
        "PermanentRedirect",
        # The model's own answer, and a body that is too large for the runtime.
        "ModelError",
        "413",
    }
)
