"""Only what differs is written, and each transition is told once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit import builders
from tests.unit.fakes import FakeClock, FakeCluster, Points, is_held, merged

from classifier_operator.api.kinds import FINALIZER
from classifier_operator.api.names import is_object_name
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError
from classifier_operator.runtime.store import Store
from classifier_operator.runtime.write import NOTE_LIMIT, Writer, headline, merge_patch, news_of

SCALARS = st.booleans() | st.integers() | st.text(max_size=5)
# A merge patch cannot say null: the API server drops what is null, and our statuses have none.
LEAVES = SCALARS | st.lists(SCALARS, max_size=3)
NAMES = st.sampled_from("abcd")
STATUSES = st.dictionaries(NAMES, LEAVES | st.dictionaries(NAMES, LEAVES, max_size=3), max_size=4)


# A loaded machine is slow to make examples, and that is nothing about the code.


@given(before=STATUSES, after=STATUSES)
def test_the_patch_makes_the_one_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(before, merge_patch(before, after)) == after


@given(status=STATUSES)
def test_nothing_changed_is_no_patch(status: dict[str, Any]) -> None:
    assert merge_patch(status, status) == {}


def test_only_what_differs_is_in_the_patch() -> None:
    before = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1]}
    assert merge_patch(before, {"a": 1, "b": {"c": 1, "d": 3}}) == {"b": {"d": 3}, "e": None}


def saying(kind: str, reason: str, message: str = "words") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": message}]}


NEWS: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str, bool] | None]] = {
    "first": ({}, saying("Reconciling", "Starting"), ("Starting", "words", False)),
    "the same": (saying("Ready", "Completed"), saying("Ready", "Completed"), None),
    "other words": (saying("Ready", "Completed"), saying("Ready", "Completed", "more"), None),
    "another reason": (
        saying("Reconciling", "Starting"),
        saying("Reconciling", "Training"),
        ("Training", "words", False),
    ),
    "stalled": (saying("Reconciling", "Starting"), saying("Stalled", "JobFailed"), ("JobFailed", "words", True)),
    "rolling back": (
        saying("Reconciling", "Updating"),
        saying("Reconciling", "RollingBack"),
        ("RollingBack", "words", True),
    ),
    "nothing to say": (saying("Ready", "Completed"), {}, None),
}


@pytest.mark.parametrize(("before", "after", "news"), NEWS.values(), ids=NEWS.keys())
def test_news(before: dict[str, Any], after: dict[str, Any], news: tuple[str, str, bool] | None) -> None:
    assert news_of(before, after) == news


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        (["Ready"], "Ready"),
        (["Ready", "Reconciling"], "Reconciling"),
        (["Ready", "Reconciling", "Stalled"], "Stalled"),
    ],
    ids=len,
)
def test_the_headline_is_what_matters_most(kinds: list[str], kind: str) -> None:
    conditions = [{"type": one, "reason": one} for one in kinds]
    assert headline({"conditions": conditions}) == (kind, kind, "")


@pytest.mark.parametrize("conditions", [None, "none", {"Ready": "True"}, ["Ready"], [{}], [{"type": "Ready"}]])
def test_conditions_that_make_no_sense_say_nothing(conditions: Any) -> None:
    assert headline({"conditions": conditions}) is None


class Setting:
    """A writer over a cluster that has one training."""

    def __init__(self) -> None:
        self.cluster = FakeCluster(Points())
        self.key = self.cluster.create(builders.training())
        self.store = Store(lambda key, before, after: None)
        self.writer = Writer(self.cluster, self.store, FakeClock(), "test", self.cluster.post_event)

    @property
    def body(self) -> dict[str, Any]:
        return self.cluster.objects[self.key]


@pytest.fixture
def setting() -> Setting:
    return Setting()


async def test_each_write_has_a_higher_number_than_all_before(setting: Setting) -> None:
    """Also where those before are not there any more."""
    numbers = [0]
    losses: tuple[dict[str, Any], ...] = ({}, {}, {"status": {}}, {"status": {"revision": 1}})
    for words, loss in zip("1234", losses, strict=True):
        setting.body.update(loss)
        await setting.writer.status(setting.key, setting.body, saying("Ready", "Completed", words))
        assert setting.body["status"]["revision"] > max(numbers)
        numbers.append(setting.body["status"]["revision"])


async def test_a_status_is_written_once(setting: Setting) -> None:
    status = saying("Ready", "Completed")
    body = await setting.writer.status(setting.key, dict(setting.body), status)
    await setting.writer.status(setting.key, body, status)
    assert (setting.cluster.writes, len(setting.cluster.events)) == (1, 1)


async def test_sentences_of_a_status_and_its_event_show_no_secret(setting: Setting) -> None:
    """Whoever made them: this is the last place before everybody may read them."""
    secret = "x-amz-security-token: cAnArY0123456789"
    status = {
        **saying("Stalled", "InternalError", secret),
        "failureReason": secret,
        "rolledBack": {"reason": secret, "modelName": "token=5f2c9a81"},
        "history": ({"jobName": "digits", "failureReason": secret},),
        "artifactS3Uri": "s3://bucket/x?token=5f2c9a81",
    }
    body = await setting.writer.status(setting.key, dict(setting.body), status)
    await setting.writer.status(setting.key, body, status)
    assert "cAnArY" not in str(setting.body["status"]) + str(setting.cluster.events)
    assert str(setting.body["status"]).count("x-amz-security-token: ***") == 4
    assert setting.body["status"]["artifactS3Uri"] == "s3://bucket/x?token=5f2c9a81"
    assert setting.body["status"]["rolledBack"]["modelName"] == "token=5f2c9a81"
    assert (setting.cluster.writes, len(setting.cluster.events)) == (1, 1)


async def test_an_event_and_a_refusal_of_a_status_show_no_secret(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The API server may repeat what it refuses."""
    secret = "x-amz-security-token: cAnArY0123456789"
    patch = setting.cluster.patch

    async def refusing(key: Any, change: Any, *, status: bool = False) -> dict[str, Any]:
        if change["status"]["conditions"][0]["reason"] == "Completed":
            raise ClusterUnavailableError(f"Request entity too large: {secret}", status=413)
        return await patch(key, change, status=status)

    monkeypatch.setattr(setting.cluster, "patch", refusing)
    with pytest.raises(ClusterUnavailableError):
        await setting.writer.status(setting.key, setting.body, saying("Ready", "Completed"))
    await setting.writer.announce(setting.key, setting.body, "Odd", secret, is_warning=True)
    shown = f"{setting.body['status']} {setting.cluster.events} {caplog.text}"
    assert "cAnArY" not in shown
    assert "x-amz-security-token: ***" in str(setting.body["status"])
    assert len(setting.cluster.events) == 2


