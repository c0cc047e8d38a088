"""Whose fault a failure is, by AWS's words."""

from __future__ import annotations

import pytest

from classifier_operator.sagemaker.failures import Fault, fault_of

CAPACITY = "CapacityError: Unable to provision requested ML compute capacity"
INTERNAL = "Request to service failed. If failure persists after retry, contact customer support."

REASONS = {
    # Jobs
    f"{CAPACITY}. Please retry using a different ML instance type.": Fault.CAPACITY,
    f"{CAPACITY} due to InsufficientInstanceCapacity error.": Fault.CAPACITY,
    "Unable to launch due to InsufficientInstanceCapacity error.": Fault.CAPACITY,
    "Insufficient capacity error from EC2 while launching instances, retrying!": Fault.CAPACITY,
    "InternalServerError: We encountered an internal error. Please try again.": Fault.AWS,
    "InternalServerError: We encountered an internal error. Please try again.\n": Fault.AWS,
    "ClientError: Unable to read data channel 'train'.": Fault.USER,
    "ClientError: Data download failed: Failed to download data. 404: The specified bucket does not exist": Fault.USER,
    "AlgorithmError: Customer Error: num_classes is too small": Fault.USER,
    "AlgorithmError: cuBLAS: an internal error occurred, exit code: 1": Fault.USER,
    "AlgorithmError: insufficient capacity of the buffer": Fault.USER,
    "AlgorithmError: no accelerator was found": Fault.USER,
    "Customer Error: Additional hyperparameters are not allowed": Fault.USER,
    "": Fault.USER,
    # Endpoints
    INTERNAL: Fault.AWS,
    f"{CAPACITY} for variant AllTraffic": Fault.CAPACITY,
    "The primary container for production variant AllTraffic did not pass the ping health check.": Fault.USER,
    "Failed to download model data for container from s3://bucket/model.tar.gz": Fault.USER,
    "Failed to extract model data archive for container": Fault.USER,
    "Please make sure all images included in the model for the production variant AllTraffic exist": Fault.USER,
    "The image '1.dkr.ecr.us-east-1.amazonaws.com/x:1' does not exist.": Fault.USER,
    "Amazon Elastic Inference accelerators are not available": Fault.ACCELERATOR,
    "Unable to provision ml.eia1.large": Fault.ACCELERATOR,
    "CapacityError: no ml.eia2.medium in this zone": Fault.ACCELERATOR,
}

# As AWS has really answered: public issues, notebooks' outputs and recordings.
REPORTED = {
    " The primary container for production variant variant-name-1 did not pass the ping health check.": Fault.USER,
    (
        "The primary container,accelerator for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    ): Fault.USER,
    (
        'The execution role ARN "arn:aws:iam::1:role/x" is invalid. Please ensure that the role exists and that its '
        'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com"'
    ): Fault.ROLE,
    (
        " The role 'arn:aws:iam::123456789012:role/test-role' does not have BatchGetImage permission for the image: "
        "'123456789012.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:1.15.2-gpu'."
    ): Fault.USER,
    (
        " Please make sure all images included in the model for the production variant AllTraffic exist, and that the "
        "execution role used to create the model has permissions to access them."
    ): Fault.USER,
    "The image '123456789012.dkr.ecr.us-west-2.amazonaws.com/sagemaker-mxnet-eia:1.2-cpu-py3' does not exist.": (
        Fault.USER
    ),
    "There is not enough capacity for instance type ml.g6.2xlarge. Please try again later.": Fault.CAPACITY,
    (
        "EC2InsufficientCapacityError: Instance type 'ml.g5.48xlarge' is temporarily unavailable in supported "
        "availability zones [euw1-az1]. Try again in a few minutes, or try a different instance type."
    ): Fault.CAPACITY,
    "Request to service failed. If failure persists after retry, contact customer support.": Fault.AWS,
    (
        "Unable to locate at least 2 availability zone(s) with the requested instance type ml.g5.xlarge that overlap "
        "with SageMaker subnets."
    ): Fault.USER,
    (
        'Failed to extract model data archive from URL "s3://b/model.tar.gz". The model data archive is too large. '
        "Please reduce the size of the model data archive or move to an instance type with more memory."
    ): Fault.USER,
    "InternalServerError: We encountered an internal error.  Please try again.": Fault.AWS,
    "ClientError: SageMaker was unable to assume the role 'arn:aws:iam::123456789012:role/SageMakerRole'": Fault.ROLE,
    "ClientError: Could not assume role arn:aws:iam::1:role/r.": Fault.ROLE,
    "ClientError: The number of input images must be bigger or equal to the mini_batch_size.": Fault.USER,
    "AlgorithmError: ExecuteUserScriptError: the script could not assume role x, see the log, which is long": (
        Fault.USER
    ),
    (
        "ClientError: Unable to read data channel 'train', and a long text of the container's own follows here ending "
        "with: unable to assume the role"
    ): Fault.USER,
    'AlgorithmError: ExitCode 1 ErrorMessage "RuntimeError CUDA out of memory (15.78 GiB total capacity; ...)"': (
        Fault.USER
    ),
    "InternalServerError: We could not pull the image in time.": Fault.AWS,
    "InternalServerError: the health check could not be made.": Fault.AWS,
    "CapacityError: no machine had room for the image.": Fault.CAPACITY,
    "We currently do not have sufficient ml.g5.xlarge capacity in the Availability Zone you requested.": Fault.CAPACITY,
    "AWS does not have sufficient capacity for ml.p3.2xlarge.": Fault.CAPACITY,
    "The role does not have sufficient permissions to pull it.": Fault.USER,
}
# The user's own names stand in AWS's texts, quoted and not.
NAMED = {
    'Failed to load "s3://b/accelerator-models/m.tar.gz".': Fault.USER,
    "Failed to load s3://b/accelerator-models/m.tar.gz.": Fault.USER,
    "Failed to load s3://b/elastic inference/ml.eia/m.tar.gz.": Fault.USER,
    "Something went wrong for production variant accelerator-a.": Fault.USER,
    "Something went wrong with arn:aws:sagemaker:us-east-1:1:endpoint/capacityerror.": Fault.USER,
    "Something went wrong with 1.dkr.ecr.us-east-1.amazonaws.com/ml.eia:1.": Fault.USER,
}


@pytest.mark.parametrize(("reason", "fault"), REASONS.items())
def test_the_fault(reason: str, fault: Fault) -> None:
    assert fault_of(reason) is fault


@pytest.mark.parametrize(("reason", "fault"), REPORTED.items())
def test_the_fault_of_what_aws_has_answered(reason: str, fault: Fault) -> None:
    assert fault_of(reason) is fault


@pytest.mark.parametrize(("reason", "fault"), NAMED.items())
def test_a_users_own_name_says_nothing(reason: str, fault: Fault) -> None:
    assert fault_of(reason, ("s3://b/elastic inference/ml.eia/m.tar.gz",)) is fault


@pytest.mark.parametrize("fault", Fault)
def test_only_awss_own_failures_pass_by_themselves(fault: Fault) -> None:
    assert fault.passes_by_itself is (fault in (Fault.CAPACITY, Fault.AWS, Fault.ROLE))
