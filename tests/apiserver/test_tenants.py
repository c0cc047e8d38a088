"""What a namespace may use, by a file that is mounted and changed as a ConfigMap is, on real parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.serving import NAME, of_model, settled
from tests.apiserver.world import BUCKET, World, condition, reason_of, training, until

ALL = "tenants: [{{namespaces: ['{namespace}']}}]"
MACHINES = "tenants: [{{namespaces: ['test-*'], instanceTypes: [{machines}], buckets: [{buckets}]}}]"


class Mounted:
    """A folder as the kubelet mounts a ConfigMap: a link is turned when it changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = 0
        self.file = folder / "tenants.yaml"
        self.file.symlink_to("..data/tenants.yaml")

    def write(self, text: str) -> None:
        self._version += 1
        version = self._folder / f"..{self._version}"
        version.mkdir()
        (version / "tenants.yaml").write_text(text)
        new = self._folder / "..data_tmp"
        new.symlink_to(version.name)
        new.rename(self._folder / "..data")

    def allow(self, *machines: str, buckets: str = BUCKET) -> None:
        self.write(MACHINES.format(machines=", ".join(machines), buckets=buckets))


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    (tmp_path / "mounted").mkdir()
    return Mounted(tmp_path / "mounted")


@pytest.fixture
def run(start: Callable[..., OperatorProcess], mounted: Mounted) -> Callable[[], OperatorProcess]:
    return lambda: start("--tenants", str(mounted.file), "--namespace-interval", "0.5")


def test_nothing_is_begun_that_is_not_allowed(
    world: World, mounted: Mounted, run: Callable[[], OperatorProcess]
) -> None:
    mounted.allow("ml.m5.*")
    run()
    world.apply(training(), of_model(world, instanceType="ml.c5.large"))
    words = f"is not allowed in namespace {world.namespace}; allowed: ml.m5.*"
    status = world.wait_for("ctrain", "digits", "NotAllowed")
    assert condition(status, "Stalled")["message"] == f"spec.resources.instanceType: ml.p3.2xlarge {words}"
    status = world.wait_for("cep", NAME, "NotAllowed")
    assert condition(status, "Stalled")["message"] == f"spec.instanceType: ml.c5.large {words}"
    assert world.events("digits") == ["NotAllowed", "NotAllowed"]
    # The test itself has put something into S3; the operator has asked for nothing but the account of its credentials.
    asked = {call["operation"] for call in world.aws.calls() if call["service"] != "s3"}
    assert asked <= {"sts.GetCallerIdentity"}
    assert world.remaining() == []
    # An edit mends the one, other rules mend the other; nobody has to touch that.
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.large"})
    settled(world)
    mounted.allow("ml.m5.*", "ml.p3.2xlarge")
    world.wait_for("ctrain", "digits", "Completed")


def test_rules_that_get_tighter_take_nothing_down(
    world: World, mounted: Mounted, run: Callable[[], OperatorProcess]
) -> None:
    world.aws.change_settings(training={"training_seconds": 300})
    mounted.allow("ml.*")
    operator = run()
    world.apply(training(), of_model(world))
    settled(world)
    world.wait_for("ctrain", "digits", "Training")
    before = world.remaining()
    mounted.allow("ml.inf1.*", buckets="other")
    world.wait_for("cep", NAME, "NotAllowed", of="Stalled")
    status = world.wait_for("ctrain", "digits", "NotAllowed", of="Stalled")
    assert condition(status, "Stalled")["message"].endswith("which was begun before, goes on")
    assert reason_of(world.status("cep", NAME), "Ready") == "ServingPrevious"
    world.patch_spec("cep", NAME, {"instanceType": "ml.m5.xlarge"})
    operator.wait_for_more("sweep_seconds_count", 2)
    assert [one[:2] for one in world.remaining()] == [one[:2] for one in before]
    assert world.calls("UpdateEndpoint") == 0
    world.wait_for("ctrain", "digits", "Completed")
    # What is not allowed any more is free to go.
    world.delete("cep", NAME)
    assert [kind for kind, _, _ in world.remaining()] == ["training-jobs"]


def test_a_broken_file_keeps_the_rules(world: World, mounted: Mounted, run: Callable[[], OperatorProcess]) -> None:
    mounted.allow("ml.m5.*")
    operator = run()
    mounted.write("tenants: [{namespaces: ['*'], instanceType: []}]")
    words = "stays as it was: " + str(mounted.file) + ": tenants[0]: Object contains unknown field `instanceType`"
    until(lambda: words in operator.log.read_text(), "the file to be refused")
    world.apply(training())
    world.wait_for("ctrain", "digits", "NotAllowed")
    mounted.write(ALL.format(namespace=world.namespace))
    world.wait_for("ctrain", "digits", "Completed")


def test_it_does_not_start_with_a_broken_file(
    world: World, mounted: Mounted, run: Callable[[], OperatorProcess]
) -> None:
    del world
    mounted.write("tenants: [{namespaces: ['*'], regions: us-east-1}]")
    with pytest.raises(AssertionError, match=r"tenants\[0\]\.regions: Expected `array`, got `str`"):
        run()
