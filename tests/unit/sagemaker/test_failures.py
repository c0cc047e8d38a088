"""Whose fault a failure is, by AWS's words."""

from __future__ import annotations

import pytest

from classifier_operator.sagemaker.failures import Fault, fault_of

REASONS = {
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance "
    "type.": Fault.CAPACITY,
    "Unable to launch due to InsufficientInstanceCapacity error.": Fault.CAPACITY,
    "InternalServerError: We encountered an internal error. Please try again.": Fault.AWS,
    "Request to service failed. If failure persists after retry, contact customer support.": Fault.AWS,
    "ClientError: Unable to read data channel 'train'.": Fault.USER,
    "AlgorithmError: Customer Error: num_classes is too small": Fault.USER,
    "The primary container for production variant AllTraffic did not pass the ping health check.": Fault.USER,
    "Failed to download model data for container from s3://bucket/model.tar.gz": Fault.USER,
    "Amazon Elastic Inference accelerators are not available": Fault.ACCELERATOR,
    "Unable to provision ml.eia1.large": Fault.ACCELERATOR,
    "": Fault.USER,
}


@pytest.mark.parametrize(("reason", "fault"), REASONS.items())
def test_the_fault(reason: str, fault: Fault) -> None:
    assert fault_of(reason) is fault


@pytest.mark.parametrize("fault", Fault)
def test_only_awss_own_failures_pass_by_themselves(fault: Fault) -> None:
    assert fault.passes_by_itself is (fault in (Fault.CAPACITY, Fault.AWS))
