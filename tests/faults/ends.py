"""What must be true of an object once all faults are over."""

from __future__ import annotations

from dataclasses import dataclass

from tests.apiserver.world import Json, condition, reason_of


@dataclass(frozen=True)
class End:
    """The reasons of its conditions, "" for one that is absent; `is_gone` where the object must not exist.

    is_unknown: whether the object can tell nothing of how it is.
    """

    ready: str = ""
    is_ready: bool = False
    is_unknown: bool = False
    reconciling: str = ""
    stalled: str = ""
    is_gone: bool = False

    def missing_in(self, body: Json | None) -> str:
        """What is not yet so, or "" when all is."""
        if self.is_gone or body is None:
            return "" if self.is_gone and body is None else "is still there" if body else "does not exist"
        if "deletionTimestamp" in body["metadata"]:
            return f"is being deleted, which nobody has asked for: {_said(body)}"
        status = body.get("status", {})
        generation = body["metadata"]["generation"]
        if status.get("observedGeneration") != generation:
            return f"generation {generation} is not observed: {_said(body)}"
        wanted = (self.ready, "Unknown" if self.is_unknown else str(self.is_ready), self.reconciling, self.stalled)
        found = (
            reason_of(status, "Ready"),
            condition(status, "Ready").get("status", ""),
            reason_of(status, "Reconciling"),
            reason_of(status, "Stalled"),
        )
        return "" if found == wanted else f"ought to be {wanted}: {_said(body)}"


def settled(reason: str) -> End:
    """Ready, and nothing else to say."""
    return End(ready=reason, is_ready=True)


def waiting(reason: str) -> End:
    """On the way."""
    return End(ready=reason, reconciling=reason)


def stalled(reason: str, ready: str = "") -> End:
    """Not without somebody; with another reason of Ready where something serves."""
    return End(ready=ready or reason, is_ready=bool(ready), stalled=reason)


COMPLETED = settled("Completed")
IN_SERVICE = settled("InService")
SUSPENDED = End(ready="Suspended")
GONE = End(is_gone=True)
# It is in another account than the operator's credentials are of.
MISMATCHED = End(ready="AccountMismatch", is_unknown=True, reconciling="AccountMismatch")


def _said(body: Json) -> str:
    conditions = body.get("status", {}).get("conditions", ())
    return "; ".join(f"{one['type']}={one['status']} {one['reason']}: {one['message'][:200]}" for one in conditions)
