"""Remembers of which objects this process knows all that was made for them, and what a search has found of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import ResourceType
from classifier_operator.reconcile.past import Found, Past
from classifier_operator.runtime import gather
from classifier_operator.runtime.store import Body
from classifier_operator.sagemaker.views import JOB_ENDED


class Pasts:
    """What is known of the past of each object."""

    def __init__(self) -> None:
        self._known: set[ObjectKey] = set()
        self._lost: set[ObjectKey] = set()
        self._found: dict[ObjectKey, Found] = {}

    def of(self, key: ObjectKey, body: Body) -> Past:
        """How much the object's status tells, as the API server has it."""
        if key in self._known:
            return Past.KNOWN
        if key in self._lost:
            return Past.LOST
        if is_new(body):
            self._known.add(key)
            return Past.KNOWN
        if is_lost(body):
            self._lost.add(key)
            return Past.LOST
        return Past.UNCERTAIN

    def found(self, key: ObjectKey) -> Found | None:
        """What a search has found that is not on record yet."""
        return self._found.get(key)

    def searched(self, key: ObjectKey, found: Found) -> None:
        """A search has come to its end."""
        self._found[key] = found

    def recorded(self, key: ObjectKey) -> None:
        """The status was written with what a search has found, if there was one: from now on it tells all."""
        if self._found.pop(key, None) is not None:
            self._lost.discard(key)
            self._known.add(key)

    def doubt(self, key: ObjectKey) -> None:
        """There is something of the object's that its status did not name."""
        self._known.discard(key)
        self._lost.add(key)

    def forget(self, key: ObjectKey) -> None:
        """The object is gone."""
        self._known.discard(key)
        self._lost.discard(key)
        self._found.pop(key, None)


def is_new(body: Body) -> bool:
    """Whether the operator has never done anything for the object: it would hold it back, and have said so."""
    # Each write of the operator has a revision, that of a status which was lost and is not rebuilt yet, too.
    is_written = has_been_written(body) or bool(body.get("status", {}).get("revision"))
    is_untouched = not gather.has_finalizer(body) and not is_written
    # A wiped status beside a finalizer that `kubectl replace` has dropped looks the same, but for an edit of the spec.
    return is_untouched and body["metadata"].get("generation", 1) == 1


def is_lost(body: Body) -> bool:
    """Whether the status has nothing that the operator writes into each, or lacks what belongs together."""
    return not has_been_written(body) or _lacks_what_it_tells_of(body.get("status", {}))


def has_been_written(body: Body) -> bool:
    """Whether the status has what the operator writes into each."""
    return bool(body.get("status", {}).get("observedGeneration"))


def _lacks_what_it_tells_of(status: Mapping[str, Any]) -> bool:
    """Whether it tells of an endpoint, or of a job that runs, and the ledger names none."""
    types = {entry.get("type") for entry in status.get("resources") or ()}
    runs = bool(status.get("jobArn")) and status.get("jobStatus") not in JOB_ENDED
    if runs and ResourceType.TRAINING_JOB not in types:
        return True
    return bool(status.get("endpointArn")) and ResourceType.ENDPOINT not in types
