"""Whether everything has come to its end, once nobody changes anything any more. No I/O.

Each object is as its spec says, and all that AWS has belongs to an object that is there and names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifier_operator.api.kinds import UID_TAG
from classifier_operator.sagemaker.views import JOB_ENDED

Json = Mapping[str, Any]


def left_over(objects: Sequence[Json], resources: Sequence[Json]) -> list[str]:
    """What is not as it has to be, in words; `resources` are the emulated AWS's."""
    return [*unsettled(objects), *strays(objects, resources)]


def unsettled(objects: Sequence[Json]) -> list[str]:
    """The objects on which something is still to be done."""
    return [f"{_named(one)} {words}" for one in objects if (words := _why_unsettled(one))]


def strays(objects: Sequence[Json], resources: Sequence[Json]) -> list[str]:
    """What AWS has that it should not have: all but jobs that are over."""
    owners = {str(one["metadata"]["uid"]): one for one in objects}
    tags = {one["name"]: one["tags"] for one in resources if one["kind"] == "endpoints"}
    return [
        f"{one['kind']} {one['name']} {words}"
        for one in resources
        if not _is_over(one) and (words := _why_stray(one, _uid_of(one, tags), owners))
    ]


def _why_unsettled(found: Json) -> str:
    metadata, status = found["metadata"], found.get("status", {})
    abnormal = [one for one in status.get("conditions", ()) if one["type"] in ("Reconciling", "Stalled")]
    true = [f"is {one['type']} ({one.get('reason', '')})" for one in abnormal if one["status"] == "True"]
    if "deletionTimestamp" in metadata:
        return "is still being deleted"
    if status.get("observedGeneration") != metadata["generation"]:
        return f"is seen at generation {status.get('observedGeneration')} of {metadata['generation']}"
    return " and ".join(true)


def _why_stray(found: Json, uid: str | None, owners: Mapping[str, Json]) -> str:
    if uid is None:
        return "bears no owner's tag"
    owner = owners.get(uid)
    if owner is None:
        return "belongs to no object"
    if owner["spec"].get("suspend"):
        return f"belongs to {_named(owner)}, which is suspended"
    ledger = {entry["name"] for entry in owner.get("status", {}).get("resources", ())}
    return "" if found["name"] in ledger else f"is not in the ledger of {_named(owner)}"


def _uid_of(found: Json, endpoint_tags: Mapping[str, Json]) -> str | None:
    """A scalable target bears no tags: whose it is, its endpoint tells."""
    is_target = found["kind"] == "scalable-targets"
    tags: Json = endpoint_tags.get(found["name"].split("/")[1], {}) if is_target else found["tags"]
    return tags.get(UID_TAG)


def _is_over(found: Json) -> bool:
    """Jobs that are over stay at AWS as a record."""
    return bool(found["kind"] == "training-jobs" and found["status"] in JOB_ENDED)


def _named(found: Json) -> str:
    return f"{found['kind']} {found['metadata']['name']}"
