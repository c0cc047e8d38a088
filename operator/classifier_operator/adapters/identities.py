"""Whose credentials calls to AWS carry: the operator's own, or those of a role that it takes on.

A role is taken on once for each namespace and for all services of a region; its credentials are renewed some minutes
before they end. Regions are kept apart, so that one that is misspelt or not enabled is no matter of the others; so are
namespaces, because the role's trust policy may let one of them in and not the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.session import Session, get_session

from classifier_operator.adapters.fencing import fence
from classifier_operator.adapters.role_sessions import NAMES_ONLY
from classifier_operator.api.ledger import Place
from classifier_operator.sagemaker.refusals import AwsRefusal, classify

_OWN = Place("")
# What botocore calls them, where they stay the same and where they are renewed.
_SECRETS = ("secret_key", "token", "_secret_key", "_token")


class Identities:
    """Sessions by the role that is taken on, where and for whom; the operator's own is one.

    Making one is not thread-safe.

    now: the time of day, which tells when credentials have to be renewed.
    asked: called, in whatever thread, when STS was asked: with the operation, the region and its refusal, if it is one.
    holds: whether this process may act at this very moment.
    assumption: returns the members of AssumeRole's request, beside the role, for a namespace.
    """

    def __init__(
        self,
        config: Config,
        now: Callable[[], datetime],
        asked: Callable[[str, str, AwsRefusal | None], None] = lambda *_: None,
        holds: Callable[[], bool] = lambda: True,
        assumption: Callable[[str], Mapping[str, Any]] = NAMES_ONLY.request,
    ) -> None:
        self._config = config
        self._assumption = assumption
        self._now = now
        self._asked = asked
        self._holds = holds
        self._sessions: dict[Place, boto3.Session] = {}
        self._loader: Any = None

    def client(self, service: str, place: Place) -> Any:
        """Return a client of a service there; with a role, as that role for the place's namespace."""
        client = self._session(place).client(service, region_name=place.region or None, config=self._config)
        return fence(client, self._holds)

    def secrets(self) -> frozenset[str]:
        """The secrets that the sessions hold at the moment, without asking anybody for new ones."""
        held = [one._session._credentials for one in tuple(self._sessions.values())]
        values = [vars(one) for one in held if one is not None]
        return frozenset(str(value) for one in values for name in _SECRETS if (value := one.get(name)))

    def renew(self, place: Place) -> None:
        """Forget that role's credentials and those that it was taken on with: the next client gets new ones."""
        self._sessions.pop(place, None)
        self._sessions.pop(_OWN, None)

    def _session(self, place: Place) -> boto3.Session:
        key = place if place.assume_role_arn else _OWN
        if key not in self._sessions:
            self._sessions[key] = self._assumed(place) if place.assume_role_arn else self._own()
        return self._sessions[key]

    def _own(self) -> boto3.Session:
        session = self._new_session()
        # Here and not where a role is taken on: botocore asks STS for a web identity's credentials by itself, and it
        # keeps from everybody that a renewal has failed for as long as the old credentials last.
        session.register("response-received.sts", self._sts_answered)
        return boto3.Session(botocore_session=session)

    def _new_session(self) -> Session:
        """A session that shares botocore's models of the services: read for each role, they cost seconds and memory."""
        session = get_session()
        if self._loader is None:
            self._loader = session.get_component("data_loader")
        else:
            session.register_component("data_loader", self._loader)
        return session

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

    def _assumed(self, place: Place) -> boto3.Session:
        # In the same region: STS's global address is unknown to other partitions and to networks without a way out.
        sts = self.client("sts", Place(place.region))

        def fetch() -> dict[str, Any]:
            # Asked each time: the cluster's name may have been learnt since.
            request = self._assumption(place.namespace)
            answer = sts.assume_role(RoleArn=place.assume_role_arn, **request)["Credentials"]
            return {
                "access_key": answer["AccessKeyId"],
                "secret_key": answer["SecretAccessKey"],
                "token": answer["SessionToken"],
                "expiry_time": answer["Expiration"].isoformat(),
            }

        session = self._new_session()
        session._credentials = DeferredRefreshableCredentials(
            refresh_using=fetch, method="assume-role", time_fetcher=self._now
        )
        return boto3.Session(botocore_session=session)


def refusal_in(
    operation: str, answer: Mapping[str, Any], hidden: Callable[[str], str] = lambda text: text
) -> AwsRefusal:
    """What an answer of AWS that is an error means; `hidden` takes out of its words what nobody shall read."""
    metadata, details = answer.get("ResponseMetadata", {}), answer.get("Error", {})
    return classify(
        operation,
        hidden(details.get("Code", "")),
        hidden(details.get("Message", "")),
        metadata.get("HTTPStatusCode", 0),
        metadata.get("RequestId", ""),
    )
