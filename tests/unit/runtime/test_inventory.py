"""What is known of AWS, and who is told when it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from tests.unit.fakes import START, FakeClock

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.reconcile.decision import Meta
from classifier_operator.reconcile.owner import Owner
from classifier_operator.runtime.inventory import CONFIRMED_AFTER_SECONDS, SETTLING_SECONDS, Fact, Inventory
from classifier_operator.sagemaker.views import EndpointView, JobView, Stranger, Unseen

KEY = ObjectKey(Kind.TRAINING, "vision", "digits")
META = Meta(key=KEY, uid="1")
OTHER = Meta(key=KEY._replace(name="other"), uid="2")
JOB = Resource(Place("us-east-1"), ResourceType.TRAINING_JOB, "job")
ENDPOINT = Resource(Place("us-east-1"), ResourceType.ENDPOINT, "endpoint")
RUNNING = JobView(name="job", arn="arn", status="InProgress", secondary_status="Training", is_detailed=True)
SERVING = EndpointView(name="endpoint", arn="arn", status="InService", modified=START, is_detailed=True)
NONE: frozenset[Resource] = frozenset()


@pytest.fixture
def told() -> list[ObjectKey]:
    return []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def inventory(told: list[ObjectKey], clock: FakeClock) -> Inventory:
    made = Inventory(changed=told.append, clock=clock.monotonic)
    made.watch(KEY, follow=frozenset({JOB}), guard=frozenset({ENDPOINT}))
    return made


NO_NEWS: dict[str, tuple[Resource, Fact, Fact]] = {
    "the same": (JOB, RUNNING, RUNNING),
    "a list of the same": (JOB, RUNNING, structs.replace(RUNNING, is_detailed=False)),
    "a list without the secondary status": (
        JOB,
        RUNNING,
        structs.replace(RUNNING, is_detailed=False, secondary_status=""),
    ),
    "a list of an endpoint": (ENDPOINT, SERVING, structs.replace(SERVING, is_detailed=False)),
}
NEWS: dict[str, tuple[Resource, Fact, Fact]] = {
    "another status": (JOB, RUNNING, structs.replace(RUNNING, status="Completed", is_detailed=False)),
    "another secondary status": (JOB, RUNNING, structs.replace(RUNNING, secondary_status="Uploading")),
    "gone": (JOB, RUNNING, Unseen.ABSENT),
    "touched": (
        ENDPOINT,
        SERVING,
        structs.replace(SERVING, is_detailed=False, modified=START + timedelta(seconds=1)),
    ),
}


@pytest.mark.parametrize(("resource", "before", "after"), NO_NEWS.values(), ids=NO_NEWS.keys())
def test_no_news(inventory: Inventory, told: list[ObjectKey], resource: Resource, before: Fact, after: Fact) -> None:
    inventory.record(resource, before)
    told.clear()
    inventory.record(resource, after)
    assert (told, inventory.get(resource)) == ([], before)


@pytest.mark.parametrize(("resource", "before", "after"), NEWS.values(), ids=NEWS.keys())
def test_news_is_told_once(
    inventory: Inventory, told: list[ObjectKey], resource: Resource, before: Fact, after: Fact
) -> None:
    inventory.record(resource, before)
    told.clear()
    inventory.record(resource, after)
    inventory.record(resource, after)
    assert told == [KEY]


def test_not_found_must_be_said_twice_of_what_nobody_here_has_seen(inventory: Inventory, clock: FakeClock) -> None:
    inventory.watch(KEY, follow=frozenset(), guard=frozenset({JOB}))
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.get(JOB) is Unseen.UNKNOWN
    clock.seconds = CONFIRMED_AFTER_SECONDS - 1
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.get(JOB) is Unseen.UNKNOWN
    clock.seconds = CONFIRMED_AFTER_SECONDS
    for _ in range(2):
        inventory.record(JOB, Unseen.ABSENT)
        assert (inventory.get(JOB), inventory.followed()) == (Unseen.ABSENT, set())


def test_what_may_be_gone_is_looked_at_soon(inventory: Inventory) -> None:
    inventory.watch(KEY, follow=frozenset(), guard=frozenset({JOB}))
    assert inventory.followed() == set()
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.followed() == {JOB}
    inventory.record(JOB, RUNNING)
    assert inventory.followed() == set()


def test_what_was_seen_once_is_gone_when_aws_says_so(inventory: Inventory) -> None:
    inventory.record(JOB, RUNNING)
    inventory.doubt(JOB)
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.get(JOB) is Unseen.ABSENT


def test_not_found_is_not_believed_of_what_was_just_made(inventory: Inventory, clock: FakeClock) -> None:
    inventory.made(JOB, RUNNING, META.owner)
    clock.seconds = SETTLING_SECONDS - 1
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.get(JOB) == RUNNING


def test_not_found_is_believed_after_a_minute(inventory: Inventory, clock: FakeClock) -> None:
    inventory.made(JOB, RUNNING, META.owner)
    clock.seconds = SETTLING_SECONDS
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.get(JOB) is Unseen.ABSENT


def test_not_found_is_believed_of_what_aws_has_shown(inventory: Inventory) -> None:
    inventory.made(JOB, RUNNING, META.owner)
    inventory.record(JOB, structs.replace(RUNNING, secondary_status="Uploading"))
    inventory.record(JOB, Unseen.ABSENT)
    assert inventory.get(JOB) is Unseen.ABSENT


def test_what_the_operator_deleted_is_gone_at_once(inventory: Inventory) -> None:
    inventory.made(JOB, RUNNING, META.owner)
    inventory.deleted(JOB)
    assert inventory.get(JOB) is Unseen.ABSENT


@pytest.mark.parametrize(("seconds", "is_doubted"), [(1, False), (SETTLING_SECONDS, True)])
def test_what_is_old_and_not_found_is_doubted(
    inventory: Inventory, clock: FakeClock, seconds: float, is_doubted: bool
) -> None:
    inventory.made(JOB, RUNNING, META.owner)
    clock.seconds = seconds
    inventory.doubt_if_old(JOB)
    assert (inventory.get(JOB) is Unseen.UNKNOWN) is is_doubted


@pytest.mark.parametrize(
    ("seen", "is_followed"),
    [
        (RUNNING, True),
        (structs.replace(RUNNING, is_detailed=False), True),
        # Its end is known, and a closer look is on its way.
        (structs.replace(RUNNING, status="Completed", is_detailed=False), False),
        # Somebody has looked closer, and wants to see more of it all the same.
        (structs.replace(RUNNING, status="Completed"), True),
    ],
)
def test_what_a_list_has_shown_to_be_at_rest_is_not_listed_again(
    inventory: Inventory, seen: Fact, is_followed: bool
) -> None:
    inventory.record(JOB, seen)
    assert (JOB in inventory.followed()) is is_followed


def test_follow_and_guard_are_apart(inventory: Inventory) -> None:
    assert (inventory.followed(), inventory.guarded()) == ({JOB}, {ENDPOINT})


def test_who_does_not_care_any_more_is_not_told(inventory: Inventory, told: list[ObjectKey]) -> None:
    inventory.watch(KEY, follow=NONE, guard=NONE)
    inventory.record(JOB, RUNNING)
    assert (told, inventory.followed(), inventory.guarded()) == ([], set(), set())


def test_what_is_forgotten_is_unknown(inventory: Inventory) -> None:
    inventory.watch(KEY, follow=NONE, guard=NONE)
    inventory.record(JOB, RUNNING)
    inventory.forget([JOB])
    assert (inventory.get(JOB), inventory.of(META, [JOB])) == (Unseen.UNKNOWN, {})


def test_what_others_care_for_is_not_forgotten(inventory: Inventory) -> None:
    inventory.record(JOB, RUNNING)
    inventory.forget([JOB])
    assert inventory.get(JOB) == RUNNING


def test_what_one_object_owns_is_a_strangers_to_another(inventory: Inventory) -> None:
    inventory.made(ENDPOINT, SERVING, META.owner)
    assert (inventory.seen_by(META, ENDPOINT), inventory.is_owned(ENDPOINT, META)) == (SERVING, True)
    stranger = Stranger("arn", "ClassifierTraining/vision/digits", SERVING)
    assert (inventory.seen_by(OTHER, ENDPOINT), inventory.is_owned(ENDPOINT, OTHER)) == (stranger, False)


def test_what_is_seen_only_is_nobodys_yet(inventory: Inventory) -> None:
    inventory.record(ENDPOINT, SERVING)
    assert (inventory.seen_by(META, ENDPOINT), inventory.is_owned(ENDPOINT, META)) == (SERVING, False)


def test_who_asks_again_whose_it_is_asks_for_itself_only(inventory: Inventory) -> None:
    inventory.made(ENDPOINT, SERVING, META.owner)
    inventory.doubt_strangers(OTHER, [ENDPOINT])
    assert inventory.seen_by(OTHER, ENDPOINT) is Unseen.UNKNOWN
    assert (inventory.seen_by(META, ENDPOINT), inventory.is_owned(ENDPOINT, META)) == (SERVING, True)
    inventory.identified(OTHER, ENDPOINT, SERVING, META.owner)
    assert isinstance(inventory.seen_by(OTHER, ENDPOINT), Stranger)


def test_who_waits_for_a_strangers_asks_again_at_each_look(inventory: Inventory, told: list[ObjectKey]) -> None:
    inventory.identified(META, ENDPOINT, SERVING, META.owner)
    inventory.identified(OTHER, ENDPOINT, SERVING, META.owner)
    inventory.watch(OTHER.key, follow=NONE, guard=frozenset({ENDPOINT}), strangers=frozenset({ENDPOINT}))
    told.clear()
    inventory.glimpse(ENDPOINT, SERVING)
    assert told == [OTHER.key]
    assert inventory.seen_by(OTHER, ENDPOINT) is Unseen.UNKNOWN
    inventory.identified(OTHER, ENDPOINT, SERVING, Owner())
    assert inventory.seen_by(OTHER, ENDPOINT) == Stranger("arn", "", SERVING)
    # Whoever had it is told that it is nobody's now.
    assert KEY in told


def test_one_that_somebody_has_made_anew_is_nobodys_yet(inventory: Inventory) -> None:
    seen = structs.replace(SERVING, created=START)
    inventory.identified(META, ENDPOINT, seen, META.owner)
    inventory.record(ENDPOINT, structs.replace(seen, created=START + timedelta(milliseconds=1)))
    assert inventory.is_owned(ENDPOINT, META)
    inventory.record(ENDPOINT, structs.replace(seen, created=START + timedelta(minutes=1)))
    assert not inventory.is_owned(ENDPOINT, META)


def test_aws_own_time_of_what_was_just_made_says_nothing_of_its_owner(inventory: Inventory) -> None:
    inventory.made(ENDPOINT, structs.replace(SERVING, created=START), META.owner)
    inventory.record(ENDPOINT, structs.replace(SERVING, created=START + timedelta(seconds=20)))
    assert inventory.is_owned(ENDPOINT, META)


THERE = "arn:aws:iam::222222222222:role/Classifiers"


def test_who_is_cared_for_is_found_by_what_an_arn_says(inventory: Inventory) -> None:
    found = inventory.cared_for("123456789012", ResourceType.ENDPOINT, "us-east-1", "endpoint")
    assert found == (ENDPOINT,)
    assert inventory.cared_for("123456789012", ResourceType.ENDPOINT, "eu-west-1", "endpoint") == ()
    assert inventory.cared_for("123456789012", ResourceType.TRAINING_JOB, "us-east-1", "endpoint") == ()
    inventory.watch(KEY, follow=NONE, guard=NONE)
    assert inventory.cared_for("123456789012", ResourceType.ENDPOINT, "us-east-1", "endpoint") == ()


def test_who_is_still_cared_for_by_another_is_found(inventory: Inventory) -> None:
    other = KEY._replace(name="other")
    inventory.watch(other, follow=NONE, guard=frozenset({ENDPOINT}))
    inventory.watch(KEY, follow=NONE, guard=NONE)
    assert inventory.cared_for("1", ResourceType.ENDPOINT, "us-east-1", "endpoint") == (ENDPOINT,)


def test_what_another_account_tells_is_not_of_a_role_elsewhere(inventory: Inventory) -> None:
    place = Place("us-east-1", THERE)
    elsewhere = Resource(place, ResourceType.ENDPOINT, "EndPoint")
    inventory.watch(KEY._replace(name="other"), follow=frozenset({elsewhere}), guard=NONE)
    found = inventory.cared_for("222222222222", ResourceType.ENDPOINT, "us-east-1", "endpoint")
    # Whose account the operator's own identity is in, nobody has said.
    assert set(found) == {ENDPOINT, elsewhere}
    assert inventory.cared_for("333333333333", ResourceType.ENDPOINT, "us-east-1", "endpoint") == (ENDPOINT,)


@pytest.mark.parametrize(
    ("told", "is_doubted"),
    [
        ("2026-03-01T12:01:00+00:00", True),
        ("2026-03-01T12:00:05+00:00", False),
        ("2026-03-01T11:00:00+00:00", False),
        ("yesterday", False),
    ],
)
def test_an_endpoint_that_others_have_seen_later_is_looked_at_again(told: str, is_doubted: bool) -> None:
    inventory = Inventory(changed=lambda key: None, clock=lambda: 0.0)
    endpoint = Resource(Place("us-east-1"), ResourceType.ENDPOINT, "digits")
    seen = EndpointView(name="digits", arn="arn", status="InService", modified=datetime(2026, 3, 1, 12, tzinfo=UTC))
    inventory.record(endpoint, seen)
    inventory.doubt_older([endpoint], told)
    assert inventory.get(endpoint) == (Unseen.UNKNOWN if is_doubted else seen)


@pytest.mark.parametrize("is_late", [False, True], ids=["asked before", "asked afterwards"])
def test_what_was_asked_before_a_change_does_not_undo_it(
    inventory: Inventory, clock: FakeClock, *, is_late: bool
) -> None:
    """An answer may be seconds on its way: an endpoint that is being moved must not look as if it were not."""
    inventory.record(ENDPOINT, SERVING)
    asked_at = clock.seconds
    clock.seconds += 1
    inventory.changed(ENDPOINT, structs.replace(SERVING, status="Updating"))
    if is_late:
        clock.seconds += 1
        asked_at = clock.seconds
    inventory.glimpse(ENDPOINT, SERVING, asked_at)
    view = inventory.get(ENDPOINT)
    assert isinstance(view, EndpointView)
    assert view.status == ("InService" if is_late else "Updating")
