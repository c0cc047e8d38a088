"""A namespace's wall: which of its defaults are final, and which places at AWS are beyond it.

Pure. The namespace's annotation `enforce` names defaults. A field that says otherwise is refused before AWS is called,
and what is on record in another region, or by another role, is not called there either: a status may be older than the
wall, or written by a hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from classifier_operator.api.kinds import ENFORCE_ANNOTATION, GROUP
from classifier_operator.api.ledger import Place, Resource
from classifier_operator.reconcile.decision import Defaults, SpecError

REGION = "region"
ROLE = "role-arn"
ASSUMED_ROLE = "assume-role-arn"
DELETION_POLICY = "deletion-policy"
NAMES = (REGION, ROLE, ASSUMED_ROLE, DELETION_POLICY)
DELETION_POLICIES = ("Stop", "Delete", "Retain")

# What is beyond the wall is named in messages, up to so many.
SHOWN = 5
_QUOTED = 64
_OWN_IDENTITY = "the operator's own identity"
_POLICY_FIELD = "spec.deletionPolicy"


class Fields(Protocol):
    """The fields of a spec that have defaults; "" where one is absent."""

    @property
    def region(self) -> str: ...
    @property
    def role_arn(self) -> str: ...
    @property
    def assume_role_arn(self) -> str: ...
    @property
    def deletion_policy(self) -> str: ...


def enforced_by(annotation: str | None) -> tuple[frozenset[str], str]:
    """Return the names of the defaults that are final, and what is wrong with the annotation, "" where nothing is.

    The annotation is a list of names, with commas between them. Of one that has anything else in it, or nothing,
    nobody knows which wall was meant: all defaults are final, and nothing is done before it is corrected.
    """
    if annotation is None:
        return frozenset(), ""
    words = [word.strip() for word in annotation.split(",")]
    unknown = [word for word in words if word not in NAMES]
    if not unknown:
        return frozenset(words), ""
    known = ", ".join(NAMES)
    return frozenset(NAMES), (
        f"the namespace's annotation {ENFORCE_ANNOTATION} has {unknown[0][:_QUOTED]!r} in it, which is none of "
        f"{known}: nothing is done before it is corrected"
    )


def refusal_of(spec: Fields, defaults: Defaults, *, policy: str) -> str:
    """Return why the spec says what its namespace has made final; "" where it does not.

    policy: the deletion policy of an object of its kind where nobody names one.
    """
    if defaults.enforcement_problem:
        return defaults.enforcement_problem
    fields = (
        (REGION, "spec.region", spec.region, defaults.region),
        (ROLE, "spec.roleArn", spec.role_arn, defaults.role_arn),
        (ASSUMED_ROLE, "spec.assumeRoleArn", spec.assume_role_arn, defaults.assume_role_arn),
        (DELETION_POLICY, _POLICY_FIELD, spec.deletion_policy, defaults.deletion_policy or policy),
    )
    return "; ".join(
        f"{path}: {given} is not allowed: {_final(name, default)}"
        for name, path, given, default in fields
        if name in defaults.enforced and given not in ("", default)
    )


def policy_of(deletion_policy: str, defaults: Defaults, *, otherwise: str) -> str:
    """Return what becomes of what is at AWS when the object is deleted.

    A namespace's annotations are checked by nobody: where one is misspelt nothing is guessed, for a guess may delete.

    Raises:
        SpecError: the annotation names no policy, or nobody knows whether it is final.

    """
    is_final = DELETION_POLICY in defaults.enforced
    chosen = ("" if is_final else deletion_policy) or defaults.deletion_policy or otherwise
    if chosen not in DELETION_POLICIES:
        known = ", ".join(DELETION_POLICIES)
        advice = "" if is_final else f"; {_POLICY_FIELD} goes before it"
        raise SpecError(DELETION_POLICY, f"the namespace's annotation is {chosen!r}, which is none of {known}{advice}")
    if defaults.enforcement_problem and deletion_policy not in ("", chosen):
        raise SpecError(_POLICY_FIELD, defaults.enforcement_problem)
    return chosen


def is_beyond(place: Place, defaults: Defaults) -> bool:
    """Return whether the wall keeps the operator from calling anything there for the namespace's objects."""
    is_elsewhere = REGION in defaults.enforced and place.region != defaults.region
    is_another = ASSUMED_ROLE in defaults.enforced and place.assume_role_arn != defaults.assume_role_arn
    return is_elsewhere or is_another


def within(resources: Iterable[Resource], defaults: Defaults) -> list[Resource]:
    """Return those that the operator may call."""
    return [one for one in resources if not is_beyond(one.place, defaults)]


def note_of(resources: Iterable[Resource], defaults: Defaults) -> str:
    """Return what to say of those that are beyond the wall; "" where none is."""
    lost = [one for one in resources if is_beyond(one.place, defaults)]
    if not lost:
        return ""
    shown = ", ".join(_described(one) for one in lost[:SHOWN])
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return (
        f"the namespace's annotation {ENFORCE_ANNOTATION} lets the operator neither look at nor touch what was made "
        f"elsewhere: {shown}{more}"
    )


def waiting_note_of(resources: Iterable[Resource], defaults: Defaults) -> str:
    """Return the same with what ends the wait of an object that is being deleted."""
    note = note_of(resources, defaults)
    field = f"the annotation {GROUP}/{DELETION_POLICY}" if DELETION_POLICY in defaults.enforced else _POLICY_FIELD
    return f"{note}: allow it again, or let go of it by {field} Retain" if note else ""


def _final(name: str, default: str) -> str:
    rule = f"the namespace's annotation {ENFORCE_ANNOTATION} makes {name} final"
    if default:
        return f"{rule}, which is {default}"
    if name == ASSUMED_ROLE:
        return f"{rule}, which is {_OWN_IDENTITY}"
    return f"{rule}, and neither the namespace nor the operator has one"


def _described(resource: Resource) -> str:
    role = resource.place.assume_role_arn or _OWN_IDENTITY
    return f"{resource.type} {resource.name} in {resource.place.region} by {role}"
