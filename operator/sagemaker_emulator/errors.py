"""What AWS answers when it refuses: one exception, and the texts users have reported.

The wording matters: most refusals share the code ValidationException, so clients can only tell
them apart by message. Texts marked "unconfirmed" were not found in any public report.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping


class AwsError(Exception):
    """An error answer.

    Args:
        code: AWS's error code, for example `ValidationException`.
        message: what the client sees.
        status: HTTP status.
        extra: further members of the error's body.

    """

    def __init__(self, code: str, message: str, status: int = 400, **extra: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra


def validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def constraint_violations(violations: Iterable[str]) -> AwsError:
    """Refusal of malformed input, in the style of AWS's own model checks."""
    found = list(violations)
    noun = "validation error" if len(found) == 1 else "validation errors"
    return validation(f"{len(found)} {noun} detected: {'; '.join(found)}")


def training_job_not_found() -> AwsError:
    # Documented as ResourceNotFound; what clients really get is this.
    return validation("Requested resource not found.")


def not_found(kind: str, arn: str) -> AwsError:
    """`kind` is "endpoint", "endpoint configuration" or "model"."""
    return validation(f'Could not find {kind} "{arn}".')


def already_exists(kind: str, arn: str) -> AwsError:
    return validation(f'Cannot create already existing {kind} "{arn}".')


def training_job_exists(arn: str) -> AwsError:
    return AwsError(
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        f"already exists ({arn})",
    )


def training_job_busy(arn: str, status: str) -> AwsError:
    # The code is documented, the text unconfirmed.
    return AwsError("ResourceInUse", f"The training job {arn} cannot be deleted while it is in status {status}.")


def warm_pool_busy(arn: str) -> AwsError:
    # The code is documented, the text unconfirmed.
    return AwsError(
        "ResourceInUse",
        f"The training job {arn} cannot be deleted while its warm pool is in status Available.",
    )


def cannot_stop(status: str) -> AwsError:
    return validation(f"The request was rejected because the training job is in status {status}.")


def in_progress(arn: str) -> AwsError:
    # The same text answers a delete.
    return validation(f'Cannot update in-progress endpoint "{arn}".')


def failed_endpoint(arn: str, status: str) -> AwsError:
    # Documented: a Failed endpoint can only be deleted. The text is unconfirmed.
    return validation(f'Cannot update endpoint "{arn}" in status {status}.')


def quota_exceeded(*, instance_type: str, use: str, limit: int, used: int, delta: int) -> AwsError:
    return AwsError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for {use} usage' is {limit} Instances, with current "
        f"utilization of {used} Instances and a request delta of {delta} Instances. Please use AWS Service Quotas "
        "to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to "
        "request an increase for this quota.",
    )


def cannot_assume_role(role_arn: str) -> AwsError:
    return validation(
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    )


def no_model_data(url: str) -> AwsError:
    return validation(f"Could not find model data at {url}.")


def no_model_access(url: str, role_arn: str) -> AwsError:
    return validation(
        f'Could not access model data at {url}. Please ensure that the role "{role_arn}" exists and that its trust '
        'relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object is '
        "located in the same region."
    )


def no_input_objects(url: str, *, region: str, role_arn: str, bucket: str) -> AwsError:
    return validation(
        f'No S3 objects found under S3 URL "{url}" given in input data source. Please ensure that the bucket exists '
        f"in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
        f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def accelerator_refused(accelerator: str) -> AwsError:
    # What AWS answers since the retirement of Elastic Inference is not confirmed by any source.
    return validation(
        f"The accelerator type '{accelerator}' is not supported. Amazon Elastic Inference is no longer available."
    )


def variants_are_targets(names: Iterable[str]) -> AwsError:
    # Documented: UpdateEndpoint fails, and the variant must be deregistered first. The text is unconfirmed.
    shown = ", ".join(f'"{name}"' for name in names)
    return validation(
        f'The variant(s) "[{shown}]" must be deregistered as scalable targets with AWS Auto Scaling before they can be '
        "removed or have their instance type updated."
    )


def may_not_deregister() -> AwsError:
    # Reported in awslabs/stable-diffusion-aws-extension#161; the code is unconfirmed.
    return validation(
        "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to "
        "invoke DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget permission to deregister "
        "the scalable target."
    )


def no_such_object(what: str, params: Mapping[str, str]) -> AwsError:
    """Application Auto Scaling does not know a target or a policy."""
    words = [
        f"service namespace: {params['ServiceNamespace']}",
        f"resource ID: {params['ResourceId']}",
        f"scalable dimension: {params['ScalableDimension']}",
    ]
    return AwsError("ObjectNotFoundException", f"{what} for {', '.join(words)}")


def tagged_resource_not_found(arn: str) -> AwsError:
    # The text is unconfirmed.
    return validation(f'Could not find resource "{arn}".')


def too_many_tags(limit: int) -> AwsError:
    # The code is the only one the model lists for AddTags; the text is unconfirmed.
    return AwsError("ResourceLimitExceeded", f"A resource can have at most {limit} tags.")


def bad_token() -> AwsError:
    # The text is unconfirmed.
    return validation("Invalid NextToken.")


def unknown_operation(name: str) -> AwsError:
    return AwsError("UnknownOperationException", f"The emulator has no SageMaker operation '{name}'.")


def body_too_large() -> AwsError:
    """InvokeEndpoint of instances: refused by the front door, which names no code; clients then show the status."""
    return AwsError("", f"HTTP content length exceeded {MAX_BODY_BYTES} bytes.", 413)


def body_too_large_for_serverless() -> AwsError:
    """InvokeEndpoint of a serverless variant, as recorded in aws/sagemaker-python-sdk#4271."""
    return AwsError("ValidationError", f"Request {uuid.uuid4()} has oversize body.")


def malformed(message: str) -> AwsError:
    return AwsError("SerializationException", message)


# In an answer of AWS; the documentation's 6 MB is not reached.
MAX_BODY_BYTES = 5_246_976
# Documented: 4 MB.
MAX_SERVERLESS_BODY_BYTES = 4 << 20

CAPACITY_FAILURE = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
CAPACITY_WAIT = "Insufficient capacity error from EC2 while launching instances, retrying!"
INTERNAL_FAILURE = "Request to service failed. If failure persists after retry, contact customer support."
