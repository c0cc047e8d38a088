"""The objects that a training job's channels name in S3, as the algorithm gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sagemaker_emulator import augmented_manifests
from sagemaker_emulator.aws import ClientError, split_s3_uri
from sagemaker_emulator.context import Params

Objects = list[tuple[str, bytes]]


class DataError(Exception):
    """A channel cannot be read; the text is the job's FailureReason."""


def read(s3: Any, channel: Params) -> Objects:
    """Key and content of each object of one channel, in key order.

    Raises:
        DataError: the bucket, an object or the manifest is not there or not readable.

    """
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise DataError("ClientError: Only S3DataSource channels are supported by the emulator.")
    bucket, key = split_s3_uri(source["S3Uri"])
    try:
        if source["S3DataType"] == "AugmentedManifestFile":
            return [(f"{key}.rec", _augmented(s3, source, bucket, key))]
        keys = _keys(s3, source, bucket, key)
        _refuse_empty_folders(keys)
        return [(name, s3.get_object(Bucket=bucket, Key=name)["Body"].read()) for bucket, name in keys]
    except ClientError as error:
        code, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise DataError(f"ClientError: Data download failed:{code} ({source['S3Uri']}): {text}") from error


def _augmented(s3: Any, source: Params, bucket: str, key: str) -> bytes:
    def fetch(uri: str) -> bytes:
        where, name = split_s3_uri(uri)
        return bytes(s3.get_object(Bucket=where, Key=name)["Body"].read())

    manifest = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return augmented_manifests.as_recordio(manifest, source.get("AttributeNames", []), fetch)
    except augmented_manifests.ManifestError as error:
        raise DataError(f"ClientError: Unable to read the augmented manifest {source['S3Uri']}: {error}") from error


def _keys(s3: Any, source: Params, bucket: str, key: str) -> list[tuple[str, str]]:
    if source["S3DataType"] == "ManifestFile":
        return list(_manifest_keys(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), source["S3Uri"]))
    return [(bucket, name) for name in _prefixed(s3, bucket, key)]


def _refuse_empty_folders(keys: list[tuple[str, str]]) -> None:
    """S3 takes keys with `//`, which a download to files does not; the text is recorded."""
    for bucket, key in keys:
        if "//" in key:
            raise DataError(
                f"ClientError: Data download failed:Failed to download data. S3 key: s3://{bucket}/{key} has an "
                "illegal char sub-sequence '//' in it"
            )


def _prefixed(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    """Keys that begin with the prefix, as S3Prefix means it; empty folder markers are no data."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if not (item["Key"].endswith("/") and not item["Size"]):
                yield item["Key"]


def _manifest_keys(manifest: bytes, uri: str) -> Iterator[tuple[str, str]]:
    """A manifest is a list: first {"prefix": "s3://..."}, then what follows the prefix, object by object."""
    try:
        first, *names = json.loads(manifest)
        prefix = first["prefix"]
    except (ValueError, TypeError, KeyError):
        raise DataError(f"ClientError: The manifest {uri} is not a JSON list that begins with a prefix.") from None
    for name in names:
        yield split_s3_uri(f"{prefix}{name}")
