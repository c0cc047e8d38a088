"""What Application Auto Scaling refuses on SageMaker's behalf; moto, which does the rest, knows no endpoints."""

from __future__ import annotations

import json
import re
from typing import Any

from sagemaker_emulator import errors
from sagemaker_emulator.store import ScopeKey
from sagemaker_emulator.world import World

OPERATION = "application-autoscaling.RegisterScalableTarget"
_VARIANT = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")


def check_target(world: World, key: ScopeKey, body: bytes) -> None:
    """Raise AWS's refusal unless the variant to be scaled is in service."""
    params = _params(body)
    if params.get("ServiceNamespace") != "sagemaker":
        return
    found = _VARIANT.fullmatch(str(params.get("ResourceId", "")))
    if found is None:
        # The text is unconfirmed.
        raise errors.validation(f"Unsupported resource id for service namespace sagemaker: {params.get('ResourceId')}")
    if not _is_in_service(world, key, *found.groups()):
        raise errors.validation("The status should be in 'InService' to register it as a scalable target")


def _params(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body)
    except ValueError:
        raise errors.malformed("The request body is not valid JSON.") from None
    return params if isinstance(params, dict) else {}


def _is_in_service(world: World, key: ScopeKey, name: str, variant: str) -> bool:
    scope, now = world.scope(key), world.clock.now()
    with scope.lock:
        endpoint = scope.endpoints.get(name, now)
        phase = endpoint.phase(now) if endpoint else None
    if phase is None or phase.status != "InService":
        return False
    return any(known.name == variant for known in phase.variants)
