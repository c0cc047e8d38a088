"""What is there: the names of all resources, for tests that must leave nothing behind, and how each got where it is."""

from __future__ import annotations

from typing import Any

from sagemaker_emulator import timeline
from sagemaker_emulator.records import Endpoint, ScalableTarget, TrainingJob
from sagemaker_emulator.store import Table
from sagemaker_emulator.world import Scope, World


def tables(scope: Scope) -> dict[str, Table[Any]]:
    """The scope's tables by the kind's name in the control API."""
    return {
        "training-jobs": scope.jobs,
        "models": scope.models,
        "endpoint-configs": scope.configs,
        "endpoints": scope.endpoints,
    }


def left(world: World, *, with_s3: bool = False) -> list[dict[str, Any]]:
    """Each resource of every account and region: kind, name, account, region, status, tags.

    A scalable target also has its bounds and its policies.
    """
    found = [item for scope in world.scopes() for item in _of_scope(scope, world.clock.now())]
    return found + (_objects(world) if with_s3 else [])


def timelines(world: World, kind: str) -> list[dict[str, Any]]:
    """The states that each training job or endpoint has had, with the emulated times at which they began.

    Raises:
        ValueError: resources of this kind have no states.

    """
    if kind not in ("training-jobs", "endpoints"):
        raise ValueError(f"kind must be training-jobs or endpoints, not {kind!r}")
    return [item for scope in world.scopes() for item in _timelines_of(scope, kind, world.clock.now())]


def _timelines_of(scope: Scope, kind: str, now: float) -> list[dict[str, Any]]:
    with scope.lock:
        return [
            {
                "name": record.name,
                "account": scope.key.account,
                "region": scope.key.region,
                "created": record.created,
                "phases": [_phase(phase) for phase in timeline.until(record.phases, now)],
            }
            for record in tables(scope)[kind]
            if record.exists(now)
        ]


def _phase(phase: Any) -> dict[str, Any]:
    return {"at": phase.at, "status": phase.status, "secondary": getattr(phase, "secondary", "")}


def _of_scope(scope: Scope, now: float) -> list[dict[str, Any]]:
    with scope.lock:
        resources = [
            {
                "kind": kind,
                "name": record.name,
                "arn": record.arn,
                "account": scope.key.account,
                "region": scope.key.region,
                "status": _status(record, now),
                "tags": dict(record.tags),
            }
            for kind, table in tables(scope).items()
            for record in table
            if record.exists(now)
        ]
        return resources + [_target(scope, target) for target in scope.targets.values()]


def _target(scope: Scope, target: ScalableTarget) -> dict[str, Any]:
    return {
        "kind": "scalable-targets",
        "name": target.resource_id,
        "arn": target.arn,
        "account": scope.key.account,
        "region": scope.key.region,
        "status": "",
        "tags": {},
        "minimum": target.minimum,
        "maximum": target.maximum,
        "policies": [dict(policy) for policy in target.policies.values()],
    }


def _status(record: Any, now: float) -> str:
    return record.phase(now).status if isinstance(record, (TrainingJob, Endpoint)) else ""


def _objects(world: World) -> list[dict[str, Any]]:
    """The objects in S3 of every account that has been seen."""
    accounts = {world.settings.account, *(scope.key.account for scope in world.scopes())}
    return [item for account in sorted(accounts) for item in _objects_of(world, account)]


def _objects_of(world: World, account: str) -> list[dict[str, Any]]:
    s3 = world.moto.client("s3", account=account, region=world.settings.region)
    return [
        {"kind": "s3-objects", "name": f"s3://{bucket['Name']}/{item['Key']}", "account": account}
        for bucket in s3.list_buckets()["Buckets"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
        for item in page.get("Contents", ())
    ]
