"""Which AWS resources exist, or may exist, for an object: written into its status before they are made.

The ledger is what makes a crash harmless: whatever was asked of AWS is named in the object first, so an edit or a
deletion that happens while the operator is away still finds every job, model, configuration and endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class ResourceType(StrEnum):
    """What the operator makes at AWS: SageMaker's resources, scalable targets, and objects of S3.

    The objects are those that inputs are fetched into; `status.import` records them.
    """

    TRAINING_JOB = "TrainingJob"
    MODEL = "Model"
    ENDPOINT_CONFIG = "EndpointConfig"
    ENDPOINT = "Endpoint"
    SCALABLE_TARGET = "ScalableTarget"
    OBJECT = "Object"


class Place(NamedTuple):
    """Where calls go: a region, by the operator's own identity or by a role that it takes on.

    namespace: on whose behalf a role is assumed; its session is that namespace's alone. Never read from a status.
    own_account: the account in which the operator's own identity has made what is there: what is asked there is asked
        by credentials of that account, or not at all. "" asks whichever account the credentials are of.
    """

    region: str
    assume_role_arn: str = ""
    namespace: str = ""
    own_account: str = ""

    def acting_for(self, namespace: str, own_account: str = "") -> Place:
        """Return the place as that namespace reaches it; as the operator itself, all reach it alike in that account."""
        if self.assume_role_arn:
            return self._replace(namespace=namespace)
        return self if self.own_account == own_account else self._replace(own_account=own_account)

    @property
    def account(self) -> str:
        """The account, where the role that is taken on tells it, or it is on record; "" where nobody has said."""
        parts = self.assume_role_arn.split(":")
        return parts[4] if len(parts) > 4 else self.own_account


class Resource(NamedTuple):
    """One resource at AWS: names are unique by type, account and region."""

    place: Place
    type: ResourceType
    name: str

    def acting_for(self, namespace: str, own_account: str = "") -> Resource:
        """Return the resource as that namespace reaches it; the operator's own identity in that account."""
        place = self.place.acting_for(namespace, own_account)
        return self if place is self.place else self._replace(place=place)


class Entry(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A resource as the status records it."""

    type: ResourceType
    name: str
    region: str
    assume_role_arn: str = ""

    @property
    def resource(self) -> Resource:
        """The same as a key."""
        return Resource(Place(self.region, self.assume_role_arn), self.type, self.name)


def entry_of(resource: Resource) -> Entry:
    """A resource as an entry of the ledger."""
    return Entry(resource.type, resource.name, resource.place.region, resource.place.assume_role_arn)


def resources_in(ledger: Iterable[Entry]) -> list[Resource]:
    """The resources that the ledger names, oldest first."""
    return [entry.resource for entry in ledger]


def with_resources(ledger: Iterable[Entry], added: Iterable[Resource]) -> tuple[Entry, ...]:
    """The ledger with these added, oldest first, none twice."""
    return tuple(dict.fromkeys([*ledger, *map(entry_of, added)]))


def without(ledger: Iterable[Entry], gone: Iterable[Resource]) -> tuple[Entry, ...]:
    """The ledger without what is known to be gone."""
    dropped = set(gone)
    return tuple(entry for entry in ledger if entry.resource not in dropped)
