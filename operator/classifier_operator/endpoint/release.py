"""What was taken over and is let go of, not deleted: a model, and all that an annotation named before it was changed.

An annotation that is corrected must not cost anybody a production endpoint. What such an endpoint may refer to stays as
well: an endpoint that has lost its configuration or its model can no longer be updated, and AWS alone knows which of
them it serves. These keep the object's tags for as long as it lives, in case the annotation names the endpoint again.
"""

from __future__ import annotations

from msgspec import structs

from classifier_operator.api.conditions import Reason, working
from classifier_operator.api.ledger import Entry, Resource, ResourceType, resources_in, with_resources, without
from classifier_operator.endpoint.deployment import endpoint_resource
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.endpoint.teardown import REFERRED_TO, let_go, referred_to, scaling
from classifier_operator.reconcile.decision import Meta
from classifier_operator.reconcile.trouble import note_of
from classifier_operator.reconcile.walls import within
from classifier_operator.sagemaker.names import suffixes_in
from classifier_operator.sagemaker.views import EndpointView, View


def released(meta: Meta, status: EndpointStatus) -> frozenset[Resource]:
    """Return what of the ledger is to be let go of once nothing of the object's needs it any more.

    A model that was adopted is among it whatever the annotation says: anybody's configuration may name it.

    A status that was lost and rebuilt does not tell what was adopted; its name does, for the operator gives other ones.
    """
    ledger = resources_in(status.resources)
    listed = frozenset(resources_in(status.let_go))
    found = {one for one in ledger if one in listed or _is_adopted_model(meta, status, one)}
    for one in ledger:
        if one.type is ResourceType.ENDPOINT and one not in listed and _is_left(meta, one):
            found |= {one, *referred_to(ledger, one)}
    return frozenset(found.union(*(scaling(ledger, one) for one in found if one.type is ResourceType.ENDPOINT)))


def to_be_released(status: EndpointStatus, adopted: Resource, view: View | None) -> tuple[Entry, ...]:
    """Return what is to be let go of once `adopted` is taken over: what was before it, with what that may refer to.

    view: what is taken over; what it serves is the object's again.
    """
    config = view.config_name if isinstance(view, EndpointView) else ""
    kept = without(status.let_go, [adopted, Resource(adopted.place, ResourceType.ENDPOINT_CONFIG, config)])
    before = status.adopted
    if before is None or (previous := before.resource) == adopted:
        return kept
    referred = referred_to(resources_in(status.resources), previous) if before.type is ResourceType.ENDPOINT else ()
    return with_resources(kept, [previous, *referred])


def after_release(at: Situation, decision: EndpointDecision, all_of_it: frozenset[Resource]) -> EndpointDecision:
    """Return the decision about an endpoint that serves, with the calls that let go of what it has left.

    all_of_it: what is to be let go of (`released`).
    """
    # A configuration bears its endpoint's name in its own: one that serves again is referred to by nothing else, while
    # a model may still be what an endpoint that was let go of serves.
    serves = [one for one in at.wanted.resources if one.type is ResourceType.ENDPOINT_CONFIG]
    below = sorted(one for one in all_of_it.difference(serves) if _is_below(at, one))
    status = structs.replace(decision.status, let_go=without(decision.status.let_go, serves))
    decision = structs.replace(decision, status=status)
    let_go_of = within(sorted(all_of_it.difference(at.wanted.resources, below)), at.defaults)
    if not let_go_of:
        return decision
    freed = let_go(let_go_of, at.seen)
    # A scalable target stays with its endpoint, and leaves the ledger with it.
    targets = [] if freed.waits_for else [one for one in let_go_of if one.type is ResourceType.SCALABLE_TARGET]
    gone = {*freed.gone, *targets}
    status = structs.replace(
        status,
        resources=without(status.resources, gone),
        let_go=without(with_resources(status.let_go, below), gone),
    )
    if not freed.waits_for:
        return structs.replace(decision, status=status, again_after=0.0)
    trouble = at.seen.trouble_with(*let_go_of)
    refused = f"; {note_of(trouble)}" if trouble is not None else ""
    message = f"{freed.waits_for}: it was adopted, so it is not deleted{refused}"
    verdict = working(Reason.RELEASING, message, is_ready=True, ready=Reason.IN_SERVICE)
    return structs.replace(decision, status=at.says(verdict, status), calls=(*decision.calls, *freed.calls))


def _is_below(at: Situation, resource: Resource) -> bool:
    return resource.type in REFERRED_TO and not _is_adopted_model(at.meta, at.status, resource)


def _is_adopted_model(meta: Meta, status: EndpointStatus, resource: Resource) -> bool:
    """Return whether it is a model that was adopted itself: the operator gives its own models other names."""
    if resource.type is not ResourceType.MODEL:
        return False
    is_named = status.adopted is not None and status.adopted.resource == resource
    return is_named or len(suffixes_in(meta.key.namespace, meta.key.name, resource.name) or ()) != 1


def _is_left(meta: Meta, endpoint: Resource) -> bool:
    """Return whether it is an adopted endpoint, and the annotation names another one now."""
    is_adopted = endpoint != endpoint_resource(meta, endpoint.place)
    return is_adopted and meta.adopt not in ("", endpoint.name)
