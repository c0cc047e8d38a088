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


@pytest.mark.parametrize(("reason", "fault"), REASONS.items())
def test_the_fault(reason: str, fault: Fault) -> None:
    assert fault_of(reason) is fault


@pytest.mark.parametrize("fault", Fault)
def test_only_awss_own_failures_pass_by_themselves(fault: Fault) -> None:
    assert fault.passes_by_itself is (fault in (Fault.CAPACITY, Fault.AWS))
