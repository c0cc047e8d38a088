"""The two smallest operators that hold an object back until they have cleaned up: kopf's way, and our own.

Both do nothing but that, so what they cost is what the way costs. With the argument `broken` their clean-up fails with
an error that is not tried again, as a defect in it would.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, CustomObjectsApi

RESOURCE = ("classifiers.sagemaker.dev", "v1alpha1", "classifiertrainings")
FINALIZER = "classifiers.sagemaker.dev/finalizer"


def daemon_per_object(registry: kopf.OperatorRegistry, *, is_broken: bool) -> None:
    """kopf's way: a daemon that waits for its end; kopf adds and removes its finalizer."""

    @kopf.daemon(*RESOURCE, registry=registry)
    async def follow(stopped: kopf.DaemonStopped, **_: Any) -> None:
        await stopped.wait()
        if is_broken:
            raise kopf.PermanentError("the clean-up has a defect")


def events_and_own_finalizer(registry: kopf.OperatorRegistry, *, is_broken: bool) -> None:
    """Our way: watch events, and the finalizer by patches of our own."""
    clients: list[CustomObjectsApi] = []

    @kopf.on.startup(registry=registry)
    async def connect(**_: Any) -> None:
        await config.load_kube_config()
        clients.append(CustomObjectsApi(ApiClient()))

    @kopf.on.cleanup(registry=registry)
    async def disconnect(**_: Any) -> None:
        await clients[0].api_client.close()

    @kopf.on.event(*RESOURCE, registry=registry)
    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        metadata = event["object"]["metadata"]
        held = FINALIZER in metadata.get("finalizers", ())
        if event["type"] != "DELETED" and held == ("deletionTimestamp" in metadata):
            if held and is_broken:
                raise kopf.PermanentError("the clean-up has a defect")
            wanted = [] if held else [FINALIZER]
            await clients[0].patch_namespaced_custom_object(
                *RESOURCE[:2],
                metadata["namespace"],
                RESOURCE[2],
                metadata["name"],
                {"metadata": {"finalizers": wanted}},
                _content_type="application/merge-patch+json",
            )


WAYS = {"daemon": daemon_per_object, "event": events_and_own_finalizer}


def main() -> None:
    """Run the way that the first argument names, until a signal ends it."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(kopf.login_via_client)
    WAYS[sys.argv[1]](registry, is_broken="broken" in sys.argv[2:])
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{FINALIZER}-of-kopf"
    settings.queueing.idle_timeout = 1
    asyncio.run(kopf.operator(registry=registry, settings=settings, standalone=True, clusterwide=True))


if __name__ == "__main__":
    main()
