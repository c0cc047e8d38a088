"""What happens to each kind, as kopf sees it.

kopf watches and calls; nothing is done here but to remember the object and to put it into the work queue, so a
handler cannot fail and kopf has nothing to retry, to annotate or to wait for. What is then done is decided in
`training/decide.py` and `endpoint/decide.py`, from the object and from AWS alone: it does not matter which of these
happened, or whether one was missed.

| what happened                                   | event type      | how urgent                  |
|-------------------------------------------------|-----------------|-----------------------------|
| the operator started, or a watch began anew     | None            | when nothing is more so     |
| somebody created the object                     | ADDED           | before what AWS has to tell |
| somebody changed it, or we wrote its status     | MODIFIED        | as urgent                   |
| somebody deleted it: it waits for our finalizer | ADDED, MODIFIED | as urgent                   |
| it is gone                                      | DELETED         | forgotten; followers look   |
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


@kopf.on.startup()
async def start(memo: kopf.Memo, **_: Any) -> None:
    """List what there is, and begin to work."""
    operator: Operator = memo.operator
    memo.app = await operator.start()


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """Begin nothing new, and leave the rest to the next start."""
    # kopf gives its own tasks five seconds to end, and one of them waits for this.
    memo.told_to_end.set()
    if "app" in memo:
        await memo.operator.stop(memo.app)


# One handler for all that happens: each more that kopf has to ask whether it wants an event costs as much as the event.
@kopf.on.event(*TRAININGS)
@kopf.on.event(*ENDPOINTS)
async def happened(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Something happened to an object: remembered, and looked at as soon as what happened is urgent."""
    app: App = memo.app
    body, what = event["object"], event["type"]
    if what == "DELETED":
        app.lost(key_of(body), uid_of(body))
    elif what is None:
        app.listed(body)
    else:
        # What a change asks for is found by comparing, not by asking what was changed.
        app.saw(body, Priority.URGENT)
