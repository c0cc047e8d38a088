"""What a region is called: it becomes a part of host names, so it is a plain word wherever it comes from."""

from __future__ import annotations

import re

# As the CRDs have it: us-east-1, us-gov-west-1, eusc-de-east-1.
REGION = r"[a-z]{2,8}(-[a-z]{1,16}){1,3}-[0-9]{1,2}"
LENGTH = 32
_REGION = re.compile(REGION)


def is_region(text: str) -> bool:
    """Whether it has the shape of a region's name; whether there is such a region, AWS knows."""
    return len(text) <= LENGTH and _REGION.fullmatch(text) is not None
