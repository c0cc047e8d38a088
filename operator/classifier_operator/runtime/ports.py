"""What the runtime needs of the outside: AWS, the cluster, the time. The adapters provide it; tests provide fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.election.lease import Lease
from classifier_operator.runtime.pacing.limits import Caller
from classifier_operator.runtime.workqueue import Priority


class ConflictError(Exception):
    """The object has changed since it was read: read it again and decide anew."""


class GoneError(Exception):
    """The object does not exist any more."""


class ClusterUnavailableError(Exception):
    """The API server did not do what was asked; trying again later is right.

    status: the HTTP status; 0 where no answer came. retry_after: seconds that it asks to wait; 0 where it does not.
    """

    def __init__(self, message: str = "", *, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after

    @property
    def refuses_content(self) -> bool:
        """Whether the same content is refused for good: its schema forbids it, or it is too large for the store."""
        return self.status in (413, 422) or (self.status >= 500 and "request is too large" in str(self))


class Happening(StrEnum):
    """What has happened to an object, as a list or a watch tells it."""

    LISTED = "LISTED"
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Answering(Protocol):
    """AWS, as far as it is only called. Raises AwsRefusal when AWS does not do what was asked."""

    async def call(
        self, place: Place, operation: str, params: Mapping[str, Any], *, turn: Caller | Priority = Priority.NORMAL
    ) -> dict[str, Any]:
        """One call of SageMaker's or Application Auto Scaling's API, by its name there, e.g. `CreateTrainingJob`.

        turn: how urgent it is, for one who waits until AWS may be asked; a Caller does not wait, and gets NotYetError.
        """
        ...


class ObjectStore(Protocol):
    """S3, as far as it is only called. The method raises AwsRefusal when S3 does not do what was asked."""

    async def call_s3(self, place: Place, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One call of S3's API, `operation` by its name there, e.g. `UploadPart`; bodies go in, none comes back."""
        ...


class Cloud(Answering, ObjectStore, Protocol):
    """AWS. Every method raises AwsRefusal when AWS does not do what was asked.

    A place with an account is asked by credentials of that account, or not at all (RefusalKind.ACCOUNT_MISMATCH).
    """

    async def account(self, region: str) -> str:
        """The account of the operator's own credentials, asked for in that region; "" where nobody can tell."""
        ...

    def withdraw(self, name: Hashable) -> None:
        """The Caller of that name wants nothing any more, and stands in nobody's way."""
        ...

    async def invoke(
        self,
        place: Place,
        endpoint: str,
        body: bytes,
        content_type: str,
        *,
        limit: int,
        variant: str = "",
        sent: Callable[[], None] = lambda: None,
    ) -> bytes:
        """SageMaker Runtime's InvokeEndpoint: at most `limit` bytes of what the variant of that name answers.

        sent: called when it is sent; before that it may have waited for others.
        """
        ...

    async def read_object(self, place: Place, s3_uri: str, limit: int) -> bytes:
        """An object of S3, at most `limit` bytes of it."""
        ...


class Message(NamedTuple):
    """A message of a queue, and by what it is deleted."""

    body: str
    receipt: str


class Messages(Protocol):
    """A queue of messages. Methods raise AwsRefusal when it does not do what was asked."""

    async def receive(self) -> Sequence[Message]:
        """Some messages, waited for if there are none; those that are not deleted come again."""
        ...

    async def delete(self, messages: Sequence[Message]) -> None:
        """These shall not come again; some of them may all the same."""
        ...


class BadSourceError(Exception):
    """The source does not have what was asked for, and will not by itself."""


class SourceUnavailableError(Exception):
    """The source did not answer, or not to the end; trying again later is right."""


class Source(Protocol):
    """A file that is being read from elsewhere.

    offset: bytes of the file before the first one that is read.
    size: bytes of the whole file; None where the server does not say.
    validator: the ETag or Last-Modified by which a change of the file would be noticed; empty where there is none.
    """

    offset: int
    size: int | None
    validator: str

    async def read(self, limit: int) -> bytes:
        """The next bytes, at most `limit` of them; none at the end. Raises SourceUnavailableError."""
        ...

    async def close(self) -> None:
        """Read no more."""
        ...


class Sources(Protocol):
    """Where inputs are fetched from."""

    async def open(self, url: str, *, offset: int = 0, validator: str = "") -> Source:
        """Begin to read: at `offset`, if the file still has that validator and the server can; else at the beginning.

        Raises NotAllowedError (of `runtime.netguard`), BadSourceError or SourceUnavailableError.
        """
        ...


class Cluster(Protocol):
    """The Kubernetes API. Methods raise ConflictError, GoneError or ClusterUnavailableError."""

    async def read(self, key: ObjectKey) -> dict[str, Any]:
        """The object as it is now."""
        ...

    def list(self, kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
        """All objects of a kind in a namespace, page by page; in all namespaces where none is named."""
        ...

    async def watch(
        self,
        kind: Kind,
        namespace: str,
        happened: Callable[[Happening, dict[str, Any]], None],
        began: Callable[[], None],
    ) -> None:
        """Tell of all objects that there are, and of each change, until that fails; it ends by an error alone.

        began: called when changes are told from now on, at least once.
        """
        ...

    async def revision(self, kind: Kind, namespace: str) -> int:
        """At which revision the API server is now, as a list of the kind in the namespace tells (in all without one).

        It goes down only when the API server's store is restored from a snapshot.
        """
        ...

    async def patch(self, key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        """Apply a JSON merge patch to the object, or to its status; returns the object as it is then."""
        ...

    async def read_config_map(self, namespace: str, name: str) -> dict[str, Any]:
        """A ConfigMap."""
        ...

    async def read_namespace(self, name: str) -> dict[str, Any]:
        """A namespace."""
        ...

    def list_namespaces(self) -> AsyncIterator[dict[str, Any]]:
        """The namespaces that the operator serves; of those that it has to read one by one, those that can be read."""
        ...

    async def post_event(self, event: Mapping[str, Any]) -> None:
        """Publish an Event (v1)."""
        ...


class Leases(Protocol):
    """The Leases of one release. Methods raise ConflictError, GoneError or ClusterUnavailableError."""

    async def read(self, name: str) -> Lease | None:
        """The Lease as it is now, if there is one."""
        ...

    async def create(self, lease: Lease) -> Lease:
        """Make it; returns it with its version."""
        ...

    async def replace(self, lease: Lease) -> Lease:
        """Write it, if it still has that version; returns it with its new one."""
        ...

    async def of_release(self) -> list[Lease]:
        """All Leases of the release, as they are now."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...
