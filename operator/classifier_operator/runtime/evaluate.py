"""Gather and decide: what is known of one object, and what its rules make of that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from classifier_operator.api.conditions import ConditionType, Reason, find
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.endpoint import decide as endpoints
from classifier_operator.endpoint import recovery as endpoint_recovery
from classifier_operator.endpoint.smoke_test import SmokeTestState
from classifier_operator.reconcile.account import AccountCheck
from classifier_operator.reconcile.decision import Decision, Defaults, Meta, Seen, Subject
from classifier_operator.reconcile.past import Found, Past
from classifier_operator.reconcile.tenants import EVERYTHING, Allowance
from classifier_operator.runtime import gather
from classifier_operator.runtime.annotations import OF_OBJECTS, UnknownAnnotations
from classifier_operator.runtime.behalf import Behalf, decision_for, seen_of, subject_for
from classifier_operator.runtime.bodies import mapping
from classifier_operator.runtime.cluster_identity import ClusterIdentity
from classifier_operator.runtime.importing.imports import Importer
from classifier_operator.runtime.importing.shared import with_shared
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.monitoring.logs import fields_of
from classifier_operator.runtime.namespaces import NamespaceDefaults
from classifier_operator.runtime.own_account import OwnAccount
from classifier_operator.runtime.ports import Clock
from classifier_operator.runtime.smoke_tests import SmokeTests
from classifier_operator.runtime.store import Body, Store
from classifier_operator.runtime.troubles import Troubles
from classifier_operator.runtime.unmade import Unmade
from classifier_operator.runtime.write import as_json
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.training import decide as trainings
from classifier_operator.training import recovery as training_recovery

logger = logging.getLogger(__name__)

AnyDecision = Decision[Any]


class OutdatedError(Exception):
    """What was decided was about another spec; the edit has put the object into the queue again."""


class Look(Struct, frozen=True, kw_only=True):
    """One look at an object: what is known, and what is decided; `now` is when, for all that follows from it.

    testing: what was known of its smoke test.
    """

    now: datetime
    meta: Meta
    accounts: AccountCheck
    subject: Subject
    decision: AnyDecision
    testing: SmokeTestState | None = None

    @property
    def status(self) -> dict[str, Any]:
        """The status that was decided, as the API server has it, with the account of what it names."""
        return gather.with_account(as_json(self.decision.status), self.accounts.known)


class Evaluator:
    """Decides about one object at a time.

    allowed: what a namespace may use.
    can_list: whether all objects of a kind in a namespace are known.
    """

    def __init__(
        self,
        *,
        store: Store,
        inventory: Inventory,
        defaults: NamespaceDefaults,
        importer: Importer,
        smoke_tests: SmokeTests,
        troubles: Troubles,
        clock: Clock,
        account: OwnAccount,
        cluster: ClusterIdentity | None = None,
        allowed: Callable[[str], Allowance] = lambda _: EVERYTHING,
        can_list: Callable[[Kind, str], bool] = lambda _kind, _namespace: True,
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._defaults = defaults
        self._importer = importer
        self._smoke_tests = smoke_tests
        self._troubles = troubles
        self._clock = clock
        self._account = account
        self._cluster = cluster or ClusterIdentity()
        self._allowed = allowed
        self._can_list = can_list
        # Objects that wait for credentials of the account in which they have something.
        self.mismatched: dict[ObjectKey, AccountCheck] = {}
        self.unmade = Unmade()
        self._annotations = UnknownAnnotations()
        self._identities: dict[ObjectKey, str] = {}
        self._modified: dict[ObjectKey, str] = {}

    def waiting(self) -> str:
        """Return how many objects wait for credentials of another account, and of which; "" where none does."""
        message = next((one.mismatch for one in self.mismatched.values() if one.mismatch), "")
        return f"{len(self.mismatched)} objects (AccountMismatch): {message}" if self.mismatched else ""

    def forget(self, key: ObjectKey) -> None:
        """The object is gone."""
        self.mismatched.pop(key, None)
        self.unmade.forget(key)
        self._annotations.forget(key)
        self._identities.pop(key, None)
        self._modified.pop(key, None)

    async def decide(self, key: ObjectKey, body: Body, *, past: Past, found: Found | None) -> Look:
        """Gather what is known of the object, and decide.

        past: what is known of what it had at AWS.
        found: what a search has found of that.

        Raises:
            InvalidObjectError: the object does not have the shape that its CRD promises.
            ClusterUnavailableError: its namespace cannot be read.

        """
        self._annotations.note(key, body, OF_OBJECTS[key.kind])
        defaults = await self._defaults.of(key.namespace, afresh=gather.is_newly_wanted(body))
        allowed, cluster = self._allowed(key.namespace), self._cluster.names
        accounts = await self._compared(key, body, defaults, past)
        behalf = Behalf(key.namespace, accounts.known)
        now = self._clock.now()
        testing = self._smoke_tests.of(key)
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
            decided = trainings.decide(training, self._seen(meta, subject, defaults), now)
            decision: AnyDecision = with_shared(key, decided, self._store)
        else:
            endpoint = gather.endpoint_of(
                key,
                body,
                defaults,
                store=self._store,
                testing=testing,
                testable=self._smoke_tests.possible(key),
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
            self._note_failed_test(key, subject, now)
            decision = endpoints.decide(endpoint, self._seen(meta, subject, defaults), now)
            self._smoke_tests.keep(key, decision.transfers)
        self._note_mismatch(key, accounts, decision)
        return Look(
            now=now,
            meta=meta,
            accounts=accounts,
            subject=subject,
            decision=decision_for(behalf, decision, defaults),
            testing=testing,
        )

    def _note_failed_test(self, key: ObjectKey, subject: Subject, now: datetime) -> None:
        """A smoke test could not be run: the trouble of the object, as if it had been called just now."""
        failed = self._smoke_tests.failed(key)
        if failed is None or failed.identity != subject.identity:
            return
        if not isinstance(failed.error, AwsRefusal):
            raise failed.error
        resource, refusal = failed.call.resource, failed.error
        trouble = self._troubles.note(key, subject.identity, resource, refusal, now, failed.before)
        logger.info("%s: %s (%s)", key, refusal, trouble.kind.remedy.value, extra=fields_of(refusal))

    async def _compared(self, key: ObjectKey, body: Body, defaults: Defaults, past: Past) -> AccountCheck:
        """The account of what the operator's own identity has made for the object, beside that of its credentials."""
        region = gather.own_region(body, defaults)
        self.unmade.recall(key, mapping(body.get("status")))
        # An account in which everything was refused is none in which the object has something.
        recorded = "" if key in self.unmade else gather.recorded_account(body)
        if past is Past.LOST and not recorded:
            # That nothing is found in another account is no reason to let the object go.
            recorded = gather.account_of_role(body, defaults)
        # What is about to be recorded must not be of a while ago, nor what a call that was refused contradicts.
        afresh = not recorded or self._troubles.has(key, RefusalKind.ACCOUNT_MISMATCH)
        current = await self._account.known(region, afresh=afresh) if region else ""
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
