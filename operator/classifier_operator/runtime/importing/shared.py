"""Finds uploads that the statuses of several objects name.

S3 does not say whose an upload is, and a status may have been written by somebody else than the operator. An upload
that another object names as well is left as it is: at worst it stays until a lifecycle rule of the bucket ends it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.reconcile.decision import Decision
from classifier_operator.runtime.bodies import mapping, mappings, word
from classifier_operator.runtime.store import Store
from classifier_operator.training.fetches import AbortCall, ImportCall
from classifier_operator.training.spec import TrainingStatus, Upload


def with_shared(key: ObjectKey, decision: Decision[TrainingStatus], store: Store) -> Decision[TrainingStatus]:
    """Return the decision with the calls about uploads that other objects of this shard name marked as such."""
    if not any(_upload_of(call) for call in decision.calls):
        return decision
    named = list(_named_by_others(key, store))
    calls = tuple(
        structs.replace(call, is_shared=True)
        if (upload := _upload_of(call)) is not None and any(_may_be_the_same(upload, *one) for one in named)
        else call
        for call in decision.calls
    )
    return structs.replace(decision, calls=calls)


def _upload_of(call: object) -> Upload | None:
    if isinstance(call, AbortCall):
        return call.upload
    return call.recorded if isinstance(call, ImportCall) else None


def _named_by_others(key: ObjectKey, store: Store) -> Iterator[tuple[str, str]]:
    """Yield address and id of each upload; the id is "" where it is not known yet."""
    for other in store.keys(Kind.TRAINING):
        if other != key:
            for upload in mappings(mapping(store.status(other).get("import")).get("uploads")):
                yield word(upload.get("s3Uri")), word(upload.get("uploadId"))


def _may_be_the_same(upload: Upload, s3_uri: str, upload_id: str) -> bool:
    if upload.s3_uri != s3_uri:
        # An id is S3's, and unique: at another address there is none of that id.
        return False
    return not (upload.upload_id and upload_id) or upload.upload_id == upload_id
