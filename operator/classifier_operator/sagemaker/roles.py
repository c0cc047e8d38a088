"""What the ARN of a role looks like, as the CRDs and AWS (SageMaker's RoleArn) have it."""

from __future__ import annotations

import re

ROLE_ARN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/?[a-zA-Z_0-9+=,.@/-]+"
MIN_LENGTH, MAX_LENGTH = 20, 2048
EXAMPLE = "arn:aws:iam::123456789012:role/SageMakerExecution"
_ROLE_ARN = re.compile(ROLE_ARN)
_SHOWN = 64


def is_role_arn(text: str) -> bool:
    """Whether it has the shape of a role's ARN; whether there is such a role, AWS knows."""
    return MIN_LENGTH <= len(text) <= MAX_LENGTH and _ROLE_ARN.fullmatch(text) is not None


def problem_of(text: str) -> str:
    """Return what is wrong with the shape of a role's ARN, and what to write; "" where nothing is."""
    return "" if is_role_arn(text) else f"{text[:_SHOWN]!r} is no ARN of a role: write it like {EXAMPLE}"
