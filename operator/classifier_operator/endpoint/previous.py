"""Which configuration may be gone back to, and whether one that serves instead of the wanted one may be used.

An update stays on record until its configuration is found good. An edit that replaces it before that must go back past
it, to the last configuration that was.
"""

from __future__ import annotations

from classifier_operator.api.ledger import Resource, ResourceType, resources_in
from classifier_operator.endpoint.record import Update
from classifier_operator.endpoint.situation import Situation
from classifier_operator.sagemaker.views import EndpointView


def previous_is_good(at: Situation, view: EndpointView) -> bool:
    """Whether what serves may be used: unless its own smoke test failed, or it was to have one and had none."""
    test, update = at.status.smoke_test, at.status.update
    if test is not None and test.endpoint_config_name == view.config_name:
        return test.has_passed
    if at.spec.smoke_test is None or at.spec.smoke_test.on_failure == "Report":
        return True
    return update is None or update.previous_endpoint_config_name == view.config_name


def last_good(at: Situation, view: EndpointView) -> str:
    """What to go back to from the next update: what serves, or what was good before it; "" if nothing was."""
    update = at.status.update
    if update is not None:
        return view.config_name if previous_is_good(at, view) else update.previous_endpoint_config_name
    # Of its own, made and not called ready yet: what was taken over has served somebody else well enough.
    config = Resource(at.wanted.place, ResourceType.ENDPOINT_CONFIG, view.config_name)
    is_new = config in resources_in(at.status.resources) and not at.serves
    return "" if is_new and not _has_passed(at, view) else view.config_name


def still_unproven(at: Situation, view: EndpointView | None) -> Update | None:
    """What stays on record when the update to what is wanted is over: that what serves was never found good."""
    update = at.status.update
    if view is None or not view.is_detailed or previous_is_good(at, view):
        return None
    before = update.previous_endpoint_config_name if update else ""
    return Update(endpoint_config_name=view.config_name, previous_endpoint_config_name=before)


def to_restore(at: Situation) -> str:
    """What is gone back to if the smoke test fails; "" if there is nothing else."""
    if at.update is None or at.spec.smoke_test is None or at.spec.smoke_test.on_failure == "Report":
        return ""
    previous = at.update.previous_endpoint_config_name
    return "" if previous == at.wanted.config.name else previous


def _has_passed(at: Situation, view: EndpointView) -> bool:
    test = at.status.smoke_test
    return test is not None and test.has_passed and test.endpoint_config_name == view.config_name
