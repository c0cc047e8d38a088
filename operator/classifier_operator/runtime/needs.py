"""Which configurations and models a call refers to, and which configuration an adopted endpoint came with."""

from __future__ import annotations

import re

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.reconcile.calls import Call, takes_over
from classifier_operator.reconcile.decision import Meta
from classifier_operator.runtime.inventory import Fact
from classifier_operator.sagemaker.views import EndpointView


class CameWith:
    """The configurations that endpoints served when this process took them over, as AWS has said.

    An endpoint that another object has let go of serves a configuration of that object, and goes back to it where its
    new owner's fails. A status proves nothing of the kind, for a hand may have written it.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[ObjectKey, Resource], tuple[str, str]] = {}

    def note(self, meta: Meta, call: Call, seen: Fact) -> None:
        """The call has put the object's tags on what was seen so, or has taken them off."""
        self.forget(meta.key, call.resource)
        if takes_over(call) and isinstance(seen, EndpointView) and seen.config_name:
            self._names[meta.key, call.resource] = meta.uid, seen.config_name

    def has(self, meta: Meta, call: Call, needed: Resource) -> bool:
        """Return whether the call moves an endpoint back to the configuration that it came with."""
        is_move = call.operation == "UpdateEndpoint" and needed.type is ResourceType.ENDPOINT_CONFIG
        return is_move and self._names.get((meta.key, call.resource)) == (meta.uid, needed.name)

    def forget(self, key: ObjectKey, endpoint: Resource) -> None:
        """The object has it no more."""
        self._names.pop((key, endpoint), None)


def needed_by(call: Call) -> list[Resource]:
    """The configurations or models that the call refers to."""
    place, params = call.resource.place, call.params
    if call.operation == "CreateEndpointConfig":
        names = dict.fromkeys(one["ModelName"] for one in params["ProductionVariants"])
        return [Resource(place, ResourceType.MODEL, name) for name in names]
    if call.operation in ("CreateEndpoint", "UpdateEndpoint"):
        return [Resource(place, ResourceType.ENDPOINT_CONFIG, params["EndpointConfigName"])]
    return []


def missed_by(call: Call, words: str) -> set[Resource]:
    """The configurations or models that AWS cannot find.

    An update needs the configuration that it leaves as well; only AWS's words tell which of the two is missed.
    """
    place, needed = call.resource.place, set(needed_by(call))
    if call.operation in ("CreateEndpoint", "UpdateEndpoint"):
        named = _CONFIG_IN_WORDS.findall(words)
        needed |= {Resource(place, ResourceType.ENDPOINT_CONFIG, name) for name in named}
    return needed


_CONFIG_IN_WORDS = re.compile(r"endpoint-config/([a-zA-Z0-9-]+)")
