"""boto3's clients: one for each service and region, shared by all identities, and no more than a few.

A client of SageMaker takes three quarters of a megabyte, and making it a fortieth of a second of CPU. So the clients
know no credentials: each request is signed with those of whoever acts in its thread (`acting_as`), and with none at all
where nobody has said who acts.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.session import Session, get_session

from classifier_operator.adapters.fencing import fence

# The services of a dozen regions.
MOST_CLIENTS = 64
# Clients refer to themselves in circles, so only the garbage collector frees their memory; after so many that were
# closed it is not waited for.
_COLLECTED_AFTER = 16
# Their regions together are all that there are.
_OF_ALL_REGIONS = ("ec2", "sagemaker", "sts")

_ACTING: ContextVar[Any] = ContextVar("acting", default=None)


class UnknownRegionError(BotoCoreError):  # type: ignore[misc]
    """The region is none of those that the AWS SDK and the settings name."""

    fmt = "{region!r} is no region that the AWS SDK of this release knows; a newer one must be the operator's --region"


class ActorsCredentials(Credentials):  # type: ignore[misc]
    """Stand for the credentials of whoever acts in the thread that asks."""

    def __init__(self) -> None:
        super().__init__(access_key="", secret_key="")

    def get_frozen_credentials(self) -> Any:
        """Return the actor's credentials as they are now. Raises NoCredentialsError: nobody acts."""
        actor = _ACTING.get()
        if actor is None:
            raise NoCredentialsError
        return actor.get_frozen_credentials()


@contextmanager
def acting_as(credentials: Any) -> Iterator[None]:
    """Sign what is sent in the block with these credentials of botocore's; None: there are none."""
    token = _ACTING.set(credentials)
    try:
        yield
    finally:
        _ACTING.reset(token)


class _Shared:
    """A client, and how many use it at the moment."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.users = 0
        self.is_kept = True


class Clients:
    """Clients by service and region. Those that have not been used for longest are closed, once nobody uses them.

    holds: whether this process may act at this very moment.
    regions: names of regions beside those that the AWS SDK knows.
    observe: called with botocore's session, to register what is to happen with its clients' requests.
    most: how many are kept.
    """

    def __init__(
        self,
        config: Config,
        holds: Callable[[], bool] = lambda: True,
        regions: Iterable[str] = (),
        observe: Callable[[Session], None] = lambda _: None,
        most: int = MOST_CLIENTS,
    ) -> None:
        self._config = config
        self._holds = holds
        # Those that the SDK knows are added with the first client.
        self.regions = frozenset(regions)
        self._observe = observe
        self._most = most
        self._lock = threading.Lock()
        self._session: Session | None = None
        # The one that was used last is the last one.
        self._kept: dict[tuple[str, str], _Shared] = {}
        self._closed = 0

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def use(self, service: str, region: str) -> Iterator[Any]:
        """Yield the client, which is not closed before the end of the block.

        Raises:
            UnknownRegionError: there is no such region.

        """
        with self._lock:
            shared = self._found(service, region)
            shared.users += 1
            closed = self._evicted()
        try:
            self._close(closed)
            yield shared.client
        finally:
            with self._lock:
                shared.users -= 1
                is_over = not shared.is_kept and not shared.users
            if is_over:
                self._close([shared])

    def _found(self, service: str, region: str) -> _Shared:
        # Clients are thread-safe, making one is not.
        key = service, region
        shared = self._kept.pop(key, None)
        if shared is None:
            shared = _Shared(self._made(service, region))
        self._kept[key] = shared
        return shared

    def _made(self, service: str, region: str) -> Any:
        if self._session is None:
            self._session = self._begun()
        if region not in self.regions:
            raise UnknownRegionError(region=region)
        client = self._session.create_client(service, region_name=region, config=self._config)
        return fence(client, self._holds)

    def _begun(self) -> Session:
        session = get_session()
        session._credentials = ActorsCredentials()
        self.regions |= known_regions(session)
        self._observe(session)
        return session

    def _evicted(self) -> list[_Shared]:
        """Keep no more than there may be; return those of the others that nobody uses."""
        unused = []
        while len(self._kept) > self._most:
            shared = self._kept.pop(next(iter(self._kept)))
            shared.is_kept = False
            if not shared.users:
                unused.append(shared)
        return unused

    def _close(self, unused: Iterable[_Shared]) -> None:
        for shared in unused:
            shared.client.close()
            self._closed += 1
            if self._closed % _COLLECTED_AFTER == 0:
                gc.collect()


def known_regions(session: Session) -> frozenset[str]:
    """Return the names of all regions of all partitions that the AWS SDK knows."""
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for service in _OF_ALL_REGIONS
        for region in session.get_available_regions(service, partition)
    )
