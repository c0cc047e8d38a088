"""On whose behalf AWS is called: where a role is assumed, its session and what it has shown belong to one namespace.

Decisions are about one object and know no namespace; what they ask for gets the object's own here. A status that
somebody has written can therefore name a role, but never another namespace to assume it for. What is beyond the
namespace's wall is neither shown to decisions nor called for them, whatever rule asks for it.

The operator's own identity has no session for each; its calls get the account in which the object's resources are, so
that nothing is asked, and nothing believed, of another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from msgspec import structs

from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.endpoint.smoke_test import InputsCall, SmokeTestCall
from classifier_operator.reconcile.calls import Call
from classifier_operator.reconcile.decision import Decision, Defaults, Meta, Seen, Subject
from classifier_operator.reconcile.past import SearchCall
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.reconcile.walls import is_beyond, within
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.sagemaker.views import EndpointView
from classifier_operator.training.fetches import AbortCall, ImportCall

T = TypeVar("T")


class Behalf(NamedTuple):
    """On whose behalf an object's calls are made.

    namespace: the object's.
    own_account: the account in which the operator's own identity acts for it; "" while that is not known.
    """

    namespace: str
    own_account: str = ""


def resources_for(behalf: Behalf, resources: Iterable[Resource]) -> frozenset[Resource]:
    """Return the resources as they are reached on that behalf."""
    return frozenset(one.acting_for(*behalf) for one in resources)


def subject_for(behalf: Behalf, subject: Subject, inventory: Inventory) -> Subject:
    """Return the subject with its resources as they are reached on that behalf, and the configurations that serve."""
    resources = resources_for(behalf, subject.resources)
    return structs.replace(subject, resources=resources | frozenset(_configurations(inventory, resources)))


def _configurations(inventory: Inventory, resources: Iterable[Resource]) -> Iterator[Resource]:
    """Yield those that endpoints were seen to serve: a status may not know of them."""
    for one in resources:
        view = inventory.get(one)
        if isinstance(view, EndpointView) and view.config_name:
            yield Resource(one.place, ResourceType.ENDPOINT_CONFIG, view.config_name)


def decision_for(behalf: Behalf, decision: Decision[T], defaults: Defaults) -> Decision[T]:
    """Return the decision with what it may call and watch, as it is reached on that behalf."""
    return structs.replace(
        decision,
        calls=tuple(_call_for(behalf, call) for call in decision.calls if not _leads_beyond(call, defaults)),
        follow=resources_for(behalf, within(decision.follow, defaults)),
        guard=resources_for(behalf, within(decision.guard, defaults)),
    )


def seen_of(
    inventory: Inventory, meta: Meta, subject: Subject, troubles: Mapping[Resource, Trouble], defaults: Defaults
) -> Seen:
    """Return what the object knows of those resources that it may look at, by the keys that decisions have for them."""
    resources = within(subject.resources, defaults)
    sightings = inventory.of(meta, resources)
    return Seen(
        sightings=_as_decided(sightings),
        troubles=_as_decided({one: it for one, it in troubles.items() if not is_beyond(one.place, defaults)}),
        unproven=frozenset(one.acting_for("") for one in sightings if not inventory.is_owned(one, meta)),
        unconfirmed={
            one.acting_for(""): seconds for one in resources if (seconds := inventory.unconfirmed(one)) is not None
        },
    )


def _leads_beyond(call: Any, defaults: Defaults) -> bool:
    places = call.places if isinstance(call, SearchCall) else (call.resource.place,)
    return any(is_beyond(place, defaults) for place in places)


def _as_decided(found: Mapping[Resource, T]) -> dict[Resource, T]:
    return {one.acting_for(""): value for one, value in found.items()}


def _call_for(behalf: Behalf, call: Any) -> Any:
    if isinstance(call, ImportCall | AbortCall):
        # The importer knows whose they are.
        return structs.replace(call, own_account=behalf.own_account)
    if isinstance(call, Call | InputsCall | SmokeTestCall):
        return structs.replace(call, resource=call.resource.acting_for(*behalf))
    if isinstance(call, SearchCall):
        return structs.replace(
            call,
            places=tuple(one.acting_for(*behalf) for one in call.places),
            known=resources_for(behalf, call.known),
            endpoints=tuple(one.acting_for(*behalf) for one in call.endpoints),
        )
    return call
