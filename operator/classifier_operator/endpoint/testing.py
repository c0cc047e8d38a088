"""The smoke test of what is wanted: its call, and the look at what it needs before anything is made or moved."""

from __future__ import annotations

from classifier_operator.endpoint.situation import EndpointDecision, Situation, smoke_test_is_done, wanted_test
from classifier_operator.endpoint.smoke_test import InputsCall, SmokeTestCall
from classifier_operator.endpoint.spec import SmokeTest
from classifier_operator.reconcile.decision import Decision


def test_can_be_run(at: Situation) -> EndpointDecision | None:
    """Look for the image and the labels of the smoke test first: an endpoint that waits for them costs money.

    What has served the same spec comes back without: that it serves is more urgent than that it is tested again.
    """
    test = at.spec.smoke_test
    if test is None or smoke_test_is_done(at) or at.testable == wanted_test(at.spec, at.wanted):
        return None
    call = InputsCall(
        resource=at.wanted.endpoint,
        config_name=at.wanted.config.name,
        namespace=at.meta.key.namespace,
        test=test,
        labels=at.spec.class_labels,
        is_serverless=at.spec.serverless is not None,
    )
    # What was said before stays: that the look succeeds, or does not, is said after it.
    return Decision(status=at.status, calls=(call,), guard=at.own)


def call_of(at: Situation, test: SmokeTest) -> SmokeTestCall:
    """Return the call that runs the test against what is wanted."""
    return SmokeTestCall(
        resource=at.wanted.endpoint,
        config_name=at.wanted.config.name,
        namespace=at.meta.key.namespace,
        test=test,
        labels=at.spec.class_labels,
        is_serverless=at.spec.serverless is not None,
        variants=tuple(plan.name for plan in at.wanted.variants) if at.spec.variants else (),
    )
