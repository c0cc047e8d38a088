"""Whose credentials calls to AWS carry: the operator's own, or those of a role that it takes on.

A role is taken on once for all services of a region; its credentials are renewed some minutes before they end. Regions
are kept apart, so that one that is misspelt or not enabled is no matter of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.session import get_session

from classifier_operator.adapters.fencing import fence

SESSION_NAME = "classifier-operator"
_OWN = ("", None)


class Identities:
    """Sessions by the role that is taken on and where; the operator's own is one. Making one is not thread-safe.

    now: the time of day, which tells when credentials have to be renewed.
    holds: whether this process may act at this very moment.
    """

    def __init__(self, config: Config, now: Callable[[], datetime], holds: Callable[[], bool] = lambda: True) -> None:
        self._config = config
        self._now = now
        self._holds = holds
        self._sessions: dict[tuple[str, str | None], boto3.Session] = {}

    def client(self, service: str, region: str | None, role_arn: str) -> Any:
        """A client of a service that acts as that role."""
        client = self._session(role_arn, region).client(service, region_name=region, config=self._config)
        return fence(client, self._holds)

    def renew(self, region: str, role_arn: str) -> None:
        """Forget that role's credentials and those that it was taken on with: the next client gets new ones."""
        self._sessions.pop((role_arn, region), None)
        self._sessions.pop(_OWN, None)

    def _session(self, role_arn: str, region: str | None) -> boto3.Session:
        key = (role_arn, region) if role_arn else _OWN
        if key not in self._sessions:
            self._sessions[key] = self._assumed(role_arn, region) if role_arn else boto3.Session()
        return self._sessions[key]

    def _assumed(self, role_arn: str, region: str | None) -> boto3.Session:
        # In the same region: STS's global address is unknown to other partitions and to networks without a way out.
        sts = self.client("sts", region, "")

        def fetch() -> dict[str, Any]:
            answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=SESSION_NAME)["Credentials"]
            return {
                "access_key": answer["AccessKeyId"],
                "secret_key": answer["SecretAccessKey"],
                "token": answer["SessionToken"],
                "expiry_time": answer["Expiration"].isoformat(),
            }

        session = get_session()
        session._credentials = DeferredRefreshableCredentials(
            refresh_using=fetch, method="assume-role", time_fetcher=self._now
        )
        return boto3.Session(botocore_session=session)
