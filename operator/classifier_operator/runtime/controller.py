"""One pass over one object: gather, decide, act, write status, until nothing is left to do now.

A pass remembers before it acts: the finalizer and the ledger are written before the first call that makes anything,
so a crash at any point leaves nothing at AWS that the object does not name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct

from classifier_operator.api.conditions import ConditionType, Reason, find
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Resource
from classifier_operator.endpoint import decide as endpoints
from classifier_operator.endpoint import recovery as endpoint_recovery
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.smoke_test import SmokeTestCall
from classifier_operator.reconcile.account import AccountCheck
from classifier_operator.reconcile.calls import describe
from classifier_operator.reconcile.decision import Decision, Defaults, Meta, Seen, Subject
from classifier_operator.reconcile.past import Past, SearchCall
from classifier_operator.reconcile.tenants import EVERYTHING, Allowance
from classifier_operator.reconcile.walls import within
from classifier_operator.runtime import gather
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.asked import Asked
from classifier_operator.runtime.behalf import Behalf, decision_for, resources_for, seen_of, subject_for
from classifier_operator.runtime.calls import AnyCall, is_written_down, stands_alone
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.own_account import OwnAccount
from classifier_operator.runtime.pacing.limits import Caller, NotYetError
from classifier_operator.runtime.pasts import Pasts, has_been_written
from classifier_operator.runtime.ports import Clock
from classifier_operator.runtime.search import Searcher
from classifier_operator.runtime.smoke import SmokeTester
from classifier_operator.runtime.store import Body, Store, uid_of
from classifier_operator.runtime.troubles import Troubles
from classifier_operator.runtime.unreadable import status_of_unreadable
from classifier_operator.runtime.workqueue import Priority, WorkQueue
from classifier_operator.runtime.write import Writer, as_json
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.views import Stranger
from classifier_operator.training import decide as trainings
from classifier_operator.training import recovery as training_recovery
from classifier_operator.training.fetches import AbortCall, ImportCall

logger = logging.getLogger(__name__)

# Each round acts on what the one before has learned; an object that wants more waits for its next turn.
ROUNDS = 8

AnyDecision = Decision[Any]


class OutdatedError(Exception):
    """What was decided was about another spec; the edit has put the object into the queue again."""


class Look(Struct, frozen=True, kw_only=True):
    """One look at an object: what is known, and what is decided; `now` is when, for all that follows from it."""

    now: datetime
    meta: Meta
    accounts: AccountCheck
    subject: Subject
    decision: AnyDecision

    @property
    def status(self) -> dict[str, Any]:
        """The status that was decided, as the API server has it, with the account of what it names."""
        return gather.with_account(as_json(self.decision.status), self.accounts.known)


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
        smoke_tester: SmokeTester,
        searcher: Searcher,
        importer: Importer,
        writer: Writer,
        troubles: Troubles,
        clock: Clock,
        allowed: Callable[[str], Allowance] = lambda _: EVERYTHING,
        waiting: Callable[[ObjectKey], AbstractContextManager[None]] = lambda _: nullcontext(),
        cluster: ClusterIdentity | None = None,
        account: OwnAccount,
        can_list: Callable[[Kind, str], bool] = lambda _kind, _namespace: True,
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._queue = queue
        self._defaults = defaults
        self._executor = executor
        self._smoke_tester = smoke_tester
        self._searcher = searcher
        self._importer = importer
        self._writer = writer
        self._troubles = troubles
        self._clock = clock
        self._allowed = allowed
        self._cluster = cluster or ClusterIdentity()
        self._account = account
        # Objects that wait for credentials of the account in which they have something.
        self.mismatched: dict[ObjectKey, AccountCheck] = {}
        self._waiting = waiting
        self._can_list = can_list
        self._smoke_tests: dict[ObjectKey, SmokeTestStatus] = {}
        self._pasts = Pasts()
        self._subjects: dict[ObjectKey, Subject] = {}
        self._asked = Asked()
        self._identities: dict[ObjectKey, str] = {}
        self._modified: dict[ObjectKey, str] = {}
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
        left = (within(resources, defaults) for resources in gather.left_at_aws(body))
        follow, guard = (resources_for(behalf, resources) for resources in left)
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
            look = await self._decide(key, {**body, "status": self._asked.added_to(key, status)}, past)
            meta = look.meta
            self._note_left_behind(look)
            calls = self._due(key, look)
            if not calls:
                break
            if any(call.is_announced for call in calls):
                body = await self._announce(key, body, look, calls)
                status = body.get("status", {})
            try:
                succeeded = await self._act(key, meta, look, calls, recorded=known)
            except (NotYetError, OutdatedError):
                # What has been announced is on record, and the rest is decided anew when it is its turn.
                self._subjects[key] = look.subject
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

    async def _decide(self, key: ObjectKey, body: Body, past: Past) -> Look:
        """Gather and decide."""
        defaults = await self._defaults.of(key.namespace, afresh=gather.is_newly_wanted(body))
        allowed, cluster = self._allowed(key.namespace), self._cluster.names
        accounts = await self._compared(key, body, defaults)
        behalf = Behalf(key.namespace, accounts.known)
        now, found = self._clock.now(), self._pasts.found(key)
        if key.kind is Kind.TRAINING:
            training = gather.training_of(
                key,
                body,
                defaults,
                imports=self._importer.of(key),
                allowed=allowed,
                cluster=cluster,
                accounts=accounts,
                past=past,
                found=found,
            )
            training = training_recovery.recovered(training)
            meta, subject = training.meta, subject_for(behalf, trainings.subject_of(training), self._inventory)
            decision: AnyDecision = trainings.decide(training, self._seen(meta, subject, defaults), now)
        else:
            outcome = self._smoke_tests.get(key)
            endpoint = gather.endpoint_of(
                key,
                body,
                defaults,
                store=self._store,
                smoke_test=outcome,
                allowed=allowed,
                cluster=cluster,
                knows_trainings=self._can_list(Kind.TRAINING, key.namespace),
                accounts=accounts,
                past=past,
                found=found,
            )
            endpoint = endpoint_recovery.recovered(endpoint, now)
            meta, subject = endpoint.meta, subject_for(behalf, endpoints.subject_of(endpoint), self._inventory)
            self._ask_anew(meta, subject)
            self._look_again(key, subject, endpoint.status.last_modified_time)
            decision = endpoints.decide(endpoint, self._seen(meta, subject, defaults), now)
        self._note_mismatch(key, accounts, decision)
        return Look(
            now=now, meta=meta, accounts=accounts, subject=subject, decision=decision_for(behalf, decision, defaults)
        )

    async def _compared(self, key: ObjectKey, body: Body, defaults: Defaults) -> AccountCheck:
        """The account of what the operator's own identity has made for the object, beside that of its credentials."""
        region, recorded = gather.own_region(body, defaults), gather.recorded_account(body)
        # What is about to be recorded must not be of a while ago.
        current = await self._account.known(region, afresh=not recorded) if region else ""
        found = AccountCheck(recorded, current)
        if found.current and not found.mismatch:
            self._troubles.over(key, RefusalKind.ACCOUNT_MISMATCH)
        return found

    def _note_mismatch(self, key: ObjectKey, accounts: AccountCheck, decision: AnyDecision) -> None:
        ready = find(decision.status.conditions, ConditionType.READY)
        if ready is not None and ready.reason == Reason.ACCOUNT_MISMATCH:
            self.mismatched[key] = accounts
        else:
            self.mismatched.pop(key, None)

    def _ask_anew(self, meta: Meta, subject: Subject) -> None:
        """Somebody has edited the object: whose the things of others are may have changed, too."""
        if self._identities.get(meta.key, subject.identity) != subject.identity:
            self._inventory.doubt_strangers(meta, subject.resources)
        self._identities[meta.key] = subject.identity

    def _look_again(self, key: ObjectKey, subject: Subject, modified: str) -> None:
        """Another operator has written of a later change than this one has seen: believed until the next look."""
        if modified and self._modified.get(key) != modified:
            self._modified[key] = modified
            self._inventory.doubt_older(subject.resources, modified)

    def _seen(self, meta: Meta, subject: Subject, defaults: Defaults) -> Seen:
        return seen_of(self._inventory, meta, subject, self._troubles.of(meta.key, subject.identity), defaults)

    def _due(self, key: ObjectKey, look: Look) -> list[AnyCall]:
        """The decision's calls, without those to a resource whose last refusal is still being waited out."""
        troubles = self._troubles.of(key, look.subject.identity)
        due: list[AnyCall] = []
        for call in look.decision.calls:
            trouble = troubles.get(call.resource)
            if trouble is None or not trouble.is_pausing(look.now):
                due.append(call)
            elif not stands_alone(call):
                break
        return due

    async def _announce(self, key: ObjectKey, body: Body, look: Look, calls: Sequence[AnyCall]) -> Body:
        """Write down what is about to be done; what is being retried is written down already."""
        body = await self._writer.hold(key, body)
        troubles = self._troubles.of(key, look.subject.identity)
        is_retried = any(call.resource in troubles for call in calls)
        status = look.status
        if is_written_down(body.get("status", {}), status, calls, is_retried=is_retried):
            return body
        body = await self._writer.status(key, body, status)
        self._pasts.recorded(key)
        return body

    async def _act(self, key: ObjectKey, meta: Meta, look: Look, calls: Sequence[AnyCall], *, recorded: Body) -> bool:
        """Send the calls in order; after a refusal only those that do not depend on it. Whether all succeeded.

        recorded: the object as it was before the pass.
        """
        refused: set[Resource] = set()
        for call in calls:
            if call.resource in refused:
                continue
            if self._is_outdated(meta):
                raise OutdatedError
            try:
                with self._waiting(key):
                    is_taken = await self._send(key, meta, call)
            except AwsRefusal as refusal:
                trouble = self._troubles.note(key, look.subject.identity, call.resource, refusal, self._clock.now())
                logger.info("%s: %s (%s)", key, refusal, trouble.kind.remedy.value, extra=fields_of(refusal))
                refused.add(call.resource)
                if not stands_alone(call):
                    break
            else:
                self._troubles.answered(key, call.resource, call.operation)
                if call.creates and not is_taken:
                    # It is there already: whoever has made it may have gone on with it, too. Look before going on.
                    self._inventory.doubt_endpoints(look.subject.resources - {call.resource})
                    if not has_been_written(recorded) and self._inventory.is_owned(call.resource, meta):
                        # It is the object's own, which looked new: it is not, and its record was lost.
                        self._pasts.doubt(key)
                    break
        return not refused

    def _is_outdated(self, meta: Meta) -> bool:
        """Whether somebody has edited or deleted the object since: a call may have waited for seconds."""
        body = self._store.get(meta.key)
        return body is None or gather.meta_of(meta.key, body, meta.cluster) != meta

    async def _send(self, key: ObjectKey, meta: Meta, call: AnyCall) -> bool:
        """Whether the call was taken; a creation of what is there already is not."""
        if isinstance(call, ImportCall):
            self._importer.run(key, call)
        elif isinstance(call, AbortCall):
            await self._importer.abort(key, call)
        elif isinstance(call, SearchCall):
            self._pasts.searched(key, await self._searcher.run(meta, call, self._turn(key)))
        elif isinstance(call, SmokeTestCall):
            if not await self._executor.is_own(meta, call.resource, self._turn(key)):
                return False
            self._smoke_tests[key] = await self._smoke_tester.run(call)
        else:
            if call.creates:
                self._asked.note(key, call.resource)
            return await self._executor.run(meta, call, self._turn(key))
        return True

    def _turn(self, key: ObjectKey) -> Caller:
        # Whoever has stood in one line already is to get on in the next.
        urgency = max(Priority.URGENT, self._queue.urgency(key))
        call = partial(self._queue.add, key, Priority.TURN)
        return Caller(name=key, priority=urgency, call=call, group=key.namespace)

    async def _conclude(self, key: ObjectKey, body: Body, look: Look) -> None:
        """Write what was decided, watch what is on the move, and come back when it is time."""
        decision = look.decision
        if decision.releases and gather.is_being_deleted(body):
            await self._tell_left_behind(look, body)
            await self._writer.release(key, body)
            self._forget(key)
            return
        await self._writer.settle(key, body, look.status)
        self._pasts.recorded(key)
        self._asked.forget(key)
        # The outcome is in the status now. An endpoint that is made anew is tested anew.
        self._smoke_tests.pop(key, None)
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
        decision, meta = look.decision, look.meta
        cared = decision.follow | decision.guard
        strangers = frozenset(one for one in cared if isinstance(self._inventory.seen_by(meta, one), Stranger))
        self._inventory.watch(key, follow=decision.follow, guard=decision.guard, strangers=strangers)
        self._executor.leave(key, self._resources_of(key) - look.subject.resources)
        self._subjects[key] = look.subject

    def _forget(self, key: ObjectKey) -> None:
        self._inventory.abandon(key)
        self._executor.leave(key, self._resources_of(key))
        self._subjects.pop(key, None)
        self._asked.forget(key)
        self._identities.pop(key, None)
        self._modified.pop(key, None)
        self._uids.pop(key, None)
        self._left_behind.pop(key, None)
        self.mismatched.pop(key, None)
        self._pasts.forget(key)
        self._searcher.forget(key)
        self._troubles.clear(key)
        self._importer.keep(key, ())
        self._smoke_tests.pop(key, None)
