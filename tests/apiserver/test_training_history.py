"""What an onlooker sees of a whole life while AWS throttles three calls in ten: every version of the status."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from typing import Any

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import Json, World, training, until

WAY = ["Starting", "Downloading", "Training", "Uploading", "Completed"]
# At the emulator's clock.
_STATE_SECONDS = 400


class Watch:
    """Every version of an object that the API server has told of, oldest first."""

    def __init__(self) -> None:
        self.versions: list[Json] = []

    def read(self, stream: Any) -> None:
        """Take what `kubectl get --watch -o json` prints, object after object."""
        decoder, text = json.JSONDecoder(), ""
        for line in stream:
            text += line
            if line == "}\n":
                self.versions.append(decoder.decode(text))
                text = ""

    def headlines(self) -> list[str]:
        """The reasons of the condition that matters most, each as often as it was come to."""
        reasons = [reason for version in self.versions if (reason := _headline(version.get("status", {})))]
        return [reason for reason, _ in groupby(reasons)]


def _headline(status: Json) -> str:
    conditions = {one["type"]: one["reason"] for one in status.get("conditions", ())}
    return next((conditions[kind] for kind in ("Stalled", "Reconciling", "Ready") if kind in conditions), "")


@contextmanager
def watching(world: World, name: str) -> Iterator[Watch]:
    """Watch an object."""
    command = [str(world.cluster.kubectl_path), "--kubeconfig", str(world.cluster.kubeconfig), "-n", world.namespace]
    command += ["get", "ctrain", name, "--watch", "-o", "json"]
    watch = Watch()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=watch.read, args=(process.stdout,))
        reader.start()
        try:
            yield watch
        finally:
            process.terminate()
            reader.join(30)


@pytest.fixture
def slow(world: World) -> World:
    """Each state lasts for some sweeps."""
    states = ("starting_seconds", "downloading_seconds", "training_seconds", "uploading_seconds")
    world.aws.change_settings(training=dict.fromkeys(states, _STATE_SECONDS))
    return world


def _live(world: World) -> None:
    """Made, trained, edited in the middle of the next run, trained again."""
    world.wait_for("ctrain", "digits", "Completed", seconds=120)
    # However often its stop is throttled, it does not end by itself before.
    world.aws.change_settings(training={"training_seconds": 50 * _STATE_SECONDS})
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    world.wait_for("ctrain", "digits", "Training", seconds=120)
    world.aws.change_settings(training={"training_seconds": _STATE_SECONDS})
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 4}})
    world.wait_for("ctrain", "digits", "Starting", seconds=120)
    world.wait_for("ctrain", "digits", "Completed", seconds=120)
    ends = ["Completed", "Completed", "Stopped"]
    until(lambda: sorted(world.jobs()) == ends, "the one in the middle to be stopped", state=world.jobs)


def test_a_whole_life_under_throttling_is_told_once_and_in_order(
    slow: World, start: Callable[..., OperatorProcess]
) -> None:
    start()
    slow.aws.throttle_randomly(0.3)
    slow.apply(training(suspend=True))
    slow.wait_for("ctrain", "digits", "Suspended")
    with watching(slow, "digits") as watch:
        until(lambda: watch.versions, "the watch to begin")
        slow.patch_spec("ctrain", "digits", {"suspend": False})
        _live(slow)
        events = slow.events("digits")
        until(lambda: watch.headlines() == slow.events("digits"), "each transition to be one Event")
        slow.kubectl("delete", "ctrain", "digits", "--timeout=60s")
    slow.aws.throttle_randomly(0)
    assert "ThrottlingException" in str(slow.aws.outcome_counts())
    _tells_nothing_but_the_way(events)
    _holds_generations(watch.versions)
    _moves_times_only_with_statuses(watch.versions)


def _tells_nothing_but_the_way(events: list[str]) -> None:
    """Not one state twice in a run, none before its time, and no word of throttling.

    A state may end unseen, when every look at it was throttled.
    """
    suspended, *rest = events
    assert suspended == "Suspended"
    begins = [at for at, reason in enumerate(rest) if reason == "Starting"]
    runs = [rest[begin:end] for begin, end in pairwise([*begins, len(rest)])]
    assert [run[-1] for run in runs] == ["Completed", "Training", "Completed"]
    for run in runs:
        assert run == [reason for reason in WAY if reason in run]
    assert sum(map(len, runs)) == len(rest)


def _holds_generations(versions: list[Json]) -> None:
    """A status is about one generation, that of the object or an earlier one, and never goes back."""
    observed = []
    for version in versions:
        status = version["status"]
        observed.append(status["observedGeneration"])
        assert {one["observedGeneration"] for one in status["conditions"]} == {status["observedGeneration"]}
        assert status["observedGeneration"] <= version["metadata"]["generation"]
    assert observed == sorted(observed)
    # To ask for deletion is another generation, which needs no new status where nothing is left to do.
    settled = [version for version in versions if "deletionTimestamp" not in version["metadata"]]
    assert settled[-1]["status"]["observedGeneration"] == settled[-1]["metadata"]["generation"]


def _moves_times_only_with_statuses(versions: list[Json]) -> None:
    for before, after in pairwise(versions):
        earlier = {one["type"]: one for one in before["status"]["conditions"]}
        for condition in after["status"]["conditions"]:
            known = earlier.get(condition["type"])
            if known is not None and known["status"] == condition["status"]:
                assert known["lastTransitionTime"] == condition["lastTransitionTime"]
