"""Where an object's resources are looked for, and what it says while they are: the same for both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from msgspec import Struct

from classifier_operator.api.conditions import Reason, Verdict, working
from classifier_operator.api.ledger import Place, Resource
from classifier_operator.reconcile.decision import Defaults, Seen, SpecError, place_of
from classifier_operator.reconcile.past import Past, SearchCall
from classifier_operator.reconcile.tenants import Allowance, addressed
from classifier_operator.reconcile.trouble import delay_of, note_of, verdict_of
from classifier_operator.reconcile.walls import within


class Searched(Struct, frozen=True, kw_only=True, dict=True):
    """Where to look for what an object may have, by its spec and by what its ledger names.

    wall: why its namespace does not let the spec say what it says; "" where it does.
    """

    past: Past
    region: str
    assume_role_arn: str
    defaults: Defaults
    allowed: Allowance
    wall: str
    known: Sequence[Resource]

    @cached_property
    def _asked_for(self) -> tuple[Place | None, str]:
        """The place that the spec names; None, and why, where there is none that may be used."""
        try:
            place = place_of(self.region, self.assume_role_arn, self.defaults)
            refusal = self.wall or self.allowed.refusal_of(addressed(self.region, self.assume_role_arn, self.defaults))
        except SpecError as error:
            return None, str(error)
        return (None, refusal) if refusal else (place, "")

    @property
    def places(self) -> tuple[Place, ...]:
        """The places, each once."""
        place, _ = self._asked_for
        known = within(self.known, self.defaults)
        return tuple(dict.fromkeys([*([place] if place else []), *(one.place for one in known)]))

    @property
    def problem(self) -> str:
        """Why nothing can be looked for; "" where something can."""
        place, problem = self._asked_for
        return problem if self.past is Past.LOST and place is None else ""

    @property
    def needs_nothing(self) -> bool:
        """Whether there is no place in which something of an object could be whose status looks whole."""
        return not self.places and not self.problem


def leaves(region: str, spec_region: str, defaults: Defaults) -> bool:
    """Whether an object goes to another region than its status tells: afterwards nobody looks there any more."""
    return region not in ("", spec_region or defaults.region)


def searching(
    call: SearchCall | None, problem: str, *, underway: Reason, seen: Seen, now: datetime
) -> tuple[Verdict | None, tuple[SearchCall, ...]]:
    """What the object says while its resources are looked for, if there is something to say; and the search.

    problem: why nothing can be looked for.
    """
    is_ending = underway is Reason.DELETING
    if call is None:
        words = f"what there is at AWS is not known, for the status was lost, and nothing is looked for: {problem}"
        return working(underway, words), ()
    trouble = seen.trouble_with(call.resource)
    words = "looking at AWS for what the status may not name"
    if trouble is not None and trouble.is_pausing(now):
        if is_ending:
            return working(underway, f"{words}; {note_of(trouble)}"), ()
        if trouble.is_brief(now):
            return delay_of(trouble, underway), ()
        return verdict_of(trouble, now, underway=underway), ()
    return (working(underway, words) if is_ending else None), (call,)
