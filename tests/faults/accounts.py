"""The two accounts: the operator's own, and another one that its credentials may become those of."""

from __future__ import annotations

from tests.policies import OPERATOR_ACCOUNT

HOME = OPERATOR_ACCOUNT
# In which the operator may do all that it may in its own.
ELSEWHERE = "222222222222"


def root_role_of(account: str) -> str:
    """The role by which the tests' own access key may do everything in an account."""
    return f"arn:aws:iam::{account}:role/Root"
