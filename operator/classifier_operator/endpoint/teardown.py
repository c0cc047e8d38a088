"""Taking AWS resources down in the order that is safe: endpoints, then their configurations, then their models.

Scalable targets go before their endpoint, for they would outlive it.

AWS does not refuse to delete a configuration or a model that an endpoint uses, and an endpoint that lost one can no
longer be updated or patched: so nothing below an endpoint is touched before AWS has said that the endpoint is gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.endpoint.scaling import deregistered, endpoint_of
from classifier_operator.reconcile.calls import Call, delete, disown, identify
from classifier_operator.reconcile.decision import Seen
from classifier_operator.sagemaker.views import EndpointView, Stranger, Unseen

REFERRED_TO = (ResourceType.ENDPOINT_CONFIG, ResourceType.MODEL)


def referred_to(ledger: Iterable[Resource], endpoint: Resource) -> list[Resource]:
    """Return the configurations and models that the endpoint may refer to: AWS alone knows which it does."""
    return [one for one in ledger if one.type in REFERRED_TO and one.place == endpoint.place]


def scaling(ledger: Iterable[Resource], endpoint: Resource) -> list[Resource]:
    """Return the scalable targets of the endpoint."""
    return [one for one in ledger if one.type is ResourceType.SCALABLE_TARGET and endpoint_of(one) == endpoint]


class Teardown(Struct, frozen=True, kw_only=True):
    """What to do now, what to watch, what is gone, and what is being waited for.

    again_after: seconds until what was not found once has to be asked for again.
    """

    calls: tuple[Call, ...] = ()
    again_after: float | None = None
    follow: frozenset[Resource] = frozenset()
    gone: frozenset[Resource] = frozenset()
    waits_for: str = ""


def tear_down(resources: Iterable[Resource], seen: Seen) -> Teardown:
    """The next step towards none of these resources being left."""
    resources = tuple(resources)
    gone = frozenset(one for one in resources if _is_gone(one, seen))
    left = [one for one in resources if one not in gone]
    targets = [one for one in left if one.type is ResourceType.SCALABLE_TARGET]
    endpoints = [one for one in left if one.type is ResourceType.ENDPOINT]
    if targets:
        return _targets_down(targets, seen, gone)
    configs = [one for one in left if one.type is ResourceType.ENDPOINT_CONFIG]
    below = [*configs, *(one for one in left if one.type is ResourceType.MODEL)]
    if endpoints:
        return _endpoints_down(endpoints, below, seen, gone)
    # A configuration without its models is of no use to anybody: none of them goes before it.
    deleted = below if all(_is_seen(one, seen) for one in configs) else configs
    calls = (*_looks_at(below, seen), *(delete(one) for one in deleted if _is_seen(one, seen)))
    names = ", ".join(one.name for one in below)
    waits_for = f"deleting {names}" if names else ""
    return Teardown(calls=calls, gone=gone, waits_for=waits_for, again_after=until_confirmed(below, seen))


def until_confirmed(resources: Iterable[Resource], seen: Seen) -> float | None:
    """Seconds until the first of these that was not found once has to be asked for again; None where none was."""
    waits = [seconds for one in resources if (seconds := seen.unconfirmed.get(one)) is not None and seconds > 0]
    return min(waits, default=None)


def _is_put_off(resource: Resource, seen: Seen) -> bool:
    return seen.unconfirmed.get(resource, 0.0) > 0


def let_go(resources: Iterable[Resource], seen: Seen) -> Teardown:
    """The next step towards none of these being anybody's: the owner's tags go, and they stay as they are."""
    resources = tuple(resources)
    gone = frozenset(one for one in resources if _is_gone(one, seen))
    # A scalable target bears no tags, and stays with its endpoint.
    left = sorted(one for one in resources if one not in gone and one.type is not ResourceType.SCALABLE_TARGET)
    calls = [_freed(one, seen) for one in left]
    names = ", ".join(f"{one.type} {one.name}" for one in left)
    return Teardown(calls=tuple(calls), gone=gone, waits_for=f"letting go of {names}" if names else "")


def _freed(resource: Resource, seen: Seen) -> Call:
    view = seen.of(resource)
    return identify(resource) if isinstance(view, Unseen | Stranger) else disown(resource, view.arn)


def _is_seen(resource: Resource, seen: Seen) -> bool:
    return seen.of(resource) is not Unseen.UNKNOWN and resource not in seen.unconfirmed


def _looks_at(resources: Iterable[Resource], seen: Seen) -> list[Call]:
    """What may not be there, or was missed once, but for what was missed a moment ago."""
    return [identify(one) for one in resources if not _is_seen(one, seen) and not _is_put_off(one, seen)]


def _is_gone(resource: Resource, seen: Seen) -> bool:
    # What belongs to somebody else is not ours to delete, and so no reason to wait.
    sighting = seen.of(resource)
    if resource.type is ResourceType.SCALABLE_TARGET and isinstance(seen.of(endpoint_of(resource)), Stranger):
        return True
    if resource.type is ResourceType.SCALABLE_TARGET:
        # It goes with its endpoint, of which AWS is asked itself.
        return sighting is Unseen.ABSENT
    return seen.is_gone(resource) or isinstance(sighting, Stranger)


def _targets_down(targets: list[Resource], seen: Seen, gone: frozenset[Resource]) -> Teardown:
    """A target bears no tags: whose it is, its endpoint tells."""
    unknown = sorted({endpoint_of(one) for one in targets if seen.of(endpoint_of(one)) is Unseen.UNKNOWN})
    if unknown:
        names = ", ".join(one.name for one in unknown)
        return Teardown(calls=tuple(map(identify, unknown)), gone=gone, waits_for=f"finding endpoint {names}")
    names = ", ".join(one.name for one in targets)
    return Teardown(calls=tuple(map(deregistered, targets)), gone=gone, waits_for=f"ending the scaling of {names}")


def _endpoints_down(
    endpoints: list[Resource], below: list[Resource], seen: Seen, gone: frozenset[Resource]
) -> Teardown:
    calls: list[Call] = []
    follow: set[Resource] = set()
    waits = []
    for endpoint in endpoints:
        view = seen.of(endpoint)
        if not isinstance(view, EndpointView):
            calls += [] if _is_put_off(endpoint, seen) else [identify(endpoint)]
            waits.append(f"finding endpoint {endpoint.name}")
        elif view.is_moving:
            follow.add(endpoint)
            waits.append(_why_waiting(view))
        else:
            calls.append(delete(endpoint))
            waits.append(f"deleting endpoint {endpoint.name}")
    # What may never have been made has to be missed twice: the waits for all of them pass together.
    calls += _looks_at(below, seen)
    return Teardown(
        calls=tuple(calls),
        follow=frozenset(follow),
        gone=gone,
        waits_for="; ".join(waits),
        again_after=until_confirmed([*endpoints, *below], seen),
    )


def _why_waiting(view: EndpointView) -> str:
    if view.status == "Deleting":
        return f"AWS is deleting endpoint {view.name}"
    return f"endpoint {view.name} is {view.status}: AWS deletes it only after that"
