"""Rules for the annotation `adopt`: an endpoint or a model that exists already is taken over.

What has another owner's tags is not touched. What has none gets ours, after the status has named it; from then on it is
the object's own like any other: an endpoint follows the spec, and is deleted with the object. A model is never deleted.
"""

from __future__ import annotations

from msgspec import structs

from classifier_operator.api.conditions import Reason, Verdict, stalled
from classifier_operator.api.ledger import Place, Resource, ResourceType, resources_in, with_resources, without
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.record import Adopted
from classifier_operator.endpoint.release import to_be_released
from classifier_operator.endpoint.situation import EndpointDecision, Situation
from classifier_operator.reconcile.calls import identify, own
from classifier_operator.reconcile.decision import Decision, Meta
from classifier_operator.reconcile.trouble import verdict_of
from classifier_operator.sagemaker.names import is_name
from classifier_operator.sagemaker.views import EndpointView, ModelView, Stranger, Unseen, View

# Of what is no name so many characters are repeated.
SHOWN = 64


def candidates_of(meta: Meta, place: Place) -> tuple[Resource, ...]:
    """What the annotation may mean: the endpoint of that name, else the model; nothing, if it is no name at AWS."""
    if not is_name(meta.adopt):
        return ()
    return Resource(place, ResourceType.ENDPOINT, meta.adopt), Resource(place, ResourceType.MODEL, meta.adopt)


def adopts(at: Situation) -> EndpointDecision | None:
    """Find what is to be taken over, name it in the status, then put the owner's tags on it."""
    if not at.meta.adopt:
        return None
    if not is_name(at.meta.adopt):
        message = f"metadata.annotations: adopt: {at.meta.adopt[:SHOWN]!r} is no name of an endpoint or a model"
        return Decision(status=at.says(stalled(Reason.INVALID_SPEC, message, serving=at.serves)), guard=at.own)
    if _is_named(at):
        return _tagged(at)
    for candidate in candidates_of(at.meta, at.wanted.place):
        sighting = at.seen.owner_of(candidate)
        if sighting is Unseen.UNKNOWN:
            message = f"looking for {candidate.type} {candidate.name}, to adopt it"
            return Decision(status=at.says(_underway(at, candidate, message)), calls=(identify(candidate),))
        if isinstance(sighting, Stranger):
            return _namesake(at, candidate) or _taken_over(at, candidate, sighting.view, owner=sighting.owner)
        if isinstance(sighting, (EndpointView, ModelView)):
            return _taken_over(at, candidate, sighting, owner="")
    message = f"metadata.annotations: adopt: there is neither an endpoint nor a model named {at.meta.adopt}"
    verdict = stalled(Reason.INVALID_SPEC, message, serving=at.serves)
    return Decision(status=at.says(verdict), guard=at.own | {candidates_of(at.meta, at.wanted.place)[0]})


def _is_named(at: Situation) -> bool:
    adopted = at.status.adopted
    return adopted is not None and (adopted.name, adopted.place) == (at.meta.adopt, at.wanted.place)


def _namesake(at: Situation, candidate: Resource) -> EndpointDecision | None:
    """The ledger tells its entries apart by type and name alone: it has room for one of each name."""
    other = _elsewhere(at, candidate)
    if other is None:
        return None
    where = " ".join(part for part in other.place if part)
    message = (
        f"metadata.annotations: adopt: {candidate.type} {candidate.name} was adopted in {where} already, and this is "
        "another one of the same name: return to that place, or adopt this one by an object of its own"
    )
    return Decision(status=at.says(stalled(Reason.INVALID_SPEC, message, serving=at.serves)), guard=at.own)


def _elsewhere(at: Situation, candidate: Resource) -> Resource | None:
    """What the ledger has by that type and name in another place."""
    wanted = candidate.type, candidate.name
    named = (one for one in resources_in(at.status.resources) if (one.type, one.name) == wanted)
    return next((one for one in named if one != candidate), None)


