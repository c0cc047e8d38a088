"""The status of a stored object that does not fit its schema: an older CRD let it through, or a hand in etcd."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from classifier_operator.api.conditions import Reason, stalled
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.endpoint import status as endpoint_status
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.runtime import gather
from classifier_operator.runtime.store import Body
from classifier_operator.runtime.write import as_json
from classifier_operator.training import status as training_status
from classifier_operator.training.spec import TrainingStatus


def status_of_unreadable(key: ObjectKey, body: Body, message: str, now: datetime) -> dict[str, Any]:
    """Return its status with conditions that say so; all else stays as it is."""
    meta = gather.meta_of(key, body)
    verdict = stalled(Reason.INVALID_SPEC, message)
    conditions: Any
    if key.kind is Kind.TRAINING:
        conditions = training_status.with_conditions(TrainingStatus(), meta, verdict, now)
    else:
        conditions = endpoint_status.with_conditions(EndpointStatus(), meta, verdict, now)
    return {**body.get("status", {}), **as_json(conditions)}
