"""How often AWS may be called to begin with, and at most, and which account a call counts for."""

from __future__ import annotations

from collections.abc import Mapping

from classifier_operator.api.ledger import Place

# What Service Quotas shows to users; AWS tells nothing of the others.
LISTS_A_SECOND = 2
FIRST_RATE = 10.0
# One that is throttled has changed nothing, and is sent again a moment later. A page of a List, which may show that a
# hundred jobs have ended, comes every half second, and each of them is described.
FIRST_RATE_OF_READS = 50.0
MOST_RATE = 200.0


def rates_for(shards: int, most: float = MOST_RATE) -> Mapping[str, tuple[float, float]]:
    """One shard's part of what AWS allows the account."""
    listing = LISTS_A_SECOND / shards
    begin = {"Describe": FIRST_RATE_OF_READS, "": FIRST_RATE}
    found = {sort: (min(first, most) / shards, most / shards) for sort, first in begin.items()}
    return {"List": (listing, listing), **found}


def account_of(place: Place) -> str:
    """The account that calls count for; "" is the operator's own."""
    return place.account or place.assume_role_arn
