"""Where in S3 the channels of a data set go: looked at before any work is done, and written to after it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from classifier_operator.cli import clients
from classifier_operator.sagemaker.s3_address import bucket_and_key, flaw_of

_DENIED = ("AccessDenied", "403")
_PLAIN_YAML = re.compile(r"s3://[\w./+=-]+")


@dataclass(frozen=True)
class Destination:
    """A prefix in S3, and the KMS key to encrypt with; without one S3 does what the bucket says."""

    bucket: str
    prefix: str
    kms_key_id: str = ""
    region: str | None = None

    def uri(self, channel: str) -> str:
        """The folder of a channel."""
        return f"s3://{self.bucket}/{'/'.join(filter(None, (self.prefix, channel)))}"

    def check(self) -> None:
        """Begin an upload as it will be, and end it: credentials, region, bucket, policy and key all have a say.

        Nothing of it is left. Raises click.ClickException, in AWS's words.
        """
        s3 = self._client()
        with self._explained():
            about = {"Bucket": self.bucket, "Key": self._key("train", "train.rec")}
            made = s3.create_multipart_upload(**about, **self._encryption())
            s3.abort_multipart_upload(**about, UploadId=made["UploadId"])

    def put(self, channel: str, file: Path) -> None:
        """Upload the file of a channel."""
        from boto3.exceptions import Boto3Error

        s3 = self._client()
        bar = click.progressbar(
            length=file.stat().st_size, label=f"uploading {file.name} to {self.uri(channel)}", file=sys.stderr
        )
        try:
            with self._explained(), bar:
                key = self._key(channel, file.name)
                s3.upload_file(str(file), self.bucket, key, ExtraArgs=self._encryption(), Callback=bar.update)
        except Boto3Error as error:
            raise click.ClickException(f"AWS: {error}") from error

    def _key(self, channel: str, name: str) -> str:
        return "/".join(filter(None, (self.prefix, channel, name)))

    def _encryption(self) -> dict[str, str]:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_id} if self.kms_key_id else {}

    def _client(self) -> Any:
        return clients.client("s3", self.region)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from botocore.exceptions import ClientError

        with clients.explained():
            try:
                yield
            except ClientError as error:
                if error.response["Error"]["Code"] not in _DENIED or self.kms_key_id:
                    raise
                raise click.ClickException(
                    f"AWS: {error}. You need s3:PutObject there; if the bucket's policy demands SSE-KMS, name the key: "
                    "--kms-key-id"
                ) from error


def destination(uri: str, kms_key_id: str, region: str | None) -> Destination | None:
    """Read the options; None where nothing is to be uploaded. Raises click.BadParameter."""
    if not uri:
        if kms_key_id:
            raise click.UsageError("--kms-key-id is for an upload: give --upload, too")
        return None
    bucket, prefix = bucket_and_key(uri)
    if not uri.startswith("s3://") or not bucket:
        raise click.BadParameter(f"{uri} is not of the form s3://bucket/prefix", param_hint="--upload")
    if flaw := flaw_of(uri):
        raise click.BadParameter(f"{uri} {flaw}", param_hint="--upload")
    return Destination(bucket, prefix.strip("/"), kms_key_id, region)


def as_yaml(uri: str) -> str:
    """The address as a scalar of YAML, quoted if it has to be."""
    return uri if _PLAIN_YAML.fullmatch(uri) else json.dumps(uri)
