"""Whose credentials calls to AWS carry: the operator's own, or those of a role that it assumes.

A role is assumed once for each namespace and for all services of a region; its credentials are renewed some minutes
before they end. Regions are kept apart, so that one that is misspelt or not enabled is no matter of the others; so are
namespaces, because the role's trust policy may let one of them in and not the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from botocore.credentials import DeferredRefreshableCredentials
from botocore.session import Session, get_session

from classifier_operator.adapters.clients import acting_as
from classifier_operator.adapters.role_sessions import NAMES_ONLY
from classifier_operator.api.ledger import Place
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal

# So many roles are remembered, each in a few kB; the one that was not used for longest is forgotten, and assumed anew.
MOST_ROLES = 1000
# What botocore calls them, where they stay the same and where they are renewed.
_SECRETS = ("secret_key", "token", "_secret_key", "_token")


class Actor:
    """Whoever a call is made as; `credentials` are botocore's, None where there are none.

    is_assumed: whether there is anything to forget: STS has given credentials for the role.
    """

    def __init__(self, credentials: Any, *, is_assumed: bool = True) -> None:
        self.credentials = credentials
        self.is_assumed = is_assumed


class Identities:
    """Credentials by the role that is assumed, where and for whom; the operator's own are one.

    sts: returns a client of STS in a region, as a context manager.
    now: the time of day, which tells when credentials have to be renewed.
    asked: called, in whatever thread, when STS was asked: with the operation, the region and its refusal, if it is one.
    assumption: returns the members of AssumeRole's request, beside the role, for a namespace.
    """

    def __init__(
        self,
        sts: Callable[[str], AbstractContextManager[Any]],
        now: Callable[[], datetime],
        asked: Callable[[str, str, AwsRefusal | None], None] = lambda *_: None,
        assumption: Callable[[str], Mapping[str, Any]] = NAMES_ONLY.request,
    ) -> None:
        self._sts = sts
        self._assumption = assumption
        self._now = now
        self._asked = asked
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._own: Actor | None = None
        # The one that was used last is the last one.
        self._roles: dict[Place, Actor] = {}

    def __len__(self) -> int:
        return len(self._roles)

    @contextmanager
    def acting(self, place: Place) -> Iterator[Actor]:
        """Sign what is sent in the block as the operator itself or, where the place names a role, as that role.

        A role for which STS gives no credentials leaves nothing behind.
        """
        with self._lock:
            actor = self._role(place) if place.assume_role_arn else self._own_actor()
        try:
            with acting_as(actor.credentials):
                yield actor
        finally:
            if not actor.is_assumed:
                self._forget(place, actor)

    def secrets(self) -> frozenset[str]:
        """Return the secrets that are held at the moment, without asking anybody for new ones."""
        # Without the lock: each line of the log asks, also those of whoever holds it, and of all who wait meanwhile.
        actors = (*tuple(self._roles.values()), *((self._own,) if self._own is not None else ()))
        values = [vars(one.credentials) for one in actors if one.credentials is not None]
        return frozenset(str(value) for one in values for name in _SECRETS if (value := one.get(name)))

    def renew(self, place: Place, used: Actor) -> None:
        """Forget the credentials that were used and those that they were got with, unless somebody has done so."""
        with self._lock:
            current = self._roles.get(place) if place.assume_role_arn else self._own
            if current is used:
                self._roles.pop(place, None)
                self._own = self._session = None

    def _forget(self, place: Place, actor: Actor) -> None:
        with self._lock:
            if self._roles.get(place) is actor:
                del self._roles[place]

    def _own_actor(self) -> Actor:
        if self._own is None or self._own.credentials is None:
            if self._session is None:
                self._session = get_session()
                # botocore asks STS for a web identity's credentials by itself, and it keeps from everybody that a
                # renewal has failed for as long as the old credentials last.
                self.observe(self._session)
            self._own = Actor(self._session.get_credentials())
        return self._own

    def _role(self, place: Place) -> Actor:
        actor = self._roles.pop(place, None) or self._assumed(place)
        self._roles[place] = actor
        if len(self._roles) > MOST_ROLES:
            del self._roles[next(iter(self._roles))]
        return actor

    def _assumed(self, place: Place) -> Actor:
        def assume() -> Mapping[str, Any]:
            # Asked each time: the cluster's name may have been learnt since.
            request = {"RoleArn": place.assume_role_arn, **self._assumption(place.namespace)}
            # In the same region: STS's global address is unknown to other partitions and to networks without a way out.
            with self.acting(Place(place.region)), self._sts(place.region) as sts:
                answer: Mapping[str, Any] = sts.assume_role(**request)
            actor.is_assumed = True
            return answer

        actor = Actor(assumed_credentials(assume, self._now), is_assumed=False)
        return actor

    def observe(self, session: Session) -> None:
        """Tell `asked` of what the session's clients of STS are answered."""
        session.register("response-received.sts", self._sts_answered)

    def _sts_answered(
        self,
        event_name: str,
        parsed_response: Mapping[str, Any] | None,
        context: Mapping[str, Any],
        exception: Exception | None,
        **_: Any,
    ) -> None:
        operation = event_name.rpartition(".")[2]
        refusal = None
        if exception is not None:
            refusal = classify(operation, type(exception).__name__, str(exception), 0)
        elif parsed_response is not None and parsed_response["ResponseMetadata"]["HTTPStatusCode"] >= 300:
            refusal = refusal_in(operation, parsed_response)
        self._asked(operation, str(context.get("client_region") or ""), refusal)


def assumed_credentials(
    assume: Callable[[], Mapping[str, Any]], now: Callable[[], datetime]
) -> DeferredRefreshableCredentials:
    """Return credentials that are got, and renewed, by STS's answers to AssumeRole."""

    def fetch() -> dict[str, Any]:
        answer = assume()["Credentials"]
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    return DeferredRefreshableCredentials(refresh_using=fetch, method="assume-role", time_fetcher=now)


def refusal_in(
    operation: str,
    answer: Mapping[str, Any],
    hidden: Callable[[str], str] = lambda text: text,
    names: tuple[str, ...] = (),
) -> AwsRefusal:
    """Return what an answer of AWS that is an error means.

    hidden: takes out of its words what nobody shall read.
    names: what the request had in it, which AWS may quote.
    """
    metadata, details = answer.get("ResponseMetadata", {}), answer.get("Error") or {}
    return classify(
        operation,
        # Of an empty element in XML botocore makes None.
        hidden(details.get("Code") or ""),
        hidden(details.get("Message") or ""),
        metadata.get("HTTPStatusCode", 0),
        metadata.get("RequestId", ""),
        names,
    )
