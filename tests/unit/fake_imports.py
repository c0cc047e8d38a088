"""S3's objects and multipart uploads in memory, and a web of files to fetch."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from botocore import xform_name

from classifier_operator.runtime.ports import Source, SourceUnavailableError
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal


class Reached(Protocol):
    """Points, of `fakes`: at each one the operator may be killed."""

    def reach(self) -> None: ...


class FakeS3:
    """One S3.

    buckets: those that exist; None: all of them. salt: KMS encrypts, so that an ETag is no MD5.
    """

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, Mapping[str, str]]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, int]] = []
        self.buckets: set[str] | None = None
        self.salt = b""
        self._ids = itertools.count(1)

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if self.buckets is not None and params["Bucket"] not in self.buckets:
            raise _missing(operation, "NoSuchBucket" if operation != "HeadObject" else "404")
        answer: dict[str, Any] = getattr(self, f"_{xform_name(operation)}")(params)
        return answer

    def _head_object(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if _uri(params) not in self.objects:
            raise _missing("HeadObject", "404")
        body, metadata = self.objects[_uri(params)]
        return {"ContentLength": len(body), "Metadata": dict(metadata)}

    def _create_multipart_upload(self, params: Mapping[str, Any]) -> dict[str, Any]:
        upload_id = f"upload-{next(self._ids)}"
        self.uploads[upload_id] = {**params, "uri": _uri(params), "parts": {}}
        return {"UploadId": upload_id}

    def _list_multipart_uploads(self, params: Mapping[str, Any]) -> dict[str, Any]:
        start = f"s3://{params['Bucket']}/{params['Prefix']}"
        found = [(id_, one) for id_, one in self.uploads.items() if one["uri"].startswith(start)]
        return {"Uploads": [{"UploadId": id_, "Key": one["Key"]} for id_, one in found]}

    def _list_parts(self, params: Mapping[str, Any]) -> dict[str, Any]:
        parts = sorted(self._upload("ListParts", params)["parts"].items())
        page = [(number, body) for number, body in parts if number > params["PartNumberMarker"]][:2]
        listed = [{"PartNumber": number, "ETag": self._etag(body), "Size": len(body)} for number, body in page]
        return {"Parts": listed, "IsTruncated": bool(page) and page[-1] != parts[-1]}

    def _upload_part(self, params: Mapping[str, Any]) -> dict[str, Any]:
        upload = self._upload("UploadPart", params)
        body = bytes(params["Body"])
        assert base64.b64decode(params["ContentMD5"]) == _md5(body).digest()
        upload["parts"][params["PartNumber"]] = body
        self.sent.append((upload["uri"], params["PartNumber"]))
        return {"ETag": self._etag(body)}

    def _complete_multipart_upload(self, params: Mapping[str, Any]) -> dict[str, Any]:
        upload = self._upload("CompleteMultipartUpload", params)
        body = b""
        for part in params["MultipartUpload"]["Parts"]:
            content = upload["parts"][part["PartNumber"]]
            assert part["ETag"] == self._etag(content)
            body += content
        self.objects[upload["uri"]] = body, upload["Metadata"]
        del self.uploads[params["UploadId"]]
        return {}

    def _abort_multipart_upload(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self._upload("AbortMultipartUpload", params)
        del self.uploads[params["UploadId"]]
        return {}

    def _etag(self, body: bytes) -> str:
        return f'"{_md5(self.salt + body).hexdigest()}"'

    def _upload(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if params["UploadId"] not in self.uploads:
            raise _missing(operation, "NoSuchUpload")
        return self.uploads[params["UploadId"]]


class FakeFile:
    """A file of the web: what a server says of it, and how it serves it.

    breaks_after: the connection breaks after so many bytes, once for each entry.
    """

    def __init__(
        self,
        content: bytes,
        *,
        validator: str = '"1"',
        ranges: bool = True,
        tells_size: bool = True,
        minds_validator: bool = True,
    ) -> None:
        self.content = content
        self.validator = validator
        self.ranges = ranges
        self.tells_size = tells_size
        self.minds_validator = minds_validator
        self.refuses: deque[Exception] = deque()
        self.breaks_after: deque[int] = deque()


class FakeSources:
    """The web. `opened` has each URL with the offset at which its file was begun; `read` counts the bytes."""

    def __init__(self, points: Reached) -> None:
        self.files: dict[str, FakeFile] = {}
        self.opened: list[tuple[str, int]] = []
        self.read = 0
        self.are_open = 0
        self._points = points

    async def open(self, url: str, *, offset: int = 0, validator: str = "") -> Source:
        self._points.reach()
        file = self.files[url]
        if file.refuses:
            raise file.refuses.popleft()
        is_same = validator == file.validator or not file.minds_validator
        begins = offset if file.ranges and is_same else 0
        self.opened.append((url, begins))
        self.are_open += 1
        return FakeSource(self, file, begins, self._points)


class FakeSource:
    """A file that is being read, three bytes at a time at most."""

    def __init__(self, sources: FakeSources, file: FakeFile, offset: int, points: Reached) -> None:
        self.offset = offset
        self.size = len(file.content) if file.tells_size else None
        self.validator = file.validator
        self._sources = sources
        self._content = file.content
        self._at = offset
        self._end = offset + file.breaks_after.popleft() if file.breaks_after else None
        self._points = points

    async def read(self, limit: int) -> bytes:
        if self._end is not None and self._at >= self._end:
            raise SourceUnavailableError("the connection broke")
        data = self._content[self._at : self._at + min(limit, 3)]
        self._at += len(data)
        self._sources.read += len(data)
        return data

    async def close(self) -> None:
        self._sources.are_open -= 1


def _uri(params: Mapping[str, Any]) -> str:
    return f"s3://{params['Bucket']}/{params['Key']}"


def _md5(body: bytes) -> Any:
    return hashlib.md5(body, usedforsecurity=False)


def _missing(operation: str, code: str) -> AwsRefusal:
    return classify(operation, code, "It does not exist.", 404)
