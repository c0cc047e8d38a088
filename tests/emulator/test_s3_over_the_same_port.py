"""moto behind the emulator's own server: bodies, headers and paths arrive as they were sent."""

from __future__ import annotations

import io
from typing import Any

from boto3.s3.transfer import TransferConfig

from tests.emulator.builders import BUCKET


def test_object_with_an_awkward_key(s3: Any) -> None:
    key = "folder_a/größe 1+2%2F.bin"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"content", Metadata={"my_key": "1"})
    found = s3.get_object(Bucket=BUCKET, Key=key)
    assert (found["Body"].read(), found["Metadata"]) == (b"content", {"my_key": "1"})
    assert s3.list_objects_v2(Bucket=BUCKET)["Contents"][0]["Key"] == key


def test_head_tells_the_length(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"x" * 1234)
    assert s3.head_object(Bucket=BUCKET, Key="key")["ContentLength"] == 1234


def test_range(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"0123456789")
    assert s3.get_object(Bucket=BUCKET, Key="key", Range="bytes=2-4")["Body"].read() == b"234"


def test_multipart_upload(s3: Any) -> None:
    content = b"0123456789abcdef" * (12 * 65_536)
    config = TransferConfig(multipart_threshold=5 * 1024**2, multipart_chunksize=5 * 1024**2)
    s3.upload_fileobj(io.BytesIO(content), BUCKET, "large", Config=config)
    assert s3.get_object(Bucket=BUCKET, Key="large")["Body"].read() == content
