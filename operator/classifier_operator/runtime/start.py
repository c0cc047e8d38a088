"""What the log says when the operator starts: what it serves, as whom, and when it is ready; and what ends a start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, GoneError

logger = logging.getLogger(__name__)

# Credentials may come after the start, as those of a Pod Identity agent that starts later do.
CREDENTIALS_SECONDS = 10.0
# So often it is looked whether the operator has become ready.
READY_SECONDS = 0.25
NO_CREDENTIALS = (
    "no AWS credentials were found: in a cluster set the chart's aws.irsaRoleArn, aws.podIdentity or "
    "aws.credentials.secretName; elsewhere AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)


class StartError(Exception):
    """The operator cannot start: the message says in one line what is wrong, and what to do."""


class OwnIdentity(Struct, frozen=True, kw_only=True):
    """Who the operator is at AWS.

    source: where its own credentials come from, in botocore's words ("env", "assume-role-with-web-identity"); "": none.
    arn: who they are, by STS's GetCallerIdentity; "" where STS did not say.
    words: why STS did not.
    """

    source: str
    arn: str = ""
    words: str = ""


class Identified(Protocol):
    """AWS, as far as it is asked who the operator is."""

    async def own_identity(self, region: str) -> OwnIdentity:
        """Look for the operator's own credentials, and ask STS in that region whose they are; in "" ask nobody."""
        ...


def all_or(namespaces: Sequence[str]) -> str:
    """Return the namespaces that are served, in words."""
    return ", ".join(namespaces) or "all"


async def require_namespaces(cluster: Cluster, namespaces: Sequence[str]) -> None:
    """Warn of namespaces that do not exist; they are served once they do. Those that cannot be read are let pass.

    Raises:
        StartError: none of them exists, so that nothing could be served.

    """
    missing = [name for name in namespaces if await _is_missing(cluster, name)]
    if not missing:
        return
    if len(missing) == len(namespaces):
        raise StartError(
            f"--namespace: the cluster has no namespace {', '.join(missing)}: correct the name, "
            f"or make it with `kubectl create namespace {missing[0]}`"
        )
    logger.warning(
        "the cluster has no namespace %s: it is served once it exists; the others are served", ", ".join(missing)
    )


async def _is_missing(cluster: Cluster, name: str) -> bool:
    try:
        await cluster.read_namespace(name)
    except GoneError:
        return True
    except ClusterUnavailableError:
        # Not allowed, or no answer: listing the objects says so, and tries again.
        return False
    return False


class OwnCredentials:
    """Whether the operator has AWS credentials of its own, looked for until it has, and said in the log.

    missing: what is missing, or "" once credentials have been found.
    """

    def __init__(self, aws: Identified, region: str) -> None:
        self._aws = aws
        self._region = region
        self.missing = "AWS credentials are being looked for"

    async def run(self, may_ask: asyncio.Event) -> None:
        """Look until there are credentials; say whose they are.

        may_ask: set once AWS may be called: a process without the Lease sends nothing.
        """
        while True:
            found = await self._aws.own_identity("")
            if found.source:
                break
            missing = f"{NO_CREDENTIALS} ({found.words})" if found.words else NO_CREDENTIALS
            if missing != self.missing:
                logger.error("%s", missing)
            self.missing = missing
            await asyncio.sleep(CREDENTIALS_SECONDS)
        self.missing = ""
        await may_ask.wait()
        self._say(found.source, await self._aws.own_identity(self._region) if self._region else found)

    def _say(self, source: str, identity: OwnIdentity) -> None:
        if identity.arn:
            logger.info("AWS identity %s, region %s (credentials: %s)", identity.arn, self._region, source)
        elif not self._region:
            logger.warning(
                "AWS identity not asked for: there is no region, so objects or their namespaces have to name theirs; "
                "or set --region or AWS_REGION (credentials: %s)",
                source,
            )
        else:
            logger.error(
                "AWS identity unknown, region %s (credentials: %s): %s: correct the credentials, the region or the "
                "network",
                self._region,
                source,
                identity.words,
            )


async def say_when_ready(unready: Callable[[], str], serving: Callable[[], str]) -> None:
    """Log once that nothing is missing any more, and what is served then."""
    while True:
        if not unready():
            break
        await asyncio.sleep(READY_SECONDS)
    logger.info("ready: %s", serving())
