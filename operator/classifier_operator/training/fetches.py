"""The files that a spec wants to have in S3 before its run: from where, to where, and what tells one from another."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from urllib.parse import unquote

from msgspec import Struct

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.reconcile.decision import SpecError
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.sagemaker.s3_address import bucket_and_key, flaw_of_key
from classifier_operator.training.spec import Input, Source, TrainingSpec, Upload

# S3 takes keys of at most 1,024 bytes of UTF-8.
KEY_LIMIT = 1024


class Fetch(Struct, frozen=True, kw_only=True):
    """One file to have in S3.

    kms_key_id: the key that S3 encrypts it with; "" for what the bucket says. path: the field that asks for it, for
    messages.
    """

    place: Place
    s3_uri: str
    url: str
    sha256: str = ""
    kms_key_id: str = ""
    path: str

    @property
    def source(self) -> str:
        """What tells this source from others: kept with the object, so that what is there already is known again.

        A hash, because a presigned URL is a secret.
        """
        return hashlib.sha256(f"{self.url}\n{self.sha256}".encode()).hexdigest()

    @property
    def upload_source(self) -> str:
        """What tells an upload from others: an upload has one key from its beginning, so another key needs another."""
        if not self.kms_key_id:
            return self.source
        return hashlib.sha256(f"{self.source}\n{self.kms_key_id}".encode()).hexdigest()

    @property
    def intent(self) -> Upload:
        """The upload that is about to be begun, as the status records it."""
        place = self.place
        return Upload(
            s3_uri=self.s3_uri, source=self.upload_source, region=place.region, assume_role_arn=place.assume_role_arn
        )

    def is_of(self, upload: Upload) -> bool:
        """Whether the upload is one of this very file to this very place."""
        mine = self.intent
        return (upload.s3_uri, upload.source, upload.resource.place) == (mine.s3_uri, mine.source, mine.resource.place)


class Phase(StrEnum):
    """What a transfer is at."""

    LOOKING = "looking whether it is there already"
    QUEUED = "waiting for another object's fetching of the same file"
    WAITING = "waiting for its turn, others are being fetched"
    OPENING = "asking the source for it"
    RECORDING = "about to begin its upload"
    FETCHING = "being fetched"
    IN_PLACE = "in place"
    FAILED = "interrupted"


class Progress(Struct, frozen=True, kw_only=True):
    """How far a transfer is.

    total: bytes of the whole; None while that is not known.
    upload: in phase RECORDING, what the status has to say before it goes on; afterwards, the upload that it fills.
    trouble: what the last try ended with, until the next one gets further.
    run: for which run it was tried: another one is a reason to try again what was refused for good.
    """

    phase: Phase
    run: str = ""
    done: int = 0
    total: int | None = None
    upload: Upload | None = None
    trouble: Trouble | None = None


class Imports(Struct, frozen=True, kw_only=True):
    """What is known of an object's transfers.

    ended: uploads that are known to be no more.
    """

    transfers: dict[Fetch, Progress] = {}
    ended: frozenset[Upload] = frozenset()

    def is_in_place(self, fetch: Fetch) -> bool:
        """Whether the file is known to be there."""
        progress = self.transfers.get(fetch)
        return progress is not None and progress.phase is Phase.IN_PLACE


class ImportCall(Struct, frozen=True, kw_only=True):
    """Start a transfer, in the background, or let it go on once the status says what it has to.

    recorded: the upload that the status tells of, with which it resumes or goes on.
    own_account: the account of the operator's own credentials with which S3 is called; "" while that is not known.
    is_shared: whether another object names the upload as well: it may be that object's, and is not ended.
    """

    fetch: Fetch
    run: str
    recorded: Upload | None = None
    own_account: str = ""
    is_shared: bool = False
    is_announced: bool = False
    operation: str = "Import"
    creates: bool = False

    @property
    def resource(self) -> Resource:
        """The object in S3."""
        return Resource(self.fetch.place, ResourceType.OBJECT, self.fetch.s3_uri)


class AbortCall(Struct, frozen=True, kw_only=True):
    """End a multipart upload: S3 keeps, and bills, its parts until somebody does.

    own_account: the account of the operator's own credentials with which S3 is called; "" while that is not known.
    is_shared: whether another object names the upload as well: it may be that object's, and is not ended.
    """

    upload: Upload
    own_account: str = ""
    is_shared: bool = False
    is_announced: bool = False
    operation: str = "AbortMultipartUpload"
    creates: bool = False

    @property
    def resource(self) -> Resource:
        """The upload."""
        return self.upload.resource


def fetches_of(spec: TrainingSpec, place: Place) -> tuple[Fetch, ...]:
    """The files that the spec's inputs are to be fetched from, in the order of the inputs' names.

    Raises:
        SpecError: there is no name for the object, or two inputs have the same.

    """
    fetches: dict[str, Fetch] = {}
    for channel in sorted(spec.inputs, key=lambda one: one.name):
        if channel.source is None:
            continue
        path = f"spec.inputs[{channel.name}].source"
        uri = _object_of(channel, channel.source, path)
        if uri in fetches:
            raise SpecError(path, f"would be put at {uri}, as {fetches[uri].path} would: give each its own s3Uri")
        source = channel.source
        fetches[uri] = Fetch(
            place=place, s3_uri=uri, url=source.url, sha256=source.sha256, kms_key_id=source.kms_key_id, path=path
        )
    return tuple(fetches.values())


def shown(url: str) -> str:
    """A URL without what may be a secret: its query, and a user's name and password."""
    scheme, _, rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}//{host.rpartition('@')[2]}{slash}{path}"


def _object_of(channel: Input, source: Source, path: str) -> str:
    """Under a prefix the file keeps its name, as in SageMaker's notebooks; a manifest is the object itself."""
    uri = channel.s3_uri
    if channel.s3_data_type == "S3Prefix":
        name = unquote(shown(source.url).partition("//")[2].partition("/")[2].rpartition("/")[2])
        if not name.strip(".") or "/" in name or not name.isprintable():
            raise SpecError(f"{path}.url", "must end in a file name, which becomes the object's name in S3")
        uri = f"{uri.removesuffix('/')}/{name}"
    _, key = bucket_and_key(uri)
    if flaw := flaw_of_key(key):
        raise SpecError(f"spec.inputs[{channel.name}].s3Uri", flaw)
    if not key or key.endswith("/"):
        raise SpecError(path, f"{uri} names no object: a manifest's s3Uri is that of the manifest itself")
    if len(key.encode()) > KEY_LIMIT:
        raise SpecError(path, f"would be put under a key of more than {KEY_LIMIT} bytes, which S3 does not take")
    return uri
