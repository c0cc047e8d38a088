"""Remembers for which objects nothing has been made in the account that their status names, because AWS refused all.

A crash may follow a creation, so the account is on record before the first one. Where AWS has clearly refused each
creation, the object has nothing in that account, and does not wait for its credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.reconcile.account import AccountCheck
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.runtime.bodies import mapping
from classifier_operator.runtime.calls import NOWHERE, AnyCall, may_leave_something
from classifier_operator.runtime.gather import names_own_resources
from classifier_operator.runtime.pacing.limits import NotYetError
from classifier_operator.runtime.store import Body
from classifier_operator.sagemaker.refusals import MAY_HAVE_TAKEN_EFFECT, AwsRefusal, Remedy


class Unmade:
    """The objects that have nothing yet in the account that is on record for them."""

    def __init__(self) -> None:
        self._keys: set[ObjectKey] = set()
        # For these this process may have made something since their ledgers were empty.
        self._made: set[ObjectKey] = set()

    def __contains__(self, key: ObjectKey) -> bool:
        """Return whether nothing has been made for the object."""
        return key in self._keys

    def recall(self, key: ObjectKey, status: Mapping[str, Any]) -> None:
        """Take up what an earlier process has left on record: that the object has nothing in any account."""
        if status.get("account") == NOWHERE and key not in self._made:
            self._keys.add(key)

    def announcing(self, key: ObjectKey, body: Body, accounts: AccountCheck) -> None:
        """Note that the object is about to get something, once that is on record; `body` is what was before.

        Where that write meets a conflict, another process may have made something.
        """
        if not names_own_resources(body):
            self._made.discard(key)
        if key not in self._made and not accounts.recorded:
            self._keys.add(key)

    def forget(self, key: ObjectKey) -> None:
        """The object is gone."""
        self._keys.discard(key)
        self._made.discard(key)

    @contextmanager
    def sending(self, key: ObjectKey, call: AnyCall) -> Iterator[None]:
        """Send a call in the block: the object still has nothing only if the call was clearly refused, or not sent."""
        if key not in self._keys or not may_leave_something(call):
            yield
            return
        try:
            yield
        except (AwsRefusal, NotYetError) as refusal:
            if isinstance(refusal, AwsRefusal) and refusal.kind in MAY_HAVE_TAKEN_EFFECT:
                self._has_made(key)
            raise
        except BaseException:
            self._has_made(key)
            raise
        else:
            self._has_made(key)

    def _has_made(self, key: ObjectKey) -> None:
        self._keys.discard(key)
        self._made.add(key)

    def concluded(
        self, key: ObjectKey, body: Body, status: Mapping[str, Any], troubles: Iterable[Trouble]
    ) -> Mapping[str, Any]:
        """Return the status as a pass ends with it: not with an account in which the object has nothing.

        A later process would else wait for the credentials of that account.

        body: the object with the status that is on record.
        troubles: why calls are not sent again at once.
        """
        if key not in self._keys or "account" not in status:
            return status
        # Where a retry follows in a moment, as when AWS throttles, it is worth no write.
        is_for_long = any(trouble.kind.remedy is not Remedy.RETRY for trouble in troubles)
        is_on_record = mapping(body.get("status")).get("account") == NOWHERE
        return {**status, "account": NOWHERE} if is_for_long or is_on_record else status
