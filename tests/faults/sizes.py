"""How long the faults last: the short form that every `make test` runs, or the full one of `make faults`."""

from __future__ import annotations

import os
import random
import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The figures of one form.

    kills, terminations: how often the operator is ended.
    outage_speed: emulated seconds per second while AWS is away, which it is for `outage_seconds` emulated ones.
    throttled_seconds: real seconds of throttling.
    refusing_seconds: real seconds for which the API server, or etcd behind it, refuses.
    events_seconds: real seconds for which no Event can be published.
    changes_after_snapshot: what users do between a snapshot of etcd and its restore, about one thing in half a second.
    restarts: of the API server.
    rounds: of whatever else is done again and again.
    settling_seconds: in which everything has to be as it should once the fault is over.
    """

    kills: int
    terminations: int
    outage_speed: float
    throttled_seconds: float
    refusing_seconds: float
    events_seconds: float
    changes_after_snapshot: int
    restarts: int
    rounds: int
    settling_seconds: float = 240.0
    outage_seconds: float = 300.0


SHORT = Size(
    kills=20,
    terminations=3,
    outage_speed=30.0,
    throttled_seconds=20.0,
    refusing_seconds=12.0,
    events_seconds=12.0,
    changes_after_snapshot=20,
    restarts=2,
    rounds=2,
)
FULL = Size(
    kills=200,
    terminations=20,
    outage_speed=1.0,
    throttled_seconds=300.0,
    refusing_seconds=120.0,
    events_seconds=300.0,
    changes_after_snapshot=240,
    restarts=10,
    rounds=10,
)
IS_FULL = os.environ.get("FAULTS", "short") == "full"
SIZE = FULL if IS_FULL else SHORT
# Real seconds for one test.
TIMEOUT = 3600 if IS_FULL else 600
# The short form does the same each time, the full one something else, unless it is told what.
SEED = int(os.environ.get("FAULTS_SEED") or (secrets.randbelow(1_000_000) if IS_FULL else 1))


def chance(of: str) -> random.Random:
    """The randomness of one test; what is printed with a failure repeats it."""
    print(f"FAULTS_SEED={SEED}")
    return random.Random(f"{SEED}:{of}")
