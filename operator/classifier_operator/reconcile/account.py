"""The AWS account in which an object's resources are, and whether the operator's credentials are of that account.

"Not found" in another account says nothing of a resource. A role that is assumed tells its account by its ARN; the
operator's own credentials do not, and may become another account's: by another Secret, another association of the pod's
service account, another profile.
"""

from __future__ import annotations

from msgspec import Struct


class AccountCheck(Struct, frozen=True):
    """Two accounts of the operator's own credentials.

    recorded: in which it has made what the status names; "" where that names nothing, or nobody knows.
    current: whose its credentials are now; "" while nobody knows.
    """

    recorded: str = ""
    current: str = ""

    @property
    def known(self) -> str:
        """The account in which the object's resources are looked for and made."""
        return self.recorded or self.current

    @property
    def mismatch(self) -> str:
        """What an object says while the two differ; "" while they do not, as far as is known."""
        if not (self.recorded and self.current) or self.recorded == self.current:
            return ""
        return mismatch_words(self.recorded, self.current)


UNCHECKED = AccountCheck()


def mismatch_words(recorded: str, current: str) -> str:
    """Say that an object's resources are in another account than the operator's credentials."""
    return (
        f"the operator's credentials are of AWS account {current}, and what this object has is in account {recorded}: "
        "nothing is done or believed until they are of that account again"
    )


def account_in(arn: str) -> str:
    """Return the account of an ARN, in any of AWS's partitions; "" where there is none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" and is_account(parts[4]) else ""


def is_account(text: str) -> bool:
    """Return whether it is an AWS account: 12 digits."""
    return len(text) == 12 and text.isascii() and text.isdigit()
