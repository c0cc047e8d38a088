"""Addresses in S3, taken apart in one way by everything that looks at one: what is checked is what is asked for."""

from __future__ import annotations

import re

# Between slashes, also where the key begins or ends.
_DOTS = re.compile(r"(^|/)\.\.?(/|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def bucket_and_key(s3_uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` address; an access point's ARN stands for a bucket and has a slash of its own."""
    bucket, _, key = s3_uri.removeprefix("s3://").partition("/")
    if bucket.startswith("arn:"):
        name, _, key = key.partition("/")
        bucket = f"{bucket}/{name}"
    return bucket, key


def flaw_of(s3_uri: str) -> str:
    """Why no object is asked for by this address; "" where nothing is wrong with it."""
    return flaw_of_key(bucket_and_key(s3_uri)[1])


def flaw_of_key(key: str) -> str:
    """Why no object is asked for by this key; "" where nothing is wrong with it.

    S3 takes every key as it is. HTTP clients, proxies and servers that stand for S3 resolve dots between slashes, so
    that another object is asked for than the one that was named, and checked.
    """
    if _DOTS.search(key):
        return "must have no . or .. between slashes"
    return "must have no control characters" if _CONTROL.search(key) else ""
