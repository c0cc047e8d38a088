"""Finds which of an object's configurations and models an endpoint of somebody else serves.

An endpoint that was adopted and let go of bears no tag of the object, and goes on serving what the object has made for
it, by the object's configuration or by one of its owner's; once the status is lost, or older, only AWS knows that. Such
an endpoint must not lose its configuration or its models: it could no longer be updated (AWS, DeleteEndpointConfig).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.act import described
from classifier_operator.runtime.pages import NEWEST_FIRST, Turn, pages
from classifier_operator.runtime.remembered import Remembered
from classifier_operator.sagemaker.answers import reading
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.views import EndpointView, PlainView, endpoint_listed


async def served_by_others(
    cloud: Remembered,
    made: Collection[Resource],
    own: Collection[Resource],
    *,
    since: datetime | None,
    turn: Turn,
) -> list[Resource]:
    """Return those of the configurations and models that endpoints of others serve, or may serve.

    The owner of an endpoint may have moved it to a configuration of their own that names the object's model.

    made: the object's configurations and models.
    own: the object's endpoints.
    since: none of them is older; an endpoint that was not modified since then serves none of them.

    Raises:
        AwsRefusal: AWS does not tell.
        NotYetError: it is not the caller's turn.

    """
    served: list[Resource] = []
    for place in {one.place for one in made}:
        here = sorted(one for one in made if one.place == place)
        names = await _names_served(cloud, place, own, since, turn)
        configs = [one for one in here if one.type is ResourceType.ENDPOINT_CONFIG and _may_be_among(one.name, names)]
        models = [one for one in here if one.type is ResourceType.MODEL]
        if models:
            named = await _models_named(cloud, place, names, turn)
            models = [one for one in models if _may_be_among(one.name, named)]
        served += [*dict.fromkeys([*await _models_of(cloud, configs, turn), *models]), *configs]
    return served


def _may_be_among(name: str, names: Collection[str] | None) -> bool:
    """Return whether it is one of the names; where they are not known, it may be."""
    return names is None or name in names


async def _models_named(cloud: Remembered, place: Place, configs: set[str] | None, turn: Turn) -> set[str] | None:
    """The models that these configurations name; None where one of them may not be looked at."""
    if configs is None:
        return None
    try:
        models = await _models_of(
            cloud, [Resource(place, ResourceType.ENDPOINT_CONFIG, name) for name in sorted(configs)], turn
        )
    except AwsRefusal as refusal:
        if refusal.kind is not RefusalKind.ACCESS_DENIED:
            raise
        return None
    return {one.name for one in models}


async def _names_served(
    cloud: Remembered, place: Place, own: Collection[Resource], since: datetime | None, turn: Turn
) -> set[str] | None:
    """The configurations that others' endpoints serve; None where one of them may not be looked at."""
    modified = {"LastModifiedTimeAfter": since} if since is not None else {}
    names: set[str] = set()
    try:
        async for summary in pages(cloud, place, "ListEndpoints", {**NEWEST_FIRST, **modified}, turn):
            with reading("ListEndpoints"):
                endpoint = Resource(place, ResourceType.ENDPOINT, endpoint_listed(summary).name)
            if endpoint not in own and isinstance(view := await described(cloud, endpoint, turn), EndpointView):
                names |= {view.config_name, view.pending_config} - {""}
    except AwsRefusal as refusal:
        # What cannot be looked at may serve any of them, and nothing is taken from under it.
        if refusal.kind is not RefusalKind.ACCESS_DENIED:
            raise
        return None
    return names


async def _models_of(cloud: Remembered, configs: Collection[Resource], turn: Turn) -> list[Resource]:
    views = [(one.place, await described(cloud, one, turn)) for one in configs]
    return [
        Resource(place, ResourceType.MODEL, variant.model_name)
        for place, view in views
        if isinstance(view, PlainView)
        for variant in view.variants
    ]
