"""Starts kopf around the operator, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any, cast

import kopf

# Imported for its decorators, which put the handlers into kopf's default registry.
from classifier_operator import handlers  # noqa: F401
from classifier_operator.api.kinds import GROUP
from classifier_operator.app import Operator
from classifier_operator.settings import Settings


class EndlessBackoff:
    """Seconds between tries when the API server is away: for ever, at most half a minute.

    kopf's own list ends after a minute, and kopf with it; an upgrade of a control plane takes longer. It is iterated
    anew for each request, so it must not be a generator.
    """

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1, 1, 2, 3, 5, 8, 13, 21), itertools.repeat(30))


def run(settings: Settings) -> None:
    """Run until a signal ends it."""
    memo = kopf.Memo(operator=Operator(settings))
    asyncio.run(
        kopf.operator(
            registry=kopf.get_default_registry(),
            settings=_kopf_settings(),
            memo=memo,
            # kopf would make one up from the user's name, which a container's user need not have; its type is private.
            identity=cast(Any, settings.identity),
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
        )
    )


def _kopf_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.peering.standalone = True
    # kopf takes its own finalizer off whatever it thinks needs none: it must not think so of ours.
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP, v1=False)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP, v1=False)
    settings.queueing.idle_timeout = 1
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30
    settings.watching.chunk_size = 500
    settings.networking.error_backoffs = EndlessBackoff()
    settings.process.ultimate_exiting_timeout = 60
    return settings
