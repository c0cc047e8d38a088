"""Owns the AWS clients of commands: the user's own credentials and settings, and errors in AWS's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


def client(service: str, region: str | None) -> Any:
    """A client of a service. AWS_PROFILE, AWS_ENDPOINT_URL and the rest of boto3's environment apply."""
    import boto3
    from botocore.config import Config

    with explained():
        settings = Config(retries={"mode": "standard", "total_max_attempts": 4}, read_timeout=70)
        return boto3.Session(region_name=region).client(service, config=settings)


@contextmanager
def explained() -> Iterator[None]:
    """Refusals and failures of AWS in the body become a click.ClickException."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise click.ClickException(f"AWS: {error}") from error
