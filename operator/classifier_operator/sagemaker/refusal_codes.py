"""Codes of AWS's errors that mean the same, from the lists of common errors, of S3, KMS and STS, and from botocore."""

from __future__ import annotations

LIMITS = frozenset({"ResourceLimitExceeded", "ServiceQuotaExceededException", "LimitExceededException"})

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
        # S3, of a bucket that is so new that its name is not known everywhere yet.
        "TemporaryRedirect",
        "307",
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
        # The token with which the key was asked for, as the one below: somebody renews or corrects it.
        "KMS.UnrecognizedClientException",
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
        # The identity provider says no to the token: the trust is corrected there, or the token is renewed.
        "IDPRejectedClaim",
        # S3, of an account that owes money or has no S3 yet: its owner mends that, and the same request succeeds.
        "AccountProblem",
        "NotSignedUp",
        "NoCredentials",
        "403",
    }
)

# S3, of a bucket that is not in the region where it was asked for: the address in the spec is wrong, or its region.
OF_ANOTHER_REGION = frozenset(
    {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "301"}
)

BAD_REQUEST = OF_ANOTHER_REGION | frozenset(
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
        # The model's own answer, and a body that is too large for the runtime.
        "ModelError",
        "413",
    }
)
