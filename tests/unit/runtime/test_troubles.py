"""How long a refusal is waited out, and when it is forgotten."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from tests.unit.fakes import START

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.runtime.troubles import RETRY_SECONDS, SELDOM_SECONDS, WAIT_SECONDS, Troubles
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy

KEY = ObjectKey(Kind.TRAINING, "vision", "digits")
JOB = Resource(Place("us-east-1"), ResourceType.TRAINING_JOB, "job")
OTHER = Resource(Place("us-east-1"), ResourceType.TRAINING_JOB, "other")


@pytest.fixture
def troubles() -> Troubles:
    return Troubles(rng=random.Random(1))


def note(troubles: Troubles, kind: RefusalKind, *, resource: Resource = JOB, operation: str = "CreateX") -> Trouble:
    return troubles.note(KEY, "1", resource, AwsRefusal(operation, kind, "Code", "words"), START)


@pytest.mark.parametrize("kind", [kind for kind in RefusalKind if kind.remedy is not Remedy.STOP])
def test_the_delay_grows_and_is_bounded(troubles: Troubles, kind: RefusalKind) -> None:
    bounds = {Remedy.WAIT: WAIT_SECONDS, Remedy.RETRY: RETRY_SECONDS, Remedy.SELDOM: SELDOM_SECONDS}
    first, most = bounds[kind.remedy]
    delays = [(note(troubles, kind).retry_at - START).total_seconds() for _ in range(40)]
    assert first <= delays[0] <= first * 1.5
    assert most <= delays[-1] <= most * 1.5
    # What is waited for is looked for every five minutes at most.
    assert max(delays) <= (most if kind.remedy is Remedy.WAIT else most * 1.5)


def test_a_look_is_never_put_off_for_hours(troubles: Troubles) -> None:
    trouble = note(troubles, RefusalKind.UNKNOWN, operation="DescribeX")
    assert (trouble.retry_at - START).total_seconds() <= RETRY_SECONDS[0] * 1.5


def test_another_kind_of_refusal_starts_anew(troubles: Troubles) -> None:
    note(troubles, RefusalKind.THROTTLED)
    assert note(troubles, RefusalKind.THROTTLED).count == 2
    assert note(troubles, RefusalKind.QUOTA).count == 1


def test_troubles_with_two_resources_are_apart(troubles: Troubles) -> None:
    note(troubles, RefusalKind.THROTTLED)
    assert note(troubles, RefusalKind.THROTTLED, resource=OTHER).count == 1
    assert set(troubles.of(KEY, "1")) == {JOB, OTHER}


def test_another_wish_forgets_what_was_refused(troubles: Troubles) -> None:
    note(troubles, RefusalKind.INVALID)
    assert troubles.of(KEY, "2") == {}
    assert len(troubles) == 0


@pytest.mark.parametrize(
    ("operation", "is_over"), [("CreateX", True), ("AddTags", True), ("DescribeX", False)], ids=str
)
def test_a_success_ends_it_and_a_look_does_not(troubles: Troubles, operation: str, is_over: bool) -> None:
    note(troubles, RefusalKind.THROTTLED)
    troubles.answered(KEY, JOB, operation)
    assert (len(troubles) == 0) is is_over


def test_a_look_that_succeeds_ends_a_look_that_was_refused(troubles: Troubles) -> None:
    note(troubles, RefusalKind.THROTTLED, operation="DescribeX")
    troubles.answered(KEY, JOB, "DescribeX")
    assert len(troubles) == 0


def test_the_next_try_is_the_earliest(troubles: Troubles) -> None:
    note(troubles, RefusalKind.QUOTA)
    note(troubles, RefusalKind.THROTTLED, resource=OTHER)
    seconds = troubles.seconds_until_next(KEY, START)
    assert seconds is not None
    assert 0 < seconds < 2


def test_what_is_refused_for_good_is_kept_and_not_tried(troubles: Troubles) -> None:
    note(troubles, RefusalKind.INVALID)
    assert troubles.seconds_until_next(KEY, START + timedelta(days=1)) is None
    assert len(troubles) == 1


def test_what_is_due_and_was_not_tried_is_forgotten(troubles: Troubles) -> None:
    note(troubles, RefusalKind.THROTTLED)
    assert troubles.seconds_until_next(KEY, START + timedelta(minutes=2)) is None
    assert len(troubles) == 0


@pytest.mark.parametrize(
    "operation",
    ["StopTrainingJob", "DeleteModel", "DescribeEndpoint", "DeregisterScalableTarget", "AbortMultipartUpload"],
)
def test_looking_and_tidying_up_are_never_given_up(troubles: Troubles, operation: str) -> None:
    assert not note(troubles, RefusalKind.INVALID, operation=operation).is_final
    assert troubles.seconds_until_next(KEY, START)


def test_an_object_that_is_gone_has_no_troubles(troubles: Troubles) -> None:
    note(troubles, RefusalKind.INVALID)
    troubles.clear(KEY)
    assert len(troubles) == 0
