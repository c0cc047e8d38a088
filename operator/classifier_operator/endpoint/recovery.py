"""An endpoint whose status was lost, or may be older than what is at AWS: what is looked for, and the status anew.

Of what is at AWS the status tells the same as before: what serves, what is moved where, and the ledger. What only the
status had known is gone: whether the smoke test had passed, and what AWS had refused. So an endpoint is tested once
more, and a configuration or an accelerator that was refused is asked for once more.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import structs

from classifier_operator.api.conditions import Reason, settled
from classifier_operator.api.kinds import Kind
from classifier_operator.api.ledger import Place, Resource, ResourceType, resources_in, with_resources
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.adoption import candidates_of
from classifier_operator.endpoint.deployment import endpoint_resource
from classifier_operator.endpoint.record import AcceleratorStatus, Adopted, EndpointStatus, Update, VariantStatus
from classifier_operator.endpoint.situation import Endpoint, EndpointDecision, Situation, may_serve
from classifier_operator.endpoint.variants import asked_for
from classifier_operator.reconcile.calls import identify
from classifier_operator.reconcile.decision import Decision, Seen
from classifier_operator.reconcile.past import Found, Past, SearchCall
from classifier_operator.reconcile.searching import Searched, leaves, searching
from classifier_operator.sagemaker.names import suffixes_in
from classifier_operator.sagemaker.views import ConfiguredVariant, EndpointView, ModelView, PlainView, Unseen


def looks_back(endpoint: Endpoint, seen: Seen, now: datetime) -> EndpointDecision | None:
    """Search at AWS before anything is decided, where the status may not name all that there is."""
    if not _is_doubtful(endpoint):
        return None
    known = resources_in(endpoint.status.resources)
    searched = Searched(
        past=endpoint.past,
        region=endpoint.spec.region,
        assume_role_arn=endpoint.spec.assume_role_arn,
        defaults=endpoint.defaults,
        allowed=endpoint.allowed,
        wall=endpoint.wall,
        known=known,
    )
    if searched.needs_nothing:
        return None
    places = searched.places
    call = None if searched.problem else SearchCall(
        places=places,
        kind=Kind.ENDPOINT,
        namespace=endpoint.meta.key.namespace,
        name=endpoint.meta.key.name,
        since=endpoint.meta.created,
        known=frozenset(known),
        endpoints=tuple(one for place in places for one in _candidates(endpoint, place)),
        variants=tuple(sorted(_variant_names(endpoint))),
        is_lost=endpoint.past is Past.LOST,
    )  # fmt: skip
    is_ending = endpoint.meta.is_deleted or endpoint.spec.suspend
    underway = Reason.DELETING if is_ending else Reason.RESTORING
    verdict, calls = searching(call, searched.problem, underway=underway, seen=seen, now=now)
    status = endpoint.status
    if verdict is not None:
        status = report.with_conditions(status, endpoint.meta, verdict, now)
    return Decision(status=status, calls=calls)


def recovered(endpoint: Endpoint, now: datetime) -> Endpoint:
    """The endpoint with what a search has found in its status."""
    found = endpoint.found
    if found is None:
        return endpoint
    status = endpoint.status
    if endpoint.past is Past.LOST and not status.endpoint_arn:
        status = _rebuilt(endpoint, found, now)
    added = [*found.resources]
    if endpoint.past is Past.LOST and endpoint.meta.is_deleted:
        # It may have been made a moment before the status was lost, and not be seen everywhere yet.
        added += [endpoint_resource(endpoint.meta, place) for place in _places_of(endpoint)]
    # What an endpoint serves that was let go of is in the ledger, too, and is never deleted.
    kept = [one for one in found.referred if one in [*resources_in(status.resources), *added]]
    status = structs.replace(
        status, resources=with_resources(status.resources, added), let_go=with_resources(status.let_go, kept)
    )
    return structs.replace(endpoint, status=status)


def unrecorded(endpoint: Endpoint, decision: EndpointDecision) -> EndpointDecision:
    """The decision about one whose past is still lost: its status must not look as if it told all."""
    if endpoint.past is not Past.LOST or endpoint.found is not None:
        return decision
    return structs.replace(decision, status=structs.replace(decision.status, observed_generation=0))


def serves_what_is_not_on_record(at: Situation) -> EndpointDecision | None:
    """What serves may be of a time that the status does not tell of: of its own it goes into the ledger."""
    view = at.view
    if view is None or not view.is_detailed or not view.config_name:
        return None
    config = Resource(at.wanted.place, ResourceType.ENDPOINT_CONFIG, view.config_name)
    trouble = at.seen.trouble_with(config)
    is_put_off = trouble is not None and trouble.is_pausing(at.now)
    if config == at.wanted.config or config in resources_in(at.status.resources) or is_put_off:
        return None
    sighting = at.seen.owner_of(config)
    if sighting is Unseen.UNKNOWN:
        return Decision(status=at.status, calls=(identify(config),), guard=at.follow)
    if not isinstance(sighting, PlainView):
        return None
    models = [Resource(config.place, ResourceType.MODEL, one.model_name) for one in sighting.variants if one.model_name]
    ledger = with_resources(at.status.resources, [*models, config])
    return Decision(status=structs.replace(at.status, resources=ledger), guard=at.follow, again_after=0.0)


def _is_doubtful(endpoint: Endpoint) -> bool:
    if endpoint.found is not None or endpoint.past is Past.KNOWN:
        return False
    status = endpoint.status
    is_suspended_now = endpoint.spec.suspend and status.observed_generation != endpoint.meta.generation
    is_moved = leaves(status.region, endpoint.spec.region, endpoint.defaults)
    return endpoint.past is Past.LOST or endpoint.meta.is_deleted or is_suspended_now or is_moved


def _places_of(endpoint: Endpoint) -> tuple[Place, ...]:
    return Searched(
        past=endpoint.past,
        region=endpoint.spec.region,
        assume_role_arn=endpoint.spec.assume_role_arn,
        defaults=endpoint.defaults,
        allowed=endpoint.allowed,
        wall=endpoint.wall,
        known=(),
    ).places


def _candidates(endpoint: Endpoint, place: Place) -> list[Resource]:
    """What the endpoint is called there, or was before it adopted one."""
    adoptable = [one for one in candidates_of(endpoint.meta, place) if one.type is ResourceType.ENDPOINT]
    return [endpoint_resource(endpoint.meta, place), *adoptable]


def _variant_names(endpoint: Endpoint) -> set[str]:
    return {*(one.name for one in asked_for(endpoint.spec)), *(one.name for one in endpoint.status.variants)}


def _rebuilt(endpoint: Endpoint, found: Found, now: datetime) -> EndpointStatus:
    """The status as it follows from what is at AWS."""
    status = endpoint.status
    views = {one: view for one in found.of(ResourceType.ENDPOINT) if (view := _endpoint_view(found, one)) is not None}
    # One that was adopted has taken the place of one of the object's own, and of one that was adopted before.
    main = max(
        views,
        key=lambda one: (one.name == endpoint.meta.adopt, one != endpoint_resource(endpoint.meta, one.place)),
        default=None,
    )
    if main is None:
        return status
    view = views[main]
    status = report.with_endpoint(structs.replace(status, region=main.place.region), view)
    if main != endpoint_resource(endpoint.meta, main.place):
        role = main.place.assume_role_arn
        adopted = Adopted(type=main.type, name=main.name, region=main.place.region, assume_role_arn=role)
        adopted = structs.replace(adopted, weights=report.weights_of(view))
        status = structs.replace(status, adopted=adopted)
    if view.pending_config:
        update = Update(
            endpoint_config_name=view.pending_config,
            previous_endpoint_config_name=view.config_name,
            has_begun=True,
            counts={live.name: live.desired_count for live in view.variants},
        )
        status = structs.replace(status, update=update)
    status = structs.replace(status, variants=_serving(endpoint, found, main.place, view))
    if view.status != "Creating" and may_serve(view):
        # Only the status knew whether it had been found good; that it serves is all that can be seen.
        verdict = settled(Reason.IN_SERVICE, f"endpoint {view.name} serves {view.config_name}")
        status = report.with_conditions(status, endpoint.meta, verdict, now)
    return status


def _endpoint_view(found: Found, resource: Resource) -> EndpointView | None:
    view = found.described.get(resource)
    return view if isinstance(view, EndpointView) else None


def _serving(endpoint: Endpoint, found: Found, place: Place, view: EndpointView) -> tuple[VariantStatus, ...]:
    """The variants as the configuration that serves has them; none where it was deleted."""
    config = found.described.get(Resource(place, ResourceType.ENDPOINT_CONFIG, view.config_name))
    if not isinstance(config, PlainView):
        return ()
    return tuple(_variant(endpoint, found, place, one, view) for one in config.variants)


def _variant(
    endpoint: Endpoint, found: Found, place: Place, configured: ConfiguredVariant, view: EndpointView
) -> VariantStatus:
    model = found.described.get(Resource(place, ResourceType.MODEL, configured.model_name))
    image, artifact = (model.image, model.artifact) if isinstance(model, ModelView) else ("", "")
    training, job = _trained_by(endpoint, configured.name, artifact)
    live = view.variant(configured.name)
    accelerator = configured.accelerator_type
    return VariantStatus(
        name=configured.name,
        model_name=configured.model_name,
        image=image,
        artifact_s3_uri=artifact,
        training_name=training,
        training_job_name=job,
        instance_type=configured.instance_type,
        accelerator=AcceleratorStatus(requested=accelerator, effective=accelerator) if accelerator else None,
        current_instance_count=live.current_count if live else 0,
        desired_instance_count=live.desired_count if live else 0,
        current_weight=f"{live.current_weight:g}" if live else "",
    )


def _trained_by(endpoint: Endpoint, variant: str, artifact: str) -> tuple[str, str]:
    """The training that the variant follows, and its job, where the artifact is of one of its jobs.

    SageMaker puts an artifact below the job's name: `<output>/<job>/output/model.tar.gz`.
    """
    asked = next((one for one in asked_for(endpoint.spec) if one.name == variant), None)
    if asked is None or not asked.training:
        return "", ""
    namespace = endpoint.meta.key.namespace
    jobs = [part for part in artifact.split("/") if len(suffixes_in(namespace, asked.training, part) or ()) == 2]
    return (asked.training, jobs[-1]) if jobs else ("", "")
