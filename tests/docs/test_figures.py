"""The figures that pages quote are those of the code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from classifier_operator.endpoint.presence import MOST_REMAKE_DELAY, REMAKE_DELAY
from classifier_operator.reconcile.decision import TAG_VALUE_LENGTH
from classifier_operator.reconcile.trouble import ACCESS_PATIENCE, BUSY_PATIENCE
from classifier_operator.runtime.importing.transfer import MEMORY
from classifier_operator.runtime.looks import PAGE_SIZE
from classifier_operator.runtime.pacing.rates import FIRST_RATE, MOST_RATE
from classifier_operator.runtime.pacing.shares import MOST_OF_NAMESPACE, MOST_OF_PLACE, MOST_OF_REGION, MOST_THREADS
from classifier_operator.runtime.troubles import WAIT_SECONDS
from classifier_operator.sagemaker.names import MAX_LENGTH
from classifier_operator.training.retry import RETRY_DELAY
from tests.docs.pages import pages

WORDS = {1: "a", 2: "two", 5: "five", 10: "ten", 100: "hundred"}


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("operations/tuning.md", f"begins with {WORDS[int(FIRST_RATE)]} calls a second"),
        ("operations/tuning.md", f"by default {MOST_RATE:.0f}"),
        ("operations/tuning.md", f"{MOST_OF_PLACE} calls to one service in an account and region"),
        (
            "operations/tuning.md",
            f"{MOST_OF_NAMESPACE} of one namespace, {MOST_OF_REGION} to a region, and {MOST_THREADS} in all",
        ),
        ("operations/tuning.md", f"one List for each {WORDS[PAGE_SIZE]} resources"),
        ("operations/tuning.md", f"{MEMORY // 1024**2} MiB of parts at most"),
        ("concepts/README.md", f"cut to {MAX_LENGTH} characters"),
        ("concepts/ownership.md", f"cut at {TAG_VALUE_LENGTH} characters"),
        ("concepts/trainings.md", f"after {RETRY_DELAY.seconds} seconds, doubling"),
        ("concepts/endpoints.md", f"after {WORDS[_minutes(REMAKE_DELAY)]} minute, doubling up to an hour"),
        ("concepts/refusals.md", f"every {WAIT_SECONDS[0]:.0f} seconds at first"),
        ("concepts/refusals.md", f"every {WAIT_SECONDS[1] // 60:.0f} minutes at last"),
        ("concepts/refusals.md", f"after {_minutes(ACCESS_PATIENCE)} minutes `AccessDenied`"),
    ],
)
def test_a_page_quotes_the_code(page: str, says: str) -> None:
    assert says in " ".join(pages()[page].split())


def test_what_pages_say_in_words() -> None:
    assert timedelta(hours=1) == MOST_REMAKE_DELAY
    assert timedelta(seconds=30) == BUSY_PATIENCE
    assert "longer than half a minute" in pages()["concepts/refusals.md"]