def _taken_over(at: Situation, candidate: Resource, view: View | None, *, owner: str) -> EndpointDecision:
    """It exists: whose it is, and whether it is what the spec asks for, decides."""
    if owner:
        message = f"{candidate.type} {candidate.name} belongs to {owner} and is not adopted"
        # Its owner may let go of it.
        guard = at.own | {candidate} if candidate.type is ResourceType.ENDPOINT else at.own
        return Decision(status=at.says(stalled(Reason.NAME_TAKEN, message, serving=at.serves)), guard=guard)
    image, artifact = (view.image, view.artifact) if isinstance(view, ModelView) else ("", "")
    if isinstance(view, ModelView) and not _is_asked_for(at, view):
        message = (
            f"metadata.annotations: adopt: model {candidate.name} has image {image} and artifact {artifact}, which no "
            "variant of the spec asks for"
        )
        return Decision(status=at.says(stalled(Reason.INVALID_SPEC, message, serving=at.serves)), guard=at.own)
    adopted = Adopted(
        type=candidate.type,
        name=candidate.name,
        region=candidate.place.region,
        assume_role_arn=candidate.place.assume_role_arn,
        image=image,
        artifact_s3_uri=artifact,
        instance_count=sum(one.desired_count for one in view.variants) if isinstance(view, EndpointView) else 0,
        weights=report.weights_of(view) if isinstance(view, EndpointView) else {},
    )
    verdict = at.busy(Reason.ADOPTING, f"{candidate.type} {candidate.name} is being adopted")
    # How an endpoint of its own was scaled and tested says nothing of this one.
    is_endpoint = candidate.type is ResourceType.ENDPOINT
    before = report.without_counts(report.without_endpoint(at.status)) if is_endpoint else at.status
    # Its own tags are on it: it is what was adopted before, reached as somebody else.
    same = _elsewhere(at, candidate)
    ledger = without(before.resources, [same] if same is not None else [])
    status = structs.replace(
        before,
        adopted=adopted,
        let_go=to_be_released(at.status, candidate, view),
        resources=with_resources(ledger, [candidate]),
    )
    return Decision(status=at.says(verdict, status), again_after=0.0)


def _is_asked_for(at: Situation, model: ModelView) -> bool:
    return any(
        (plan.source.image, plan.source.artifact) == (model.image, model.artifact) for plan in at.wanted.variants
    )


def _tagged(at: Situation) -> EndpointDecision | None:
    """It is named in the status: a crash from here on loses nothing."""
    adopted = at.status.adopted
    if adopted is None:
        return None
    resource = adopted.resource
    sighting = at.seen.owner_of(resource)
    # A model may be taken over for an endpoint that is there already.
    if resource not in at.wanted.served or (resource.type is ResourceType.ENDPOINT and at.is_made):
        return None
    verdict = _underway(at, resource, f"{resource.type} {resource.name} is being adopted")
    if sighting is Unseen.UNKNOWN:
        return Decision(status=at.says(verdict), calls=(identify(resource),))
    if not isinstance(sighting, Stranger) or sighting.owner:
        return None
    if resource not in resources_in(at.status.resources):
        # A model that was let go of, and is asked for again: in the ledger first.
        ledger = with_resources(at.status.resources, [resource])
        return Decision(status=at.says(verdict, structs.replace(at.status, resources=ledger)), again_after=0.0)
    tags = at.meta.all_tags(at.spec.tags)
    return Decision(status=at.says(verdict), calls=(own(resource, sighting.arn, tags),))


def _underway(at: Situation, resource: Resource, message: str) -> Verdict:
    """Adopting goes on, or waits for what AWS has refused."""
    trouble = at.seen.trouble_with(resource)
    if trouble is None or not trouble.is_pausing(at.now) or trouble.is_brief(at.now):
        return at.busy(Reason.ADOPTING, message)
    return verdict_of(trouble, at.now, underway=Reason.ADOPTING, serving=at.serves)
