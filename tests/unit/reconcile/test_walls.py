"""Which defaults a namespace has made final, what a spec may still say, and which places are beyond that."""

from __future__ import annotations

from typing import Any

import pytest

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.reconcile.decision import Defaults, SpecError
from classifier_operator.reconcile.walls import (
    NAMES,
    enforced_by,
    is_beyond,
    note_of,
    policy_of,
    refusal_of,
    waiting_note_of,
)

ROLE = "arn:aws:iam::222222222222:role/Classifiers"
OTHER = "arn:aws:iam::333333333333:role/Classifiers"
OWN = Place("us-east-1", ROLE)


def defaults(*enforced: str, **changes: Any) -> Defaults:
    given: dict[str, Any] = {"region": "us-east-1", "role_arn": "execution", "assume_role_arn": ROLE}
    return Defaults(**{**given, **changes}, enforced=frozenset(enforced))


def refused(known: Defaults, **fields: Any) -> str:
    return refusal_of(EndpointSpec(**fields), known, policy="Delete")


@pytest.mark.parametrize(
    ("annotation", "enforced"),
    [
        (None, set()),
        ("region", {"region"}),
        ("region,role-arn,assume-role-arn", {"region", "role-arn", "assume-role-arn"}),
        (" assume-role-arn ,\tregion\n", {"region", "assume-role-arn"}),
        ("region,region", {"region"}),
        ("deletion-policy", {"deletion-policy"}),
    ],
)
def test_what_is_final(annotation: str | None, enforced: set[str]) -> None:
    assert enforced_by(annotation) == (frozenset(enforced), "")


@pytest.mark.parametrize(
    "annotation",
    ["", " ", ",", "region,", "Region", "REGION", "regoin", "region role-arn", "region;role-arn", "*", "all", "true"],
)
def test_of_what_cannot_be_understood_everything_is_final(annotation: str) -> None:
    enforced, problem = enforced_by(annotation)
    assert enforced == frozenset(NAMES)
    assert problem.startswith("the namespace's annotation classifiers.sagemaker.dev/enforce has '")
    assert "which is none of region, role-arn, assume-role-arn, deletion-policy" in problem


def test_what_is_wrong_with_it_is_said_in_bounds() -> None:
    assert len(enforced_by("x" * 250_000)[1]) < 400


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_final_may_be_said_otherwise(name: str) -> None:
    others = [one for one in NAMES if one != name]
    fields = {
        "region": "eu-west-1",
        "role_arn": "another",
        "assume_role_arn": OTHER,
        "deletion_policy": "Retain",
    }
    field = name.replace("-", "_")
    assert refused(defaults(*others), **{field: fields[field]}) == ""
    path = {"region": "region", "role-arn": "roleArn", "assume-role-arn": "assumeRoleArn"}.get(name, "deletionPolicy")
    words = refused(defaults(name), **fields)
    assert words.startswith(f"spec.{path}: {fields[field]} is not allowed: the namespace's annotation ")
    assert f"enforce makes {name} final" in words


def test_all_that_is_wrong_is_said_at_once() -> None:
    words = refused(defaults("region", "assume-role-arn"), region="eu-west-1", assume_role_arn=OTHER)
    assert words.count("is not allowed") == 2


def test_an_absent_field_and_the_default_itself_are_allowed() -> None:
    everything = defaults(*NAMES, deletion_policy="Retain")
    assert refused(everything) == ""
    same = {"region": "us-east-1", "role_arn": "execution", "assume_role_arn": ROLE, "deletion_policy": "Retain"}
    assert refused(everything, **same) == ""


@pytest.mark.parametrize("value", ["us-east-1 ", "US-EAST-1", "us-east-2"])
def test_the_default_is_one_text_and_no_other(value: str) -> None:
    assert refused(defaults("region"), region=value)


def test_the_operators_own_identity_is_final_where_no_role_is_named() -> None:
    known = defaults("assume-role-arn", assume_role_arn="")
    assert refused(known) == ""
    assert refused(known, assume_role_arn=ROLE).endswith("final, which is the operator's own identity")


