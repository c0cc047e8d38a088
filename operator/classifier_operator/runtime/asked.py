"""What was asked of AWS since an object's status was last written: somebody else's write may know nothing of it.

Two operators at once, by mistake: the other one may have thought a resource gone, and struck it off the ledger, a
moment before it was made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource, entry_of
from classifier_operator.runtime.write import as_json


class Asked:
    """The resources that this process may have made, by object."""

    def __init__(self) -> None:
        self._resources: defaultdict[ObjectKey, set[Resource]] = defaultdict(set)

    def note(self, key: ObjectKey, resource: Resource) -> None:
        """Remember that the resource is about to be made."""
        self._resources[key].add(resource)

    def forget(self, key: ObjectKey) -> None:
        """Forget all of the object's: they are on record, or it is gone."""
        self._resources.pop(key, None)

    def added_to(self, key: ObjectKey, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the status with everything in its ledger that this process may have made."""
        ledger = status.get("resources", ())
        asked = self._resources.get(key, ())
        missing = [entry for one in asked if (entry := as_json(entry_of(one))) not in ledger]
        return {**status, "resources": [*ledger, *missing]} if missing else status
