"""One pass over one object: gather, decide, act, write status, until nothing is left to do now.

A pass remembers before it acts: the finalizer and the ledger are written before the first call that makes anything,
so a crash at any point leaves nothing at AWS that the object does not name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from classifier_operator.api.conditions import Reason
from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource
from classifier_operator.endpoint.smoke_test import InputsCall, SmokeTestCall
from classifier_operator.reconcile.calls import describe
from classifier_operator.reconcile.decision import Meta, Subject
from classifier_operator.reconcile.past import SearchCall
from classifier_operator.reconcile.walls import within
from classifier_operator.runtime import gather
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.asked import Asked
from classifier_operator.runtime.behalf import Behalf, resources_for
from classifier_operator.runtime.calls import AnyCall, announced, stands_alone
from classifier_operator.runtime.evaluate import Evaluator, Look, OutdatedError
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.pacing.limits import Caller, NotYetError
from classifier_operator.runtime.pasts import Pasts, has_been_written
from classifier_operator.runtime.ports import Clock
from classifier_operator.runtime.search import Searcher
from classifier_operator.runtime.smoke_tests import SmokeTests
from classifier_operator.runtime.store import Body, Store, uid_of
from classifier_operator.runtime.troubles import Troubles
from classifier_operator.runtime.unreadable import status_of_unreadable
from classifier_operator.runtime.workqueue import Priority, WorkQueue
from classifier_operator.runtime.write import Writer
from classifier_operator.sagemaker.refusals import AwsRefusal
from classifier_operator.sagemaker.views import Stranger
from classifier_operator.training.fetches import AbortCall, ImportCall

logger = logging.getLogger(__name__)

# Each round acts on what the one before has learned; an object that wants more waits for its next turn.
ROUNDS = 8


class Controller:
    """Brings one object at a time to what its spec says.

    waiting: entered with the object's key while a pass waits for AWS.
    """

    def __init__(
        self,
        *,
        store: Store,
        inventory: Inventory,
        queue: WorkQueue[ObjectKey],
        defaults: NamespaceDefaults,
        executor: Executor,
        smoke_tests: SmokeTests,
        searcher: Searcher,
        importer: Importer,
        writer: Writer,
        troubles: Troubles,
        clock: Clock,
        waiting: Callable[[ObjectKey], AbstractContextManager[None]] = lambda _: nullcontext(),
        evaluator: Evaluator,
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._queue = queue
        self._defaults = defaults
        self._executor = executor
        self._smoke_tests = smoke_tests
        self._searcher = searcher
        self._importer = importer
        self._writer = writer
        self._troubles = troubles
        self._clock = clock
        self._evaluator = evaluator
        self._waiting = waiting
        self._pasts = Pasts()
        self._subjects: dict[ObjectKey, Subject] = {}
        self._asked = Asked()
        self._uids: dict[ObjectKey, str] = {}
        # What an object that is being deleted leaves at AWS, because another cluster's name is on it.
        self._left_behind: dict[ObjectKey, set[Resource]] = {}

    async def reconcile(self, key: ObjectKey) -> None:
        """Do what there is to do for the object now.

        Raises:
            ConflictError, GoneError, ClusterUnavailableError: the cluster did not take what was written.

        """
        body = self._store.get(key)
        if body is None:
            self._forget(key)
            self._queue.forget(key)
            return
        self._recognize(key, body)
        if gather.is_being_deleted(body) and not gather.has_finalizer(body):
            return
        try:
            await self._pass(key, body)
        except gather.InvalidObjectError as error:
            # Nothing of it is touched, and nothing is looked at that its namespace has been walled off from since.
            self.expect(key, body)
            await self._writer.status(key, body, status_of_unreadable(key, body, str(error), self._clock.now()))

    def _recognize(self, key: ObjectKey, body: Body) -> None:
        """Forget what is known of an object that had the same name before: it was another one."""
        uid = uid_of(body)
        if self._uids.setdefault(key, uid) != uid:
            self._forget(key)
            self._uids[key] = uid

    def expect(self, key: ObjectKey, body: Body) -> None:
        """From the start on, look at what is at AWS for an object, and not only once it was its turn.

        What its status says of it is corrected by its first pass. Where a namespace could not be read, nobody knows yet
        what its objects may look at.
        """
        defaults = self._defaults.known(key.namespace)
        if defaults is None:
            return
        behalf = Behalf(key.namespace, gather.recorded_account(body))
        follow, guard = (resources_for(behalf, within(one, defaults)) for one in gather.left_at_aws(body))
        self._inventory.watch(key, follow=follow, guard=guard)

    def looked(self, resource: Resource, refusal: AwsRefusal | None) -> None:
        """A sweep has looked, or was not allowed to: the objects that care say so, until it is over."""
        for key in self._inventory.carers_of(resource):
            if self._is_news(key, resource, refusal):
                self._queue.add(key)

    def _is_news(self, key: ObjectKey, resource: Resource, refusal: AwsRefusal | None) -> bool:
        """Whether the object has something else to say of looks at the resource than before; remembers it."""
        subject = self._subjects.get(key)
        if subject is None:
            return False
        look = describe(resource).operation
        # A pass may be under way that is about more than the last one was.
        identity, troubles = self._troubles.latest(key) or (subject.identity, {})
        before = troubles.get(resource)
        if before is not None and before.operation != look:
            return False
        if refusal is None:
            self._troubles.answered(key, resource, look)
            return before is not None
        self._troubles.note(key, identity, resource, refusal, self._clock.now())
        return before is None

    def _resources_of(self, key: ObjectKey) -> frozenset[Resource]:
        subject = self._subjects.get(key)
        return subject.resources if subject is not None else frozenset()

    async def _pass(self, key: ObjectKey, body: Body) -> None:
        status = self._store.status(key)
        known: Body = {**body, "status": status}
        has_made = False
        for _ in range(ROUNDS):
            past = self._pasts.of(key, known)
            look = await self._evaluator.decide(
                key,
                {**body, "status": self._asked.added_to(key, status)},
                past=past,
                found=self._pasts.found(key),
            )
            # If the object goes before this is concluded, what is learnt of these has to be forgotten, too.
            self._subjects[key] = look.subject.beside(self._resources_of(key))
            self._note_left_behind(look)
            calls = self._due(key, look)
            if not calls:
                break
            if any(call.is_announced for call in calls):
                body = await self._announce(key, body, look, calls)
                status = body.get("status", {})
            try:
                succeeded = await self._act(key, look, calls, recorded=known)
            except (NotYetError, OutdatedError):
                # What has been announced is on record, and the rest is decided anew when it is its turn.
                return
            has_made = has_made or (succeeded and any(call.creates for call in calls))
            # A refusal takes nothing back of what the rounds before it have done.
            status = look.status if succeeded else status
        else:
            self._queue.add_after(key, 1.0)
        if has_made and self._queue.is_urgent:
            # It is made, and on record: others are to get there before more is written about this one.
            self._keep_track(key, look)
            self._queue.add(key)
            return
        await self._conclude(key, body, look)

    def _due(self, key: ObjectKey, look: Look) -> list[AnyCall]:
        """The decision's calls, without those to a resource whose last refusal is still being waited out."""
        troubles = self._troubles.of(key, look.subject.identity)
        due: list[AnyCall] = []
        for call in look.decision.calls:
            trouble = troubles.get(call.resource)
            if trouble is None or not trouble.holds(call.operation, look.now):
                due.append(call)
            elif not stands_alone(call):
                break
        return due

    async def _announce(self, key: ObjectKey, body: Body, look: Look, calls: Sequence[AnyCall]) -> Body:
        """Write down what is about to be done; what is being retried is written down already."""
        held = body = await self._writer.hold(key, body)
        is_retried = any(call.resource in self._troubles.of(key, look.subject.identity) for call in calls)
        status = announced(before := held.get("status", {}), look.status, calls, is_retried=is_retried)
        if status != before:
            body = await self._writer.status(key, held, status)
            self._pasts.recorded(key)
        self._evaluator.unmade.announcing(key, held, look.accounts)
        self._inventory.unsent.announcing(before, calls)
        return body

    async def _act(self, key: ObjectKey, look: Look, calls: Sequence[AnyCall], *, recorded: Body) -> bool:
        """Send the calls in order; after a refusal only those that do not depend on it. Whether all succeeded.

        recorded: the object as it was before the pass.
        """
        refused: set[Resource] = set()
        for call in calls:
            if call.resource in refused:
                continue
            if self._is_outdated(look.meta):
                raise OutdatedError
            try:
                with self._waiting(key), self._evaluator.unmade.sending(key, call):
                    is_taken = await self._send(key, look, call)
            except AwsRefusal as answer:
                refusal = look.subject.judged(answer)
                trouble = self._troubles.note(key, look.subject.identity, call.resource, refusal, self._clock.now())
                logger.info("%s: %s (%s)", key, refusal, trouble.kind.remedy.value, extra=fields_of(refusal))
                refused.add(call.resource)
                if not stands_alone(call):
                    break
            else:
                # Of a smoke test it is not known before its end.
                if not isinstance(call, SmokeTestCall):
                    self._troubles.answered(key, call.resource, call.operation)
                if call.creates and not is_taken:
                    # It is there already: whoever has made it may have gone on with it, too. Look before going on.
                    self._inventory.doubt_endpoints(look.subject.resources - {call.resource})
                    if not has_been_written(recorded) and self._inventory.is_owned(call.resource, look.meta):
                        # It is the object's own, which looked new: it is not, and its record was lost.
                        self._pasts.doubt(key)
                    break
        return not refused

    def _is_outdated(self, meta: Meta) -> bool:
        """Whether somebody has edited or deleted the object since: a call may have waited for seconds."""
        body = self._store.get(meta.key)
        return body is None or gather.meta_of(meta.key, body, meta.cluster) != meta

    async def _send(self, key: ObjectKey, look: Look, call: AnyCall) -> bool:
        """Whether the call was taken; a creation of what is there already is not."""
        meta = look.meta
        if isinstance(call, ImportCall):
            self._importer.run(key, call)
        elif isinstance(call, AbortCall):
            await self._importer.abort(key, call)
        elif isinstance(call, SearchCall):
            self._pasts.searched(key, await self._searcher.run(meta, call, self._turn(key)))
        elif isinstance(call, InputsCall):
            await self._smoke_tests.check(key, call)
        elif isinstance(call, SmokeTestCall):
            if not await self._executor.is_own(meta, call.resource, self._turn(key)):
                return False
            identity = look.subject.identity
            self._smoke_tests.start(key, call, identity, self._troubles.of(key, identity).get(call.resource))
        else:
            if call.creates:
                self._asked.note(key, call.resource)
            return await self._executor.run(meta, call, self._turn(key))
        return True

    def _turn(self, key: ObjectKey) -> Caller:
        # Whoever has stood in one line already is to get on in the next.
        urgency, call = max(Priority.URGENT, self._queue.urgency(key)), partial(self._queue.add, key, Priority.TURN)
        return Caller(name=key, priority=urgency, call=call, group=key.namespace)

    async def _conclude(self, key: ObjectKey, body: Body, look: Look) -> None:
        """Write what was decided, watch what is on the move, and come back when it is time."""
        decision = look.decision
        if decision.releases and gather.is_being_deleted(body):
            await self._tell_left_behind(look, body)
            await self._writer.release(key, body)
            self._forget(key)
            return
        troubles = self._troubles.of(key, look.subject.identity).values()
        await self._writer.settle(key, body, self._evaluator.unmade.concluded(key, body, look.status, troubles))
        self._pasts.recorded(key)
        self._asked.forget(key)
        self._smoke_tests.told(key, look.testing)
        self._importer.keep(key, decision.transfers)
        self._keep_track(key, look)
        # A call that was put off a moment ago may be due by now: writing takes time, too.
        waits = (decision.again_after, self._troubles.seconds_until_next(key, look.now))
        seconds = min((wait for wait in waits if wait is not None), default=None)
        if seconds is not None:
            self._queue.add_after(key, seconds)

    def _note_left_behind(self, look: Look) -> None:
        """Remember what is not taken down: the ledger is without it before the object goes."""
        if look.meta.is_deleted:
            theirs = {one for one in look.subject.resources if self._inventory.is_of_another_cluster(one, look.meta)}
            if theirs:
                self._left_behind.setdefault(look.meta.key, set()).update(theirs)

    async def _tell_left_behind(self, look: Look, body: Body) -> None:
        """Say what an object leaves at AWS to another cluster: if the name is a mistake, it goes on costing."""
        key = look.meta.key
        if left := sorted(self._left_behind.get(key, ())):
            sighting = self._inventory.seen_by(look.meta, left[0])
            whose = sighting.owner if isinstance(sighting, Stranger) else "another cluster"
            names = ", ".join(f"{one.type} {one.name}" for one in left)
            note = f"left at AWS, because it belongs to {whose}: {names}"
            await self._writer.announce(key, body, Reason.NAME_TAKEN, note, is_warning=True)

    def _keep_track(self, key: ObjectKey, look: Look) -> None:
        """Watch what is on the move from now on, and forget what the object has nothing to do with any more."""
        meta, follow, guard = look.meta, look.decision.follow, look.decision.guard
        strangers = frozenset(one for one in follow | guard if isinstance(self._inventory.seen_by(meta, one), Stranger))
        self._inventory.watch(key, follow=follow, guard=guard, strangers=strangers)
        self._executor.leave(key, self._resources_of(key) - look.subject.resources)
        self._subjects[key] = look.subject

    def _forget(self, key: ObjectKey) -> None:
        self._inventory.abandon(key)
        self._executor.leave(key, self._resources_of(key))
        self._subjects.pop(key, None)
        self._asked.forget(key)
        self._evaluator.forget(key)
        self._uids.pop(key, None)
        self._left_behind.pop(key, None)
        self._pasts.forget(key)
        self._searcher.forget(key)
        self._troubles.clear(key)
        self._importer.keep(key, ())
        self._smoke_tests.forget(key)
