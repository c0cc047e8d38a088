"""Remembers what an object names at AWS although nothing was sent that may have made it.

A name goes on record before the resource is made, so that a crash loses nothing. As long as AWS has clearly refused to
make it, or was not asked, one "not found" is the whole truth: nothing can appear later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from classifier_operator.api.ledger import Resource, entry_of
from classifier_operator.reconcile.calls import Call
from classifier_operator.runtime.calls import AnyCall
from classifier_operator.runtime.pacing.limits import NotYetError
from classifier_operator.runtime.write import as_json
from classifier_operator.sagemaker.refusals import MAY_HAVE_TAKEN_EFFECT, AwsRefusal


class Unsent:
    """The resources that this process has put on record and has sent nothing for that may have made them."""

    def __init__(self) -> None:
        self._resources: set[Resource] = set()

    def __contains__(self, resource: Resource) -> bool:
        """Return whether nothing was sent that may have made it."""
        return resource in self._resources

    def announcing(self, status: Mapping[str, Any], calls: Iterable[AnyCall]) -> None:
        """Note what is about to be made and was not on record until now: an earlier process has not sent it either.

        Called once the names are on record: where that write meets a conflict, another process may have written the
        same names, and sent the calls.

        status: what was on record of the object before that.
        """
        ledger = status.get("resources") or ()
        self._resources.update(
            call.resource for call in calls if call.creates and as_json(entry_of(call.resource)) not in ledger
        )

    def forget(self, resource: Resource) -> None:
        """Nobody asks for it any more."""
        self._resources.discard(resource)

    @contextmanager
    def sending(self, call: Call) -> Iterator[None]:
        """Send a call in the block: what it makes stays unsent only if AWS clearly refuses, or it was not its turn."""
        is_unsent = call.creates and call.resource in self._resources
        self._resources.discard(call.resource)
        try:
            yield
        except (AwsRefusal, NotYetError) as refusal:
            if is_unsent and not (isinstance(refusal, AwsRefusal) and refusal.kind in MAY_HAVE_TAKEN_EFFECT):
                self._resources.add(call.resource)
            raise