def test_what_nobody_names_is_nobodys() -> None:
    words = refused(defaults("region", region=""), region="us-east-1")
    assert words.endswith("final, and neither the namespace nor the operator has one")


def test_the_policy_of_the_kind_is_final_where_nobody_names_one() -> None:
    assert refused(defaults("deletion-policy"), deletion_policy="Delete") == ""
    assert refused(defaults("deletion-policy"), deletion_policy="Retain").endswith("final, which is Delete")


def test_a_broken_annotation_refuses_everything() -> None:
    enforced, problem = enforced_by("regoin")
    assert refused(Defaults(enforced=enforced, enforcement_problem=problem)) == problem


@pytest.mark.parametrize(
    ("enforced", "place", "beyond"),
    [
        ((), Place("eu-west-1", OTHER), False),
        (("region",), OWN, False),
        (("region",), Place("us-east-1", OTHER), False),
        (("region",), Place("eu-west-1", ROLE), True),
        (("assume-role-arn",), OWN, False),
        (("assume-role-arn",), Place("eu-west-1", ROLE), False),
        (("assume-role-arn",), Place("us-east-1", OTHER), True),
        (("assume-role-arn",), Place("us-east-1"), True),
        (("role-arn", "deletion-policy"), Place("eu-west-1", OTHER), False),
    ],
)
def test_what_is_beyond_the_wall(enforced: tuple[str, ...], place: Place, beyond: bool) -> None:
    assert is_beyond(place, defaults(*enforced)) is beyond
    assert is_beyond(place.acting_for("vision"), defaults(*enforced)) is beyond


def test_without_a_region_everything_is_beyond() -> None:
    assert is_beyond(Place("us-east-1"), Defaults(enforced=frozenset({"region"})))


def test_what_is_said_of_it() -> None:
    mine = Resource(OWN, ResourceType.ENDPOINT, "mine")
    theirs = [Resource(Place("eu-west-1", OTHER), ResourceType.ENDPOINT, f"e-{number}") for number in range(40)]
    known = defaults("region")
    assert note_of([mine], known) == waiting_note_of([mine], known) == ""
    words = note_of([mine, *theirs], known)
    assert "mine" not in words
    assert f"Endpoint e-0 in eu-west-1 by {OTHER}" in words
    assert words.endswith("and 35 more")
    assert waiting_note_of(theirs, known).endswith("allow it again, or let go of it by spec.deletionPolicy Retain")
    ending = "by the annotation classifiers.sagemaker.dev/deletion-policy Retain"
    assert waiting_note_of(theirs, defaults("region", "deletion-policy")).endswith(ending)


def test_a_final_deletion_policy_goes_before_the_specs() -> None:
    assert policy_of("Delete", Defaults(deletion_policy="Retain"), otherwise="Delete") == "Delete"
    final = Defaults(deletion_policy="Retain", enforced=frozenset({"deletion-policy"}))
    assert policy_of("Delete", final, otherwise="Delete") == "Retain"
    assert policy_of("Retain", Defaults(enforced=frozenset({"deletion-policy"})), otherwise="Stop") == "Stop"


def test_what_is_deleted_is_not_guessed_from_a_broken_annotation() -> None:
    enforced, problem = enforced_by("deletion-polcy")
    broken = Defaults(deletion_policy="Delete", enforced=enforced, enforcement_problem=problem)
    assert policy_of("", broken, otherwise="Stop") == "Delete"
    with pytest.raises(SpecError, match="deletion-polcy"):
        policy_of("Retain", broken, otherwise="Stop")


@pytest.mark.parametrize("enforced", [frozenset[str](), frozenset({"deletion-policy"})])
def test_a_policy_that_is_none_is_not_guessed(enforced: frozenset[str]) -> None:
    with pytest.raises(SpecError, match="'Keep', which is none of Stop, Delete, Retain") as refusal:
        policy_of("", Defaults(deletion_policy="Keep", enforced=enforced), otherwise="Stop")
    assert ("spec.deletionPolicy goes before it" in str(refusal.value)) is (not enforced)
