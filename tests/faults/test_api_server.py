"""The API server is away, answers with errors, forgets; and etcd behind it takes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.world import until
from tests.faults.groups import LONG
from tests.faults.objects import Name
from tests.faults.proxy import ApiProxy, Fault, is_event, is_status_write
from tests.faults.sizes import SIZE, TIMEOUT
from tests.faults.stage import Stage

pytestmark = [
    pytest.mark.timeout(TIMEOUT),
    # urllib3 leaves the socket of a connection open whose handshake fails, because the server has just been killed.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]
# Each Event that could not be published may be missed by the next one.
MANY = 10_000


@pytest.fixture
def proxy(stage: Stage, tmp_path: Path) -> Iterator[ApiProxy]:
    """A server between the operator and the API server; the operator is started anew behind it."""
    with ApiProxy(stage.world.cluster, tmp_path, stage.chance) as proxy:
        stage.operator.kill()
        stage.operator = stage.another(proxy.kubeconfig)
        stage.operator.start()
        watches(proxy)
        yield proxy
        stage.operator.kill()


def watches(proxy: ApiProxy) -> None:
    """Wait until the operator watches both kinds."""
    until(lambda: proxy.watches == 2, "both kinds to be watched")


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_restarted(stage: Stage, kill: bool) -> None:
    cluster = stage.world.cluster
    with stage.stirred() as stir:
        for _ in range(SIZE.restarts):
            stir.go_on()
            cluster.kill_apiserver() if kill else cluster.stop_apiserver()
            time.sleep(stage.chance.uniform(0, 3))
            cluster.start_apiserver()
        stir.go_on()
    stage.audit(lost_events=MANY)


@pytest.mark.parametrize("is_after", [False, True], ids=["refusing", "having done it"])
def test_answers_500(stage: Stage, proxy: ApiProxy, is_after: bool) -> None:
    with stage.stirred() as stir:
        stir.go_on()
        proxy.fault = Fault(500, "etcdserver: request timed out", is_after=is_after)
        time.sleep(SIZE.refusing_seconds)
        proxy.fault = None
        stir.go_on()
    assert proxy.met["PATCH status"] > 0
    stage.audit(lost_events=MANY)


@pytest.mark.parametrize("hangs", [False, True], ids=["refused", "hanging"])
def test_events_are_away(stage: Stage, proxy: ApiProxy, hangs: bool) -> None:
    """Nothing waits for them, and what is known at AWS and in the statuses is as true as ever."""
    with stage.stirred() as stir:
        proxy.fault = Fault(503, "no Events today", is_event, hangs=hangs)
        end = time.monotonic() + SIZE.events_seconds
        while time.monotonic() < end:
            stir.go_on()
        until(lambda: proxy.met["POST events"] > 0, "an Event not to be taken")
        before = len(stage.world.aws.calls("CreateTrainingJob"))
        until(lambda: len(stage.world.aws.calls("CreateTrainingJob")) > before, "the operator to go on", 120)
        proxy.fault = None
    stage.audit(lost_events=MANY)


def test_status_writes_meet_conflicts(stage: Stage, proxy: ApiProxy) -> None:
    with stage.stirred() as stir:
        message = "the object has been modified; please apply your changes to the latest version and try again"
        proxy.fault = Fault(409, message, is_status_write, fraction=0.5)
        for number in range(SIZE.rounds * 20):
            # Real ones, too: somebody writes into the objects between the operator's look and its word.
            for name in stage.population.of("busy"):
                stage.population.objects.patch(name, {"metadata": {"annotations": {"looked-at": str(number)}}})
        stir.go_on()
        proxy.fault = None
    assert proxy.met["PATCH status"] > 0
    stage.audit(lost_events=MANY)


def test_compacted_while_the_operator_does_not_look(stage: Stage, proxy: ApiProxy) -> None:
    cluster, population, stir = stage.world.cluster, stage.population, stage.stirred()
    for number in range(SIZE.rounds):
        before = proxy.gone
        with stir:
            stage.operator.pause()
            proxy.cut_watches()
            stir.go_on(5)
            for name in population.of("variants")[number : number + 1]:
                population.delete(name)
            cluster.compact()
            # What it has in its memory it would still show.
            cluster.stop_apiserver()
            cluster.start_apiserver()
            stir.go_on(2)
            proxy.is_deaf = False
            stage.operator.wake()
            until(lambda: proxy.gone > before, "a watch to be told that it is too old")  # noqa: B023 - called here
            watches(proxy)
            stir.go_on(2)
    stage.audit(lost_events=MANY)


def test_objects_deleted_while_the_operator_is_away(stage: Stage) -> None:
    population = stage.population
    going = ("served", "completed", "busy", "starting", "training", "creating", "updating", "suspending", "quota")
    stage.operator.kill()
    with stage.stirred():
        for state in (*going, "refused", "unheard", "suspended", "waiting", "broken", "rolled-back", "scaled"):
            for name in population.of(state)[-1:]:
                population.delete(name)
        stage.operator.start()
    stage.audit(lost_events=MANY)


def test_etcd_takes_no_writes(stage: Stage) -> None:
    cluster = stage.world.cluster
    with stage.stirred() as stir:
        for _ in range(SIZE.rounds):
            stir.go_on()
            cluster.refuse_writes()
            time.sleep(SIZE.refusing_seconds / SIZE.rounds)
            cluster.accept_writes()
    assert "database space exceeded" in stage.operator.log.read_text()
    stage.audit(lost_events=MANY)


def test_edited_fifty_times_in_a_second(stage: Stage) -> None:
    population, aws = stage.population, stage.world.aws
    population.begin()
    trainings, endpoints = population.of("busy", "ctrain"), population.of("busy", "cep")
    # Jobs that nobody stops run on.
    aws.change_settings(training={"training_seconds": LONG})
    for number in range(SIZE.rounds):
        training, endpoint = trainings[number % len(trainings)], endpoints[number % len(endpoints)]
        began = time.monotonic()
        for count in range(50):
            population.objects.edit(training, {"hyperparameters": {"epochs": 100 + 50 * number + count}})
        print(f"50 edits in {time.monotonic() - began:.2f} s")
        for count in range(50):
            population.objects.edit(endpoint, {"instanceType": ("ml.m5.large", "ml.m5.xlarge")[count % 2]})
        until(lambda: _epochs_at_work(stage, training) == [149 + 50 * number], "the last of them to be what runs")  # noqa: B023 - called here
    stage.audit()


def _epochs_at_work(stage: Stage, training: Name) -> list[int]:
    """The epochs of the jobs that run for a training."""
    prefix = f"{stage.world.namespace}-{training.name}-"
    running = {one["name"] for one in stage.world.aws.resources() if one["status"] == "InProgress"}
    calls = stage.world.aws.calls("CreateTrainingJob")
    made = {
        call["resource"]: call["request"] for call in calls if call["effect"] and call["resource"].startswith(prefix)
    }
    return [int(made[name]["HyperParameters"]["epochs"]) for name in made.keys() & running]
