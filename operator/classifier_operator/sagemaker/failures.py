"""Whose fault a failed job or endpoint is, read from its FailureReason.

Only AWS's own failures, lost capacity and a role that has not taken effect yet are worth another attempt: a job that
failed by its data or its hyperparameters ("ClientError", "AlgorithmError") fails again.
"""

from __future__ import annotations

from enum import Enum

from classifier_operator.sagemaker.phrases import NO_CAPACITY, Phrase, says
from classifier_operator.sagemaker.words import ACCELERATORS, without_names


class Fault(Enum):
    """Who or what made it fail."""

    USER = "user"
    CAPACITY = "capacity"
    AWS = "aws"
    ROLE = "role"
    ACCELERATOR = "accelerator"

    @property
    def passes_by_itself(self) -> bool:
        """Whether the same request may succeed later."""
        return self in (Fault.CAPACITY, Fault.AWS, Fault.ROLE)


# Tried in order; the first whose words are in the text wins. Words are matched after names are cut out (words.py).
_TABLE: tuple[tuple[Fault, tuple[str | Phrase, ...]], ...] = (
    # The role was applied a moment before. Terraform's provider deletes such an endpoint and creates it again
    # (internal/service/sagemaker/endpoint.go); of a job it comes as a ClientError (sagemaker-python-sdk#35).
    (
        Fault.ROLE,
        (
            "unable to assume the role",
            "could not assume role",
            "could not assume the role",
            "cannot assume the role",
            "cannot be assumed",
            "the execution role arn",
        ),
    ),
    # The container is to blame, or what it was given, whatever else AWS lists: "The primary container,accelerator for
    # production variant x did not pass the ping health check" (amazon-sagemaker-examples#2060).
    (Fault.USER, ("health check", "model data", "the image", "all images", "startup health")),
    (Fault.ACCELERATOR, ACCELERATORS),
    (
        Fault.CAPACITY,
        (
            "capacityerror",
            "insufficientinstancecapacity",
            "insufficientcapacity",
            "insufficient capacity",
            "not enough capacity",
            "unable to provision",
            "temporarily unavailable in supported availability zones",
            NO_CAPACITY,
        ),
    ),
    (
        Fault.AWS,
        (
            "internalservererror",
            "internalfailure",
            "request to service failed",
            "internal error",
            "we encountered an internal",
            "internal service error",
        ),
    ),
)
# How AWS begins when the data, the parameters or the container are to blame; what follows is the container's own text,
# which may say anything, "internal error" and "insufficient capacity" too. A role is named right at its beginning.
_OF_THE_USER = ("clienterror", "algorithmerror", "client error", "customer error")
_ROLE_LIMIT = 80
# How AWS begins when it is to blame, or has no machines: what follows may speak of the image or of the model data.
_OF_AWS = ("internalservererror", "internalfailure", "internal server error")
_OF_CAPACITY = ("capacityerror", "ec2insufficientcapacityerror", "insufficientinstancecapacity")


def fault_of(failure_reason: str, names: tuple[str, ...] = ()) -> Fault:
    """Return the fault that a FailureReason names.

    names: what the request had in it, the user's own names among it (`words.names_in`).
    """
    words = without_names(failure_reason.strip(), names)
    if words.startswith(_OF_THE_USER):
        role, told = _TABLE[0]
        is_about_the_role = words.startswith("clienterror") and any(says(words[:_ROLE_LIMIT], one) for one in told)
        return role if is_about_the_role else Fault.USER
    if words.startswith(_OF_AWS):
        return Fault.AWS
    if words.startswith(_OF_CAPACITY):
        return Fault.ACCELERATOR if any(one in words for one in ACCELERATORS) else Fault.CAPACITY
    return next((fault for fault, told in _TABLE if any(says(words, one) for one in told)), Fault.USER)
