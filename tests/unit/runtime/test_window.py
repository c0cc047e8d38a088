"""Never more than so many calls in so many seconds, whenever each of them arrives."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from classifier_operator.runtime.pacing.window import Window


def test_the_first_are_free_and_the_next_waits_for_an_answer_and_a_second() -> None:
    window = Window(2, 1.0)
    assert window.opens_in(0.0) == 0
    window.sent(0.0)
    window.sent(1.0)
    assert window.opens_in(5.0) > 0
    window.answered(5.0)
    assert window.opens_in(5.25) == 0.75
    assert window.opens_in(6.0) == 0


def test_they_are_sent_evenly() -> None:
    window = Window(2, 1.0)
    window.sent(0.0)
    window.answered(0.25)
    assert window.opens_in(0.25) == 0.2
    # One that is handed over early counts from when it is sent.
    window.sent(0.5)
    window.answered(0.75)
    assert window.opens_in(0.75) == 0.5
    assert window.opens_in(1.25) == 0
    assert Window(2, 4.0).opens_in(0.0) == 0


def test_the_least_of_a_second_that_is_left_opens_it_for_no_more_than_there_is_room_for() -> None:
    window = Window(1, 1.0)
    for answered in (0.0, 0.9999):
        window.sent(answered)
        window.answered(answered)
    assert window.opens_in(0.99999) > 0.99


delays = st.floats(0, 3)


@example(1, [(1.5619660714563937, 2.0483149290466076, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)])
@given(st.integers(1, 3), st.lists(st.tuples(delays, delays, st.floats(0, 1)), max_size=40))
def test_no_span_has_more(count: int, calls: list[tuple[float, float, float]]) -> None:
    window, now = Window(count, 1.0), 0.0
    sendings: list[float] = []
    arrivals: list[float] = []
    answers: list[float] = []
    for pause, took, share in calls:
        now += pause
        # Answers come while somebody waits.
        while answers and (answers[0] <= now or window.opens_in(now) > 0):
            now = max(now, answers[0])
            window.answered(answers.pop(0))
        now += max(0.0, window.opens_in(now))
        window.sent(now)
        sendings.append(now)
        arrivals.append(now + took * share)
        answers = sorted([*answers, now + took])
    arrivals.sort()
    for first, last in zip(arrivals, arrivals[count:], strict=False):
        assert last - first >= 1.0 - 1e-9
    assert all(later - earlier >= 0.9 / count - 1e-9 for earlier, later in pairwise(sendings))
