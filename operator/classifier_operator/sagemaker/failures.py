"""Whose fault a failed job or endpoint is, read from its FailureReason.

Only AWS's own failures and lost capacity are worth another attempt: a job that failed by its data or its
hyperparameters ("ClientError", "AlgorithmError") fails again.
"""

from __future__ import annotations

from enum import Enum

_CAPACITY = ("capacityerror", "insufficientinstancecapacity", "insufficient capacity", "unable to provision")
_INTERNAL = (
    "internalservererror",
    "request to service failed",
    "internal error",
    "we encountered an internal",
)
_ACCELERATOR = ("accelerator", "elastic inference", "ml.eia")
# How AWS begins when the data, the parameters or the container are to blame; what follows is the container's own text,
# which may say anything, "internal error" and "insufficient capacity" too.
_OF_THE_USER = ("clienterror", "algorithmerror", "client error", "customer error")


class Fault(Enum):
    """Who or what made it fail."""

    USER = "user"
    CAPACITY = "capacity"
    AWS = "aws"
    ACCELERATOR = "accelerator"

    @property
    def passes_by_itself(self) -> bool:
        """Whether the same request may succeed later."""
        return self in (Fault.CAPACITY, Fault.AWS)


def fault_of(failure_reason: str) -> Fault:
    """The fault that a FailureReason names."""
    text = failure_reason.strip().lower()
    if text.startswith(_OF_THE_USER):
        return Fault.USER
    for words, fault in (
        (_ACCELERATOR, Fault.ACCELERATOR),
        (_CAPACITY, Fault.CAPACITY),
        (_INTERNAL, Fault.AWS),
    ):
        if any(word in text for word in words):
            return fault
    return Fault.USER
