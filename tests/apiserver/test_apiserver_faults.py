"""The API server goes away and comes back."""

from __future__ import annotations

from collections.abc import Callable

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, training, until


def test_work_goes_on_after_the_api_server_was_away(world: World, start: Callable[..., OperatorProcess]) -> None:
    start()
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    world.cluster.stop_apiserver()
    world.cluster.start_apiserver()
    world.wait_for("ctrain", "digits", "Completed")
    world.apply(training("other"))
    world.wait_for("ctrain", "other", "Completed")
    assert world.calls("CreateTrainingJob") == 2


def test_what_was_deleted_while_nobody_watched_is_noticed(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start("--resync-interval", "1")
    world.apply(training(suspend=True))
    world.wait_for("ctrain", "digits", "Suspended")
    gauge = 'classifier_operator_objects{condition="Ready",kind="ClassifierTraining",reason="Suspended"} 1.0'
    until(lambda: gauge in operator.get("/metrics"), "the object to be counted")
    world.delete("ctrain", "digits")
    until(lambda: gauge not in operator.get("/metrics"), "the object to be forgotten")
