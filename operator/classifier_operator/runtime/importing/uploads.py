"""S3's multipart uploads, and what is in S3 already: the calls that a transfer makes, in its own words.

What the operator puts there carries the hash of its source as metadata, so it is known again by a HeadObject alone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.ports import ObjectStore
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.s3_address import bucket_and_key
from classifier_operator.training.fetches import Fetch
from classifier_operator.training.spec import Upload

METADATA = "classifiers-source"
# An answer to a HeadObject has no body, and so tells nothing but "Forbidden", and that also of what does not exist.
_FORBIDDEN = "Forbidden: needs s3:GetObject, and s3:ListBucket to learn that an object does not exist"


class Part(Struct, frozen=True):
    """A part that is in S3."""

    etag: str
    size: int


class Uploads:
    """Multipart uploads.

    namespace: on whose behalf S3 is called.
    own_account: returns the account that the operator's own credentials have to be of; "" while that is not known.
    sent: called with the size of each part that S3 has taken.
    """

    def __init__(
        self,
        store: ObjectStore,
        namespace: str,
        sent: Callable[[int], None] = lambda _: None,
        own_account: Callable[[], str] = lambda: "",
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._sent = sent
        self._own_account = own_account

    async def size_in_place(self, fetch: Fetch) -> int | None:
        """The object's size, if it is there and is that of the source."""
        try:
            found = await self._call(fetch.place, "HeadObject", fetch.s3_uri)
        except AwsRefusal as refusal:
            if refusal.kind is RefusalKind.NOT_FOUND:
                return None
            raise
        is_ours = found.get("Metadata", {}).get(METADATA) == fetch.source
        return int(found["ContentLength"]) if is_ours else None

    async def begin(self, fetch: Fetch) -> str:
        """Begin an upload; its id."""
        about: dict[str, Any] = {"Metadata": {METADATA: fetch.source}}
        if fetch.kms_key_id:
            about |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": fetch.kms_key_id}
        try:
            made = await self._call(fetch.place, "CreateMultipartUpload", fetch.s3_uri, **about)
        except AwsRefusal as refusal:
            if refusal.kind is not RefusalKind.ACCESS_DENIED or fetch.kms_key_id:
                raise
            raise _explained(refusal, f"{fetch.path}.kmsKeyId") from refusal
        upload_id: str = made["UploadId"]
        return upload_id

    async def parts(self, upload: Upload) -> dict[int, Part] | None:
        """The parts that are there, by their numbers; None when the upload is no more."""
        parts: dict[int, Part] = {}
        marker = 0
        while True:
            try:
                page = await self._call(_place(upload), "ListParts", **_of(upload), PartNumberMarker=marker)
            except AwsRefusal as refusal:
                if refusal.kind is RefusalKind.NOT_FOUND:
                    return None
                raise
            found = {int(part["PartNumber"]): Part(part["ETag"].strip('"'), part["Size"]) for part in _in(page)}
            parts |= found
            if not page.get("IsTruncated") or not found:
                return parts
            marker = max(found)

    async def put(self, upload: Upload, number: int, body: bytearray, md5: bytes) -> Part:
        """Upload one part; S3 compares it with its MD5."""
        digest = base64.b64encode(md5).decode()
        answer = await self._call(
            _place(upload), "UploadPart", **_of(upload), PartNumber=number, Body=body, ContentMD5=digest
        )
        self._sent(len(body))
        return Part(answer["ETag"].strip('"'), len(body))

    async def complete(self, upload: Upload, parts: Mapping[int, Part]) -> None:
        """Make the parts into the object."""
        listed = [{"PartNumber": number, "ETag": f'"{part.etag}"'} for number, part in sorted(parts.items())]
        await self._call(_place(upload), "CompleteMultipartUpload", **_of(upload), MultipartUpload={"Parts": listed})

    async def abort(self, upload: Upload) -> None:
        """End the upload, and see to it that it is no more: a part that arrives late would bring it back."""
        try:
            await self._call(_place(upload), "AbortMultipartUpload", **_of(upload))
        except AwsRefusal as refusal:
            if refusal.kind is not RefusalKind.NOT_FOUND:
                raise
        if await self.parts(upload) is not None:
            message = f"the upload to {upload.s3_uri} is still there"
            raise AwsRefusal("AbortMultipartUpload", RefusalKind.UNAVAILABLE, "UploadInProgress", message)

    async def abort_unnamed(self, intent: Upload, keep: Iterable[str]) -> None:
        """End the uploads to that very key that were begun and never filled, but those with these ids.

        The id of one that was begun when the operator died is known to nobody. It has no parts, because it gets none
        before its id is written down; others' uploads to the same key, which the spec says is ours, have some.
        """
        bucket, key = bucket_and_key(intent.s3_uri)
        params = {"Bucket": bucket, "Prefix": key}
        try:
            place = _place(intent).acting_for(self._namespace, self._own_account())
            listed = await self._store.call_s3(place, "ListMultipartUploads", params)
        except AwsRefusal as refusal:
            if refusal.kind is RefusalKind.NOT_FOUND:
                return
            raise
        for one in listed.get("Uploads", ()):
            found = Upload(
                s3_uri=intent.s3_uri,
                source=intent.source,
                region=intent.region,
                assume_role_arn=intent.assume_role_arn,
                upload_id=one["UploadId"],
            )
            if one["Key"] == key and found.upload_id not in keep and await self.parts(found) == {}:
                await self.abort(found)

    async def _call(self, place: Place, operation: str, s3_uri: str, **params: Any) -> dict[str, Any]:
        bucket, key = bucket_and_key(s3_uri)
        try:
            place = place.acting_for(self._namespace, self._own_account())
            return await self._store.call_s3(place, operation, {"Bucket": bucket, "Key": key, **params})
        except AwsRefusal as refusal:
            words = _FORBIDDEN if refusal.code == "403" else refusal.message
            message = f"{words} ({s3_uri})" if words else s3_uri
            raise AwsRefusal(
                refusal.operation, refusal.kind, refusal.code, message, request_id=refusal.request_id
            ) from refusal


def _explained(refusal: AwsRefusal, field: str) -> AwsRefusal:
    """Name the field that a bucket policy may want: AWS says only that something denies it."""
    message = f"{refusal.message}; if the bucket's policy demands SSE-KMS, name the key in {field}"
    return AwsRefusal(refusal.operation, refusal.kind, refusal.code, message, request_id=refusal.request_id)


def _place(upload: Upload) -> Place:
    return Place(upload.region, upload.assume_role_arn)


def _of(upload: Upload) -> dict[str, Any]:
    return {"s3_uri": upload.s3_uri, "UploadId": upload.upload_id}


def _in(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(page.get("Parts", ()))
