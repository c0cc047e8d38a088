"""The container image of the built-in algorithm, by region.

Each region has a registry account of its own; the table is `image_accounts.json`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from classifier_operator.sagemaker.regions import doubt_about

ALGORITHM = "image-classification"


class UnknownImageError(LookupError):
    """There is no known image for that algorithm, version and region; the message says what to set instead."""


class UnknownRegionError(UnknownImageError):
    """There is none because the region is probably misspelt."""


def image_uri(region: str, *, name: str = ALGORITHM, version: str = "1") -> str:
    """The image's URI, e.g. `811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1`."""
    table = _table()
    if name != table["repository"]:
        raise UnknownImageError(f"no image is known for the algorithm {name!r}: set an image explicitly")
    accounts = table["versions"].get(version)
    if accounts is None:
        known = ", ".join(sorted(table["versions"]))
        raise UnknownImageError(f"no version {version!r} of {name} is known (known: {known}): set an image")
    account = accounts.get(region)
    if account is None and (doubt := doubt_about(region)):
        raise UnknownRegionError(f"{doubt} (if the region is new, set an image of it explicitly)")
    if account is None:
        raise UnknownImageError(f"AWS publishes no known {name} image in {region}: set an image explicitly")
    domain = table["domains"].get(region, table["domains"]["default"])
    return f"{account}.dkr.ecr.{region}.{domain}/{name}:{version}"


@cache
def _table() -> dict[str, Any]:
    text = files("classifier_operator.sagemaker").joinpath("image_accounts.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
