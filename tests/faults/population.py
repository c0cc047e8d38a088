"""A hundred objects of both kinds in all states, made on real parts; and what they wait for, once it comes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.apiserver.world import BUCKET, Json, World, condition, until
from tests.faults.ends import GONE, End
from tests.faults.groups import GROUPS, LONG, Group
from tests.faults.objects import Name, Objects

# AWS in a hurry: whatever begins now has ended within seconds.
FAST: Json = {
    "training": {
        "work": "none",
        "starting_seconds": 30,
        "downloading_seconds": 10,
        "training_seconds": 60,
        "uploading_seconds": 10,
        "stopping_seconds": 30,
        "deleting_seconds": 10,
        "capacity_wait_seconds": 1800,
    },
    "endpoint": {
        "creating_seconds": 60,
        "failing_seconds": 60,
        "updating_seconds": 60,
        "rolling_back_seconds": 30,
        "scaling_seconds": 30,
        "deleting_seconds": 20,
        "load_model": False,
    },
    "elastic_inference": {"available": False},
}
# What is made long for those that are to be in the middle of it.
_HELD: Mapping[str, Json] = {
    "starting": {"training": {"starting_seconds": LONG}},
    "downloading": {"training": {"downloading_seconds": LONG}},
    "training": {"training": {"training_seconds": LONG}},
    "uploading": {"training": {"uploading_seconds": LONG}},
    "waiting": {"training": {"capacity_wait_seconds": LONG}},
    "creating": {"endpoint": {"creating_seconds": LONG}},
    "retrying": {},
}
_MANY = 1000
_SECONDS = 120.0
INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


class Population:
    """The objects, and how each has to end."""

    def __init__(self, world: World, objects: Objects) -> None:
        self.world = world
        self.objects = objects
        self.ends: dict[Name, End] = {name: group.end for group in GROUPS for name in group.names}
        self._began = world.aws.now()

    def make(self) -> None:
        """Bring all objects into their states."""
        world = self.world
        world.aws.change_settings(**FAST)
        for model in ("model", "other"):
            world.s3.put_object(Bucket=BUCKET, Key=f"models/{model}/model.tar.gz", Body=b"a model")
        self._order()
        self._create(group for group in GROUPS if group.kind == "cep" and not group.begun)
        for held in ("training", "starting", "downloading", "uploading", "waiting"):
            self._create_held(held)
        self._create(group for group in GROUPS if group.kind == "ctrain" and not group.begun)
        self._move()
        self._create_held("creating", seen="Creating")
        self._create_held("retrying", seen="Failed")
        self._reach((name, group.at) for group in GROUPS for name in group.names)

    def begin(self) -> None:
        """The fault begins: what is retained is deleted in this very moment."""
        for name in self.of("retained"):
            self.objects.delete(name)

    def release(self) -> None:
        """The faults are over: what takes long ends, and what was waited for comes."""
        aws = self.world.aws
        assert aws.now() - self._began < LONG, "the fault has outlasted what was to be in the middle of it"
        aws.change_settings(**FAST)
        aws.clear_faults()
        self._refuse("refused")
        aws.set_quota("ml.p2.xlarge", "training job", None)
        aws.set_shortage("ml.p3.8xlarge", "training job", short=False)
        for name in (*self.of("quota"), *self.of("throttled"), *self.of("unassumed")):
            # Its user does not want to wait for the next try.
            self.objects.edit(name, {"hyperparameters": {"epochs": 3}})
        aws.advance(2 * LONG)

    def create(self, manifest: Json, kind: str, end: End) -> None:
        """One more object."""
        self.objects.create(manifest)
        self.ends[Name(kind, manifest["metadata"]["name"])] = end

    def delete(self, name: Name) -> None:
        """One fewer."""
        self.objects.delete(name)
        self.ends[name] = GONE

    def of(self, state: str, kind: str = "") -> list[Name]:
        """The objects of a state."""
        return [name for group in GROUPS if group.state == state and kind in ("", group.kind) for name in group.names]

    def _order(self) -> None:
        """What AWS will do to them, by their names."""
        aws, prefix = self.world.aws, self.world.namespace
        for state, result in (("failed", "fail"), ("stopped", "stop"), ("outlasted", "max_runtime")):
            aws.order("training", result, name=f"{prefix}-{state}-*", count=_MANY)
        for name in self.of("retried"):
            aws.order("training", "fail", INTERNAL, name=f"{prefix}-{name.name}-*-1")
        aws.order("creation", "fail", "ClientError: no ping", name=f"{prefix}-broken-*", count=_MANY)
        aws.order("update", "roll_back", "an alarm went off", name=f"{prefix}-rolled-back-*", count=_MANY)
        aws.set_quota("ml.p2.xlarge", "training job", 0)
        aws.set_shortage("ml.p3.8xlarge", "training job")
        self.stand()

    def stand(self) -> None:
        """The refusals that are a part of the states: they have to be there again after all faults were cleared."""
        self._refuse("refused")
        self._refuse("throttled", code="ThrottlingException", message="Rate exceeded")
        self._refuse("unassumed", message="Could not assume role. Please ensure that the role exists.")

    def _refuse(
        self, state: str, *, code: str = "ValidationException", message: str = "1 validation error detected: no."
    ) -> None:
        resource = f"{self.world.namespace}-{state}-*"
        self.world.aws.fail_next("CreateTrainingJob", None, code=code, message=message, status=400, resource=resource)

    def _create(self, groups: Iterable[Group]) -> None:
        for group in groups:
            for name in group.names:
                self.objects.create(group.manifest(name))

    def _create_held(self, held: str, seen: str = "InProgress") -> None:
        """Make those that are to be held in that, and wait until AWS has begun with all of them."""
        aws = self.world.aws
        aws.change_settings(**_HELD[held])
        groups = [group for group in GROUPS if group.begun == held]
        self._create(groups)
        starts = tuple(f"{self.world.namespace}-{name.name}-" for group in groups for name in group.names)

        def have_begun() -> bool:
            found = [one for one in aws.resources() if one["status"] == seen and one["name"].startswith(starts)]
            return len(found) == len(starts)

        until(have_begun, f"AWS to begin with what is to be held in {held}", _SECONDS)
        aws.change_settings(**FAST)

    def _move(self) -> None:
        """From the states that they were made in into those that they are to be in."""
        objects, aws = self.objects, self.world.aws
        moved = [group for group in GROUPS if group.state in _MOVED]
        self._reach((name, _BEFORE[group.kind]) for group in moved for name in group.names)
        for name in self.of("rolled-back"):
            objects.edit(name, {"instanceType": "ml.m5.xlarge"})
        self._reach((name, group.at) for group in GROUPS if group.state == "rolled-back" for name in group.names)
        aws.change_settings(
            training={"stopping_seconds": LONG}, endpoint={"updating_seconds": LONG, "deleting_seconds": LONG}
        )
        for name in self.of("updating"):
            objects.edit(name, {"instanceType": "ml.m5.xlarge"})
        for name in self.of("suspending"):
            objects.edit(name, {"suspend": True})
        for name in self.of("superseded"):
            objects.edit(name, {"hyperparameters": {"epochs": 5}})
        for name in (*self.of("ending"), *self.of("vanishing")):
            objects.delete(name)
        self._reach((name, group.at) for group in moved for name in group.names)
        aws.change_settings(**FAST)

    def _reach(self, wanted: Iterable[tuple[Name, tuple[str, str]]]) -> None:
        """Wait until each of these says what is wanted."""
        missing = list(wanted)

        def have_reached() -> bool:
            bodies = self.objects.all()
            missing[:] = [(name, at) for name, at in missing if not _is_at(bodies[name], *at)]
            return not missing

        def left() -> dict[str, Any]:
            bodies = self.objects.all()
            return {str(name): bodies[name].get("status", {}).get("conditions") for name, _ in missing}

        until(have_reached, "the population to be in its states", _SECONDS, left)


# These get into their states by something that is done to them once they run or serve.
_BEFORE = {"ctrain": ("Ready", "Training"), "cep": ("Ready", "InService")}
_MOVED = ("rolled-back", "updating", "suspending", "superseded", "ending", "vanishing")


def _is_at(body: Json, kind: str, pattern: str) -> bool:
    found = condition(body.get("status", {}), kind)
    return bool(found) and re.match(f"(?s){pattern}", f"{found['reason']}: {found.get('message', '')}") is not None
