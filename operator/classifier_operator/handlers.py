"""What happens to each kind, as kopf sees it.

kopf watches and calls; nothing is done here but to remember the object and to put it into the work queue, so a
handler cannot fail and kopf has nothing to retry, to annotate or to wait for. What is then done is decided in
`training/decide.py` and `endpoint/decide.py`, from the object and from AWS alone: it does not matter which of these
handlers was called, or whether one was missed.

| what happened                                   | event type      | here                 |
|-------------------------------------------------|-----------------|----------------------|
| the operator started, or a watch began anew     | None            | `listed`             |
| somebody created the object                     | ADDED           | `created`            |
| somebody changed it, or we wrote its status     | MODIFIED        | `changed`            |
| somebody deleted it: it waits for our finalizer | ADDED, MODIFIED | `deletion_requested` |
| it is gone                                      | DELETED         | `gone`               |
"""

from __future__ import annotations

from typing import Any

import kopf

from classifier_operator.api.kinds import GROUP, VERSION, Kind
from classifier_operator.app import App
from classifier_operator.process import Operator
from classifier_operator.runtime.store import key_of, uid_of
from classifier_operator.runtime.workqueue import Priority

TRAININGS = (GROUP, VERSION, Kind.TRAINING.plural)
ENDPOINTS = (GROUP, VERSION, Kind.ENDPOINT.plural)


def is_listed(type: str | None, **_: Any) -> bool:  # noqa: A002 - kopf's name
    """Whether the object comes from a listing."""
    return type is None


def is_created(type: str | None, meta: kopf.Meta, **_: Any) -> bool:  # noqa: A002
    """Whether the object is new."""
    return type == "ADDED" and "deletionTimestamp" not in meta


def is_changed(type: str | None, meta: kopf.Meta, **_: Any) -> bool:  # noqa: A002
    """Whether the object was changed, and is to stay."""
    return type == "MODIFIED" and "deletionTimestamp" not in meta


def is_deletion_requested(type: str | None, meta: kopf.Meta, **_: Any) -> bool:  # noqa: A002
    """Whether the object is to go, and waits for its finalizers."""
    return type in ("ADDED", "MODIFIED") and "deletionTimestamp" in meta


def is_gone(type: str | None, **_: Any) -> bool:  # noqa: A002
    """Whether the object does not exist any more."""
    return type == "DELETED"


@kopf.on.startup()
async def start(memo: kopf.Memo, **_: Any) -> None:
    """List what there is, and begin to work."""
    operator: Operator = memo.operator
    memo.app = await operator.start()


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Begin nothing new, and leave the rest to the next start."""
    if "app" in memo:
        await memo.operator.stop(memo.app)


@kopf.on.event(*TRAININGS, when=is_listed)
@kopf.on.event(*ENDPOINTS, when=is_listed)
async def listed(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """After a start or a broken watch: looked at when there is nothing more urgent."""
    _app(memo).saw(event["object"], Priority.LOW)


@kopf.on.event(*TRAININGS, when=is_created)
@kopf.on.event(*ENDPOINTS, when=is_created)
async def created(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Created: looked at before anything that AWS has to tell."""
    _app(memo).saw(event["object"], Priority.URGENT)


@kopf.on.event(*TRAININGS, when=is_changed)
@kopf.on.event(*ENDPOINTS, when=is_changed)
async def changed(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Changed: as urgent; what the change asks for is found by comparing, not by asking what was changed."""
    _app(memo).saw(event["object"], Priority.URGENT)


@kopf.on.event(*TRAININGS, when=is_deletion_requested)
@kopf.on.event(*ENDPOINTS, when=is_deletion_requested)
async def deletion_requested(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """To be deleted: what was made at AWS is taken down, then our finalizer goes."""
    _app(memo).saw(event["object"], Priority.URGENT)


@kopf.on.event(*TRAININGS, when=is_gone)
@kopf.on.event(*ENDPOINTS, when=is_gone)
async def gone(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Gone from the cluster: forgotten, and those that refer to it look again."""
    _app(memo).lost(key_of(event["object"]), uid_of(event["object"]))


def _app(memo: kopf.Memo) -> App:
    app: App = memo.app
    return app
