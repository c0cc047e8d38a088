"""How much of an object's past its status tells, and what is looked for at AWS where that may not be all.

A status may be lost: somebody wipes it, or a restore leaves it out. It may be older than what is at AWS: a store was
restored, or an old copy written back. Then the ledger lacks what the object owns, and AWS has to be asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from msgspec import Struct

from classifier_operator.api.kinds import Kind
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.sagemaker.views import View

_TYPES = {Kind.TRAINING: ResourceType.TRAINING_JOB, Kind.ENDPOINT: ResourceType.ENDPOINT}


class Past(Enum):
    """What the ledger of a status is worth.

    KNOWN: this process has seen all that was made for the object, or has looked for it.
    UNCERTAIN: an earlier process has written the status, and it looks whole; it may be older than what is at AWS.
    LOST: nothing tells what was made for the object.
    """

    KNOWN = "known"
    UNCERTAIN = "uncertain"
    LOST = "lost"


class Found(Struct, frozen=True, kw_only=True):
    """What bears an object's tags at AWS, oldest first, and what AWS says of it.

    described: whatever of it was described; of a configuration that serves, and its models, also where somebody else
    has made them.
    referred: configurations and models that an endpoint of somebody else serves: they stay for as long as it does.
    """

    resources: tuple[Resource, ...] = ()
    described: Mapping[Resource, View] = {}
    referred: tuple[Resource, ...] = ()

    def of(self, kind: ResourceType) -> list[Resource]:
        """The resources of a type."""
        return [one for one in self.resources if one.type is kind]


class SearchCall(Struct, frozen=True, kw_only=True):
    """Find at AWS what bears the object's tags.

    places: where to look.
    namespace, name, kind: the object's.
    since: nothing of the object's is older; None where that is not known.
    known: what the ledger names already, so nobody has to ask whose it is.
    endpoints: what an endpoint of the object may be called there.
    variants: names of variants that AWS may scale.
    is_lost: the status is lost, so all that it has to tell is looked for. Else what may be missing in its ledger.
    with_ended: jobs that have ended, too.
    """

    places: tuple[Place, ...]
    kind: Kind
    namespace: str
    name: str
    since: datetime | None = None
    known: frozenset[Resource] = frozenset()
    endpoints: tuple[Resource, ...] = ()
    variants: tuple[str, ...] = ()
    is_lost: bool = False
    with_ended: bool = False
    operation: str = "Search"
    is_announced: bool = False
    creates: bool = False

    @property
    def resource(self) -> Resource:
        """By which its refusals are waited out."""
        return Resource(self.places[0], _TYPES[self.kind], f"{self.namespace}/{self.name}")
