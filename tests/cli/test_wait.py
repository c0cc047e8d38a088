"""`classifier-operator wait`: how it ends, and with which exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from classifier_operator.api.kinds import Kind
from classifier_operator.cli import main, wait
from classifier_operator.cli.wait import Exit, end_of, wait_for


def said(*conditions: tuple[str, str, str], of: int = 2, generation: int = 2) -> dict[str, Any]:
    """An object of that generation, with conditions (type, status, reason) that speak of generation `of`."""
    listed = [
        {"type": kind, "status": status, "reason": reason, "message": "words", "observedGeneration": of}
        for kind, status, reason in conditions
    ]
    return {"metadata": {"generation": generation}, "status": {"conditions": listed}}


READY = said(("Ready", "True", "InService"))
BUSY = said(("Ready", "False", "Creating"), ("Reconciling", "True", "Creating"))
STALLED = said(("Ready", "False", "JobFailed"), ("Stalled", "True", "JobFailed"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(READY, Exit.READY, id="ready"),
        pytest.param(STALLED, Exit.STALLED, id="stalled"),
        pytest.param(
            said(("Ready", "True", "ServingPrevious"), ("Stalled", "True", "RolledBack")),
            Exit.STALLED,
            id="serves-previous",
        ),
        pytest.param(said(("Ready", "False", "Suspended")), Exit.STALLED, id="suspended"),
        pytest.param(said(("Ready", "True", "ScaledToZero")), Exit.READY, id="scaled-to-zero"),
        pytest.param(BUSY, None, id="busy"),
        pytest.param(said(("Ready", "True", "InService"), ("Reconciling", "True", "Updating")), None, id="updating"),
        pytest.param(said(("Ready", "Unknown", "AccountMismatch")), None, id="unknown"),
        pytest.param(said(("Ready", "True", "InService"), of=1), None, id="ready-of-an-older-spec"),
        pytest.param(
            said(("Ready", "False", "JobFailed"), ("Stalled", "True", "JobFailed"), of=1),
            None,
            id="stalled-of-an-older-spec",
        ),
        pytest.param({"metadata": {}}, None, id="no-status"),
    ],
)
def test_a26_an_object_is_at_an_end_or_not(body: dict[str, Any], code: Exit | None) -> None:
    end = end_of(body)
    assert (None if end is None else end.code) is code


def waited(bodies: Iterable[dict[str, Any]], timeout: float = 100.0) -> tuple[wait.End, float]:
    """Return how the wait ended, and after how many seconds of the clock that only sleeping moves."""
    now, following = [0.0], iter(bodies)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    end = wait_for(lambda: next(following), timeout, clock=lambda: now[0], sleep=sleep)
    return end, now[0]


@pytest.mark.parametrize(("last", "code"), [(READY, Exit.READY), (STALLED, Exit.STALLED)], ids=["ready", "stalled"])
def test_a26_it_ends_as_soon_as_the_object_is_at_an_end(last: dict[str, Any], code: Exit) -> None:
    end, seconds = waited([BUSY, BUSY, last])
    assert (end.code, seconds) == (code, 2 * wait.POLL_SECONDS)


def test_a26_the_timeout_has_a_code_of_its_own_and_says_what_it_waited_for() -> None:
    end, seconds = waited([BUSY] * 10, timeout=5.0)
    assert (end, seconds) == ((Exit.TIMED_OUT, "not ready after 5 s: Creating: words"), 5.0)


class Cluster:
    """A namespace with these objects."""

    namespace = "vision"

    def __init__(self, *objects: tuple[Kind, str, dict[str, Any]]) -> None:
        self._objects = {(kind, name): body for kind, name, body in objects}

    def find(self, kind: Kind, name: str) -> dict[str, Any]:
        return self._objects.get((kind, name), {})

    def read(self, kind: Kind, name: str) -> dict[str, Any]:
        if (kind, name) not in self._objects:
            raise click.ClickException(f"{kind.value} vision/{name}: not found")
        return self._objects[kind, name]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("cep/digits", 0, "ClassifierEndpoint vision/digits: InService: words"),
        ("ctrain/digits", 3, "ClassifierTraining vision/digits: JobFailed: words"),
        ("birds", 1, "ClassifierEndpoint vision/birds: not ready after 0 s: Creating: words"),
        ("digits", 2, "both kinds have a digits: write ctrain/digits or cep/digits"),
        ("pod/digits", 2, "'pod/digits' names no kind: write ctrain/digits or cep/digits"),
        ("cep/none", 1, "ClassifierEndpoint vision/none: not found"),
        ("none", 1, "there is no ClassifierTraining and no ClassifierEndpoint none in namespace vision"),
    ],
)
def test_a26_exit_codes(monkeypatch: pytest.MonkeyPatch, name: str, code: int, words: str) -> None:
    cluster = Cluster(
        (Kind.ENDPOINT, "digits", READY), (Kind.TRAINING, "digits", STALLED), (Kind.ENDPOINT, "birds", BUSY)
    )
    monkeypatch.setattr(wait, "connect", lambda *_: cluster)
    done = CliRunner().invoke(main, ["wait", name, "--timeout", "0"])
    assert done.exit_code == code
    assert words in done.output
