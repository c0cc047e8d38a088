"""What a region is called, and in which domains its services are.

It becomes a part of host names, so it is a plain word wherever it comes from.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple

# As the CRDs have it: us-east-1, us-gov-west-1, eusc-de-east-1.
REGION = r"[a-z]{2,8}(-[a-z]{1,16}){1,3}-[0-9]{1,2}"
LENGTH = 32
_REGION = re.compile(REGION)
# The regions of all partitions as botocore 1.44 has them. AWS opens others: a name that is not here is no error, but
# probably a typing error.
KNOWN = frozenset(
    {
        "af-south-1",
        *("ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7"),
        *("ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1"),
        *("eu-central-1", "eu-central-2", "eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2"),
        *("eu-west-1", "eu-west-2", "eu-west-3", "eusc-de-east-1"),
        *("il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1"),
        *("us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2"),
        *("us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1"),
        *("us-isof-east-1", "us-isof-south-1"),
    }
)
# So many are offered for one that is misspelt.
_OFFERED = 2
_SHOWN = 64


class _Partition(NamedTuple):
    """A partition of AWS: how its regions begin, its services' domain, and its console, "" where none is public."""

    prefix: str
    domain: str
    console: str


# botocore's partitions.json, which a test holds beside these; consoles as AWS's guides to the partitions have them.
_PARTITIONS = (
    _Partition("cn-", "amazonaws.com.cn", "console.amazonaws.cn"),
    _Partition("us-gov-", "amazonaws.com", "console.amazonaws-us-gov.com"),
    _Partition("eusc-", "amazonaws.eu", "console.amazonaws-eusc.eu"),
    _Partition("us-iso-", "c2s.ic.gov", ""),
    _Partition("us-isob-", "sc2s.sgov.gov", ""),
    _Partition("eu-isoe-", "cloud.adc-e.uk", ""),
    _Partition("us-isof-", "csp.hci.ic.gov", ""),
)
_COMMERCIAL = _Partition("", "amazonaws.com", "console.aws.amazon.com")


def domain_of(region: str) -> str:
    """Return the domain of the services in a region, such as `amazonaws.com`."""
    return _partition_of(region).domain


def console_of(region: str) -> str:
    """Return the console's host, without the region before it; "" where it has no public address."""
    return _partition_of(region).console


def _partition_of(region: str) -> _Partition:
    return next((one for one in _PARTITIONS if region.startswith(one.prefix)), _COMMERCIAL)


def is_region(text: str) -> bool:
    """Whether it has the shape of a region's name; whether there is such a region, AWS knows."""
    return len(text) <= LENGTH and _REGION.fullmatch(text) is not None


def problem_of(text: str) -> str:
    """Return what is wrong with the shape of a region's name, and what to write; "" where nothing is."""
    if is_region(text):
        return ""
    example = next(iter(_like(text)), "us-east-1")
    return f"{text[:_SHOWN]!r} is no name of a region, such as {example}"


def doubt_about(region: str) -> str:
    """Return why a region is probably a typing error, and what may be meant; "" for one that is known."""
    if region in KNOWN:
        return ""
    meant = " or ".join(_like(region))
    return f"{region[:_SHOWN]} is no region that this operator knows{f': is {meant} meant?' if meant else ''}"


def region_in(host_or_url: str) -> str:
    """Return the region in the name of one of AWS's hosts; "" where there is none."""
    found = re.search(rf"[./]({REGION})\.", host_or_url)
    return found[1] if found else ""


def _like(text: str) -> list[str]:
    """Return the known regions that are written the most like it."""
    written = text[:_SHOWN].strip().lower().replace("_", "-")
    return get_close_matches(written, sorted(KNOWN), n=_OFFERED, cutoff=0.7)
