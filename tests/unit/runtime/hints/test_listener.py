"""Events are passed on and deleted; whatever is wrong with them or with the queue is waited out, and told once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from tests.unit.fakes import FakeClock
from tests.unit.runtime.hints.fake_queue import Queue, of

from classifier_operator.api.ledger import ResourceType
from classifier_operator.runtime.hints.events import Hint
from classifier_operator.runtime.hints.listener import QUIET_SECONDS, Listener, Outcome
from classifier_operator.runtime.troubles import Backoff
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind

GONE = classify("ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
DENIED = classify("ReceiveMessage", "AccessDeniedException", "User: op is not authorized")
THROTTLED = classify("ReceiveMessage", "RequestThrottled", "Rate exceeded")
UNAVAILABLE = classify("ReceiveMessage", "EndpointConnectionError", "nobody answers", 0)


class Waits(Backoff):
    """How long would have been waited for what."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[RefusalKind, int]] = []

    def delay(self, refusal: AwsRefusal, count: int) -> float:
        self.asked.append((refusal.kind, count))
        return 0.0


class Setting:
    """A listener between fakes, where one job is cared for."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.queue = Queue(*answers)
        self.clock = FakeClock()
        self.waits = Waits()
        self.hints: list[Hint] = []
        self.outcomes: list[Outcome] = []
        self.ages: list[float] = []
        self.listener = Listener(
            "https://sqs/events",
            self.queue,
            self.clock,
            self.waits,
            hint=self._hint,
            counted=self.outcomes.append,
            aged=self.ages.append,
        )

    async def run(self) -> None:
        """Until the queue has nothing more to say."""
        task = asyncio.create_task(self.listener.run())
        async with asyncio.timeout(5):
            await self.queue.is_silent.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def _hint(self, hint: Hint) -> bool:
        self.hints.append(hint)
        return hint.name == "ours"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.hints.listener.QUIET_SECONDS", 0.0)


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the operator's own lines: asyncio has something to say of a busy machine as well."""
    return [one for one in caplog.records if one.name.startswith("classifier_operator")]


async def test_events_are_passed_on_and_deleted() -> None:
    setting = Setting([of("ours"), of("theirs"), "{"], [of("ours")])
    await setting.run()
    assert [hint.name for hint in setting.hints] == ["ours", "theirs", "ours"]
    assert setting.hints[0].type is ResourceType.TRAINING_JOB
    assert setting.outcomes == [Outcome.USED, Outcome.UNCLAIMED, Outcome.MALFORMED, Outcome.USED]
    assert setting.queue.deleted == [of("ours"), of("theirs"), "{", of("ours")]
    assert setting.waits.asked == []


async def test_a_doubled_event_is_the_same_hint_twice() -> None:
    setting = Setting([of("ours"), of("ours")])
    await setting.run()
    assert len(set(setting.hints)) == 1
    assert setting.outcomes == [Outcome.USED] * 2


async def test_ages_are_measured_where_events_tell_their_time() -> None:
    times = ("2026-03-01T11:59:00Z", "2026-03-01T12:00:07Z", "some day")
    setting = Setting([of("ours", time) for time in times])
    await setting.run()
    # What comes from the future is a matter of clocks.
    assert setting.ages == [60.0, 0.0]
    assert setting.outcomes == [Outcome.USED] * 3


@pytest.mark.parametrize("refusal", [GONE, DENIED, THROTTLED, UNAVAILABLE], ids=lambda one: one.kind.value)
async def test_a_refusal_is_waited_out_and_told_once(refusal: AwsRefusal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "classifier_operator")
    setting = Setting([of("ours")], refusal, refusal, refusal, [of("ours")], [of("ours")])
    await setting.run()
    assert setting.waits.asked == [(refusal.kind, count) for count in (1, 2, 3)]
    assert len(setting.queue.deleted) == 3
    assert [record.getMessage() for record in told(caplog)] == [
        f"no events of https://sqs/events, sweeps go on: {refusal}",
        "events of https://sqs/events come again",
    ]


async def test_another_trouble_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting(DENIED, GONE, GONE)
    await setting.run()
    assert setting.waits.asked == [(DENIED.kind, 1), (GONE.kind, 1), (GONE.kind, 2)]
    assert [record.levelname for record in told(caplog)] == ["WARNING"] * 2


async def test_what_cannot_be_deleted_has_been_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting([of("ours")], [of("ours")])
    setting.queue.refusals = [DENIED]
    await setting.run()
    assert len(setting.hints) == 2
    assert setting.queue.deleted == [of("ours")]
    assert len(told(caplog)) == 1


async def test_what_nobody_has_foreseen_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting(RuntimeError("a bug"), [of("ours")])
    await setting.run()
    assert setting.outcomes == [Outcome.USED]
    assert setting.waits.asked == [(RefusalKind.UNAVAILABLE, 1)]
    assert "a bug" in caplog.text


async def test_it_ends_in_the_middle_of_a_long_poll() -> None:
    setting = Setting()
    await setting.run()
    assert setting.queue.was_left


async def test_a_queue_that_does_not_wait_is_not_asked_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.hints.listener.QUIET_SECONDS", QUIET_SECONDS)
    setting = Setting([], [of("ours")], [])
    assert await setting.listener._take(0.0) == QUIET_SECONDS
    assert await setting.listener._take(0.0) == 0.0
    setting.clock.seconds = 20.0
    assert await setting.listener._take(0.0) == 0.0
