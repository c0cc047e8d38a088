"""`classifier-operator wait`: for CI, which needs an end also where there will be no success."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import click

from classifier_operator.api.kinds import Kind
from classifier_operator.cli.objects import Objects, cluster_options, connect, headline

POLL_SECONDS = 2.0
_SHORT = {"ctrain": Kind.TRAINING, "cep": Kind.ENDPOINT}


class Exit(IntEnum):
    """Exit codes, beside click's 2 for usage; a time-out is an error like any other."""

    READY = 0
    TIMED_OUT = 1
    STALLED = 3


class End(NamedTuple):
    """How the wait ends, and what is printed."""

    code: Exit
    words: str


@click.command(name="wait")
@click.argument("name")
@cluster_options
@click.option("--timeout", type=click.FloatRange(min=0), default=3600.0, show_default=True, help="Seconds to wait.")
def command(*, name: str, namespace: str, kubeconfig: Path | None, timeout: float) -> None:
    """Wait until the object NAME is ready: ctrain/NAME, cep/NAME, or NAME where only one kind has it.

    It ends with exit code 0 once the object is ready as its spec says now, with 3 and the message once that will not
    come about by itself (Stalled, or suspended), and with 1 after the timeout.
    """
    objects = connect(kubeconfig, namespace)
    kind, plain = _named(objects, name)
    end = wait_for(lambda: objects.read(kind, plain), timeout)
    click.echo(f"{kind.value} {objects.namespace}/{plain}: {end.words}", err=end.code is not Exit.READY)
    click.get_current_context().exit(end.code)


def wait_for(
    read: Callable[[], Mapping[str, Any]],
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> End:
    """Read the object until it is at an end, or for so many seconds.

    Raises:
        ClickException: it cannot be read.

    """
    deadline = clock() + timeout
    while True:
        body = read()
        end = end_of(body)
        if end is not None:
            return end
        left = deadline - clock()
        if left <= 0:
            return End(Exit.TIMED_OUT, f"not ready after {timeout:g} s: {headline(body)}")
        sleep(min(POLL_SECONDS, left))


def end_of(body: Mapping[str, Any]) -> End | None:
    """Return how the wait ends with the object as it is; None while it goes on.

    What is said of an older spec is no answer: the operator has not looked at this one yet.
    """
    generation = body["metadata"].get("generation", 1)
    conditions = {
        one["type"]: one
        for one in body.get("status", {}).get("conditions", ())
        if one.get("observedGeneration") == generation
    }
    if _is_true(conditions, "Stalled"):
        return End(Exit.STALLED, headline(body))
    if _is_true(conditions, "Reconciling") or "Ready" not in conditions:
        return None
    if _is_true(conditions, "Ready"):
        return End(Exit.READY, headline(body))
    # Nothing is under way, as while spec.suspend is true. Of Unknown nobody knows that.
    return End(Exit.STALLED, headline(body)) if conditions["Ready"]["status"] == "False" else None


def _is_true(conditions: Mapping[str, Mapping[str, Any]], kind: str) -> bool:
    return kind in conditions and conditions[kind]["status"] == "True"


def _named(objects: Objects, text: str) -> tuple[Kind, str]:
    """Return the kind and the name of an object that is called ctrain/NAME, cep/NAME or NAME."""
    short, slash, name = text.rpartition("/")
    if slash:
        if short not in _SHORT:
            raise click.UsageError(f"{text!r} names no kind: write ctrain/{name} or cep/{name}")
        return _SHORT[short], name
    found = [short for short, kind in _SHORT.items() if objects.find(kind, name)]
    if not found:
        message = f"there is no ClassifierTraining and no ClassifierEndpoint {name} in namespace {objects.namespace}"
        raise click.ClickException(message)
    if len(found) > 1:
        raise click.UsageError(f"both kinds have a {name}: write ctrain/{name} or cep/{name}")
    return _SHORT[found[0]], name
