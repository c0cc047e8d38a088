"""One file on its way from a source to S3: a part at a time, in one buffer, from wherever it was interrupted.

A part is in S3 as a whole or not at all, so parts are what a transfer resumes at. Where the server can begin in the
middle, and no hash has to be computed over what came before, only the rest is read. Otherwise the source is read from
its beginning, and a part that S3 has already (its ETag is its MD5, unless KMS encrypts the bucket) is not sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from msgspec import Struct, structs

from classifier_operator.runtime.importing.netguard import NotAllowedError
from classifier_operator.runtime.importing.uploads import Part, Uploads
from classifier_operator.runtime.ports import BadSourceError, Source, Sources, SourceUnavailableError
from classifier_operator.training.fetches import Fetch
from classifier_operator.training.spec import Upload

T = TypeVar("T")

MEBIBYTE = 1024**2
# All parts that are in memory at a time; beside them there are the buffers of sockets, below 1 MiB for each transfer.
MEMORY = 48 * MEBIBYTE
SMALLEST_PART = 8 * MEBIBYTE
# S3's limit for a multipart upload.
MOST_PARTS = 10_000
READ_SIZE = 256 * 1024


class Limits(Struct, frozen=True):
    """How large files may be, and how large the parts are in which they are moved, in bytes."""

    most_bytes: int
    most_part: int
    least_part: int = SMALLEST_PART

    def part_size(self, size: int | None) -> int:
        """The size of a file's parts, all but the last: of one of unknown size, such that the largest would fit."""
        return max(self.least_part, -(-(size or self.most_bytes) // MOST_PARTS))


def limits_of(most_bytes: int, concurrency: int) -> Limits:
    """The limits, when so many files are fetched at a time.

    Raises:
        ValueError: the largest file would need parts that do not fit into the memory.

    """
    limits = Limits(most_bytes, MEMORY // concurrency)
    if limits.part_size(most_bytes) > limits.most_part:
        most = limits.most_part * MOST_PARTS
        raise ValueError(
            f"with {concurrency} files at a time, at most {most} bytes each fit into the operator's memory"
        )
    return limits


class Digest(Protocol):
    """A SHA-256 that is being computed."""

    def update(self, data: bytes, /) -> None: ...
    def copy(self) -> Digest: ...
    def hexdigest(self) -> str: ...


class Checkpoint:
    """Where a transfer goes on after a failure.

    hashed: bytes at the beginning of which `digest` is the SHA-256; only as long as the process lives.
    """

    def __init__(self, upload: Upload, parts: dict[int, Part]) -> None:
        self.upload = upload
        self.parts = parts
        self.hashed = 0
        self.digest: Digest = hashlib.sha256()

    @property
    def stored(self) -> int:
        """Bytes at the beginning that are in S3 as whole parts."""
        number = 1
        while (part := self.parts.get(number)) is not None and part.size == self.upload.part_size:
            number += 1
        return (number - 1) * self.upload.part_size

    def offset(self, *, hashes: bool) -> int:
        """From where on the source has to be read, at least its last byte."""
        if hashes:
            return self.hashed if self.hashed <= self.stored else 0
        is_all = self.stored == self.upload.size
        return self.stored - self.upload.part_size if is_all and self.stored else self.stored


class Watcher(Protocol):
    """Who is told how far a transfer is."""

    async def record(self, upload: Upload) -> None:
        """Return when the object's status tells of the upload."""
        ...

    def opened(self, size: int | None) -> None:
        """The source has answered."""
        ...

    def advanced(self, done: int) -> None:
        """So many bytes are in S3."""
        ...


class Transfer:
    """Brings one file to S3. `run` may be called again after it has failed."""

    def __init__(self, fetch: Fetch, sources: Sources, uploads: Uploads, limits: Limits, watcher: Watcher) -> None:
        self._fetch = fetch
        self._sources = sources
        self._uploads = uploads
        self._limits = limits
        self._watcher = watcher
        self._checkpoint: Checkpoint | None = None
        # Whether the source has begun at its beginning though it was asked for the rest.
        self._begins_anew = False

    async def run(
        self,
        recorded: Upload | None,
        active: Callable[[], set[str]],
        must_yield: Callable[[bool], bool] = lambda _: False,
    ) -> bool:
        """Fetch the file, or the rest of it; returns False when it has made room for others before the end.

        recorded: the upload that the status tells of. active: the ids of all uploads that are being filled.
        must_yield: asked after each part, with whether the transfer can go on from there.

        Raises:
            AwsRefusal: S3 did not do what was asked.
            NotAllowedError, BadSourceError, SourceUnavailableError: the source did not.

        """
        await self._take_up(recorded, active)
        source = await self._opened()
        try:
            self._check_size(source.size or 0)
            self._watcher.opened(source.size)
            checkpoint = await self._begun(source, recorded)
            return await self._copy(source, checkpoint, must_yield)
        finally:
            await source.close()

    async def _take_up(self, recorded: Upload | None, active: Callable[[], set[str]]) -> None:
        """Find out what there is of the upload."""
        if recorded is None:
            self._checkpoint = None
        elif not recorded.upload_id:
            self._checkpoint = None
            await self._uploads.abort_unnamed(recorded, active())
        else:
            await self._take_up_parts(recorded)

    async def _take_up_parts(self, recorded: Upload) -> None:
        at, parts = self._checkpoint, await self._uploads.parts(recorded)
        if parts is None:
            self._checkpoint = None
        elif at is not None and at.upload == recorded:
            at.parts = parts
        else:
            self._checkpoint = Checkpoint(recorded, parts)

    async def _opened(self) -> Source:
        """The source, in the middle if that is of use."""
        at, url = self._checkpoint, self._fetch.url
        offset = at.offset(hashes=bool(self._fetch.sha256)) if at is not None and at.upload.validator else 0
        if at is None or not offset:
            return await self._sources.open(url)
        source = await self._sources.open(url, offset=offset, validator=at.upload.validator)
        self._begins_anew = not source.offset
        if source.offset and (source.offset != offset or self._is_another(source, at.upload)):
            # A server that begins in the middle of another file than was asked for.
            await source.close()
            return await self._sources.open(url)
        return source

    def _is_another(self, source: Source, upload: Upload) -> bool:
        """Whether the upload is of no use for what the source has now."""
        fits = self._limits.least_part <= upload.part_size <= self._limits.most_part
        return not fits or (source.validator, source.size or 0) != (upload.validator, upload.size)

    async def _begun(self, source: Source, recorded: Upload | None) -> Checkpoint:
        """The upload to fill: the one that there is, or another one, which the status tells of twice."""
        at = self._checkpoint
        if at is not None and not self._is_another(source, at.upload):
            return at
        if at is not None:
            await self._uploads.abort(at.upload)
            self._checkpoint = None
        intent = self._fetch.intent
        if recorded != intent:
            await self._watcher.record(intent)
        upload = structs.replace(
            intent,
            upload_id=await uninterrupted(self._uploads.begin(self._fetch)),
            validator=source.validator,
            size=source.size or 0,
            part_size=self._limits.part_size(source.size),
        )
        await self._watcher.record(upload)
        self._checkpoint = Checkpoint(upload, {})
        return self._checkpoint

    async def _copy(self, source: Source, at: Checkpoint, must_yield: Callable[[bool], bool]) -> bool:
        """Read to the end, part by part, and then there is an object; or until others must come first."""
        size = at.upload.part_size
        done = source.offset
        digest: Digest = at.digest.copy() if done else hashlib.sha256()
        number = done // size
        buffer = bytearray(size)
        self._watcher.advanced(max(done, at.stored))
        while True:
            length, md5 = await self._fill(source, buffer, digest)
            done += length
            self._check_size(done)
            if length:
                number += 1
                del buffer[length:]
                await self._put(at, number, buffer, md5)
                self._watcher.advanced(max(done, at.stored))
            if length < size:
                break
            if done != source.size:
                at.hashed, at.digest = done, digest.copy()
                if must_yield(bool(at.upload.validator) and not self._begins_anew):
                    return False
        self._check_end(source, done, digest)
        parts = {one: at.parts[one] for one in range(1, number + 1)}
        await uninterrupted(self._uploads.complete(at.upload, parts))
        return True

    async def _fill(self, source: Source, buffer: bytearray, digest: Digest) -> tuple[int, bytes]:
        """Read one part; its length and its MD5."""
        md5 = hashlib.md5(usedforsecurity=False)
        length = 0
        while length < len(buffer):
            data = await source.read(min(READ_SIZE, len(buffer) - length))
            if not data:
                break
            buffer[length : length + len(data)] = data
            length += len(data)
            md5.update(data)
            if self._fetch.sha256:
                digest.update(data)
        return length, md5.digest()

    async def _put(self, at: Checkpoint, number: int, body: bytearray, md5: bytes) -> None:
        there = at.parts.get(number)
        if there is None or (there.etag, there.size) != (md5.hex(), len(body)):
            at.parts[number] = await uninterrupted(self._uploads.put(at.upload, number, body, md5))

    def _check_size(self, size: int) -> None:
        if size > self._limits.most_bytes:
            raise NotAllowedError(
                f"the file has {size} bytes or more; the operator's option --import-max-bytes allows "
                f"{self._limits.most_bytes}"
            )

    def _check_end(self, source: Source, done: int, digest: Digest) -> None:
        if not done:
            raise BadSourceError("the file is empty")
        if source.size is not None and done != source.size:
            raise SourceUnavailableError(f"the source ended after {done} of {source.size} bytes")
        wanted = self._fetch.sha256
        if wanted and digest.hexdigest() != wanted:
            raise BadSourceError(f"the file's SHA-256 is {digest.hexdigest()}, expected {wanted}")


async def uninterrupted(call: Awaitable[T]) -> T:
    """Wait for a call of AWS to the end, even when the transfer is to end: its thread cannot be stopped.

    A part that arrived after its upload was aborted would be kept, and billed, with nobody to know of it.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
