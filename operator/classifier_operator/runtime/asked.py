"""What may be at AWS for an object although the status that the API server has does not name it.

Somebody else's write may know nothing of what was asked of AWS since the status was last written, or of what it named
then: another operator, by mistake, may have thought a resource gone a moment before it was made; a hand may have put
back an older status, or emptied the ledger. What is named once more than needed costs a look at AWS; what is not named
is left there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource, entry_of
from classifier_operator.runtime.bodies import mapping, mappings
from classifier_operator.runtime.write import as_json


class Asked:
    """What this process may have made, or has named in a status, by object."""

    def __init__(self) -> None:
        self._resources: defaultdict[ObjectKey, set[Resource]] = defaultdict(set)
        # As JSON, which takes a fraction of a dictionary's memory.
        self._named: dict[ObjectKey, bytes] = {}

    def note(self, key: ObjectKey, resource: Resource) -> None:
        """Remember that the resource is about to be made."""
        self._resources[key].add(resource)

    def settled(self, key: ObjectKey, status: Mapping[str, Any]) -> None:
        """The status was written with everything that there may be."""
        self.forget(key)
        if named := _named_in(status):
            self._named[key] = msgspec.json.encode(named)

    def forget(self, key: ObjectKey) -> None:
        """Forget all of the object's: it is gone."""
        self._resources.pop(key, None)
        self._named.pop(key, None)

    def added_to(self, key: ObjectKey, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the status with everything in its ledger that there may be."""
        if (named := self._named.get(key)) is not None:
            status = _with_named(status, msgspec.json.decode(named))
        ledger = status.get("resources", ())
        asked = self._resources.get(key, ())
        missing = [entry for one in asked if (entry := as_json(entry_of(one))) not in ledger]
        return {**status, "resources": [*ledger, *missing]} if missing else status


def _named_in(status: Mapping[str, Any]) -> dict[str, Any]:
    """What of a status tells of things at AWS that nothing else would find."""
    found = {name: status[name] for name in ("resources", "adopted") if status.get(name)}
    uploads = mapping(status.get("import")).get("uploads")
    return {**found, "uploads": uploads} if uploads else found


def _with_named(status: Mapping[str, Any], named: Mapping[str, Any]) -> Mapping[str, Any]:
    ledger, fetched = mappings(status.get("resources")), mapping(status.get("import"))
    if missing := [one for one in named.get("resources", ()) if one not in ledger]:
        status = {**status, "resources": [*missing, *ledger]}
        if "adopted" in named and not status.get("adopted"):
            # Without it, what was taken over would be taken down for one of the object's own.
            status = {**status, "adopted": named["adopted"]}
    uploads = mappings(fetched.get("uploads"))
    places = {one.get("s3Uri") for one in uploads}
    if lost := [one for one in named.get("uploads", ()) if one["s3Uri"] not in places]:
        status = {**status, "import": {**fetched, "uploads": [*uploads, *lost]}}
    return status
