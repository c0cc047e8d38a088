"""Addresses in S3, taken apart in one way by everything that looks at one: what is checked is what is asked for."""

from __future__ import annotations


def bucket_and_key(s3_uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` address; an access point's ARN stands for a bucket and has a slash of its own."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    if bucket.startswith("arn:"):
        name, _, key = key.partition("/")
        bucket = f"{bucket}/{name}"
    return bucket, key
