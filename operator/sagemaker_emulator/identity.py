"""Who calls which service where: read from a request's credential scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from sagemaker_emulator.store import ScopeKey

_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class Caller:
    """The access key, and the account, region and service that it signed for."""

    access_key: str
    key: ScopeKey
    service: str


def caller_of(headers: Mapping[str, str], query: str, *, region: str, account_of: Callable[[str], str]) -> Caller:
    """The caller of a request; signatures are not checked, and an unsigned one is S3's in the default `region`."""
    credential = headers.get("Authorization") or _presigned(query)
    found = _SCOPE.search(credential)
    if not found:
        return Caller("", ScopeKey(account_of(""), region), "s3")
    access_key, signed_region, service = found.groups()
    return Caller(access_key, ScopeKey(account_of(access_key), signed_region), service)


def _presigned(query: str) -> str:
    values = parse_qs(query).get("X-Amz-Credential", [""])
    return f"Credential={values[0]}"
