"""Three shards: every object in exactly one of them, models that another shard trains, and other numbers of shards."""

from __future__ import annotations

from collections.abc import Sequence

from classifier_operator.runtime.election.shards import shard_of
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.replicas import Replicas, is_leading, leads, made, says
from tests.apiserver.test_replicas import TAKEOVER
from tests.apiserver.world import World, endpoint, training, until


def start_all(replicas: Replicas, count: int) -> list[OperatorProcess]:
    return [replicas.start("--shard", f"{number}/{count}") for number in range(1, count + 1)]


def named(world: World, shard: int, count: int = 3) -> str:
    """A name whose objects are in that shard."""
    names = (f"digits-{index}" for index in range(1000))
    return next(name for name in names if shard_of(world.namespace, name, count) == shard)


def who_wrote(process: OperatorProcess, names: Sequence[str]) -> set[str]:
    """The objects that a process has said something about."""
    log = process.log.read_text()
    return {name for name in names if f"/{name}: " in log}


def test_every_object_is_in_exactly_one_shard(world: World, replicas: Replicas) -> None:
    shards = start_all(replicas, 3)
    names = [f"model-{number}" for number in range(12)]
    world.apply(*map(training, names))
    for name in names:
        world.wait_for("ctrain", name, "Completed")
    wrote = [who_wrote(process, names) for process in shards]
    assert wrote == [{name for name in names if shard_of(world.namespace, name, 3) == number} for number in (1, 2, 3)]
    assert all(wrote)
    assert len(made(world)) == len(names)
    assert replicas.leases() == [f"classifier-operator-{number}-of-3" for number in (1, 2, 3)]


def test_an_endpoint_follows_a_training_of_another_shard(world: World, replicas: Replicas) -> None:
    start_all(replicas, 3)
    source, follower = named(world, 1), named(world, 2)
    world.apply(endpoint(follower, trainingRef={"name": source}))
    world.wait_for("cep", follower, "WaitingForTraining")
    world.apply(training(source))
    before = world.wait_for("cep", follower, "InService")
    assert before["variants"][0]["trainingJobName"] == world.status("ctrain", source)["jobName"]
    world.patch_spec("ctrain", source, {"hyperparameters": {"epochs": 3}})
    until(
        lambda: (
            world.status("cep", follower)["variants"][0]["trainingJobName"] != before["variants"][0]["trainingJobName"]
        ),
        "the endpoint to follow",
    )
    world.wait_for("cep", follower, "InService")
    # And it goes on serving what it has when that training is deleted.
    world.delete("ctrain", source)
    world.patch_spec("cep", follower, {"instanceType": "ml.m5.xlarge"})
    until(lambda: world.calls("UpdateEndpoint") == 2, "the endpoint to be changed all the same")
    world.wait_for("cep", follower, "InService")


def test_a_killed_shard_is_taken_over_and_the_others_go_on(world: World, replicas: Replicas) -> None:
    _, killed, _ = start_all(replicas, 3)
    standby = replicas.start("--shard", "2/3")
    killed.kill()
    lease = "classifier-operator-2-of-3"
    last_renewal = replicas.time("renewTime", lease)
    others, own = named(world, 1), named(world, 2)
    world.apply(training(others), training(own))
    world.wait_for("ctrain", others, "Completed")
    leads(standby)
    assert replicas.time("acquireTime", lease) - last_renewal < TAKEOVER
    world.wait_for("ctrain", own, "Completed")
    assert len(made(world)) == 2


def test_two_numbers_of_shards_never_act_at_once(world: World, replicas: Replicas) -> None:
    """From three to two: both sets run for a while, and the new one waits for the last of the old."""
    old = start_all(replicas, 3)
    names = [f"model-{number}" for number in range(6)]
    world.apply(*map(training, names))
    for process in old:
        leads(process)
    new = start_all(replicas, 2)
    for process in new:
        says(process, "waiting: the shards are another number than 2")
        assert process.get("/readyz") == "ok"
    for name in names:
        world.wait_for("ctrain", name, "Completed")
    assert not any(map(is_leading, new))
    assert [process.stop() for process in old[:2]] == [0, 0]
    # The third one still works, alone; what is changed now waits for the new ones or is the third's.
    for name in names:
        world.patch_spec("ctrain", name, {"hyperparameters": {"epochs": 3}})
    thirds = [name for name in names if shard_of(world.namespace, name, 3) == 3]
    until(lambda: len(made(world)) == len(names) + len(thirds), "the third's to be trained again")
    assert not any(map(is_leading, new))
    assert old[2].stop() == 0
    for process in new:
        leads(process)
    until(lambda: len(made(world)) == 2 * len(names), "all to be trained again")
    for name in names:
        world.wait_for("ctrain", name, "Completed")
        assert world.job(name)["HyperParameters"]["epochs"] == "3"
    assert len(set(made(world))) == 2 * len(names)
    assert replicas.leases() == ["classifier-operator-1-of-2", "classifier-operator-2-of-2"]


def test_a_killed_set_of_another_number_is_waited_out(world: World, replicas: Replicas) -> None:
    old = replicas.start()
    leads(old)
    old.kill()
    new = start_all(replicas, 2)
    for process in new:
        says(process, "waiting: the shards are another number than 2 for classifier-operator")
    for process in new:
        leads(process)
    assert replicas.leases() == ["classifier-operator", "classifier-operator-1-of-2", "classifier-operator-2-of-2"]