async def test_a_status_is_not_written_over_an_edit(setting: Setting) -> None:
    old = {**setting.body, "metadata": dict(setting.body["metadata"])}
    setting.cluster.edit(setting.key, lambda body: body["spec"].update(suspend=True))
    with pytest.raises(ConflictError):
        await setting.writer.status(setting.key, old, saying("Ready", "Completed"))


async def test_the_finalizer_is_added_once_and_beside_others(setting: Setting) -> None:
    setting.body["metadata"]["finalizers"] = ["other"]
    body = await setting.writer.hold(setting.key, setting.body)
    await setting.writer.hold(setting.key, body)
    assert setting.body["metadata"]["finalizers"] == ["other", FINALIZER]
    assert setting.cluster.writes == 1


async def test_only_our_own_finalizer_is_taken_off(setting: Setting) -> None:
    setting.body["metadata"]["finalizers"] = ["other", FINALIZER]
    await setting.writer.release(setting.key, setting.body)
    assert not is_held(setting.body)
    assert setting.body["metadata"]["finalizers"] == ["other"]


async def test_an_object_that_is_gone_is_released_quietly(setting: Setting) -> None:
    body = setting.body
    setting.cluster.objects.clear()
    await setting.writer.release(setting.key, body)
    assert setting.store.get(setting.key) is None


async def test_a_long_note_is_cut_to_what_an_event_takes(setting: Setting) -> None:
    await setting.writer.status(setting.key, setting.body, saying("Ready", "Completed", "ä" * 2000))
    ((_, _, note),) = setting.cluster.events
    assert len(note.encode()) <= NOTE_LIMIT


@pytest.mark.parametrize(
    "name", ["a" * 253, f"{'a' * 229}-{'b' * 9}", f"{'a' * 229}.{'b' * 9}", f"{'a' * 227}---{'b' * 9}"]
)
async def test_an_event_has_a_name_that_an_object_may_have(setting: Setting, name: str) -> None:
    published: list[Any] = []

    async def publish(event: Any) -> None:
        published.append(event)

    key = setting.cluster.create(builders.training(name))
    writer = Writer(setting.cluster, setting.store, FakeClock(), "test", publish)
    await writer.status(key, setting.cluster.objects[key], saying("Ready", "Completed"))
    [event] = published
    assert is_object_name(event["metadata"]["name"])
    assert event["involvedObject"]["name"] == name
