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

SESSION_NAME = "classifier-operator"
_OWN = ("", None)
# What botocore calls them, where they stay the same and where they are renewed.
_SECRETS = ("secret_key", "token", "_secret_key", "_token")


class Identities:
    """Sessions by the role that is taken on and where; the operator's own is one. Making one is not thread-safe.

    now: the time of day, which tells when credentials have to be renewed.
    """

    def __init__(self, config: Config, now: Callable[[], datetime]) -> None:
        self._config = config
        self._now = now
        self._sessions: dict[tuple[str, str | None], boto3.Session] = {}

    def client(self, service: str, region: str | None, role_arn: str) -> Any:
        """A client of a service that acts as that role."""
        return self._session(role_arn, region).client(service, region_name=region, config=self._config)

    def secrets(self) -> frozenset[str]:
        """The secrets that the sessions hold at the moment, without asking anybody for new ones."""
        held = [one._session._credentials for one in tuple(self._sessions.values())]
        values = [vars(one) for one in held if one is not None]
        return frozenset(str(value) for one in values for name in _SECRETS if (value := one.get(name)))

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
