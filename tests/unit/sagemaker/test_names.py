"""Names at AWS keep SageMaker's rules, whatever Kubernetes allows."""

from __future__ import annotations

import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.sagemaker.names import MAX_LENGTH, aws_name, common_part, content_hash, suffixes_in

MODEL = botocore.session.get_session().get_service_model("sagemaker")
PATTERNS = {
    name: MODEL.shape_for(name).metadata["pattern"] for name in ("TrainingJobName", "EndpointName", "ModelName")
}
LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
NAMESPACES = st.from_regex(LABEL, fullmatch=True)
NAMES = st.from_regex(rf"{LABEL}(\.{LABEL}){{0,3}}", fullmatch=True)


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
@given(namespace=NAMESPACES, name=NAMES, attempt=st.integers(1, 99))
def test_any_object_gets_a_name_that_sagemaker_takes(pattern: str, namespace: str, name: str, attempt: int) -> None:
    made = aws_name(namespace, name, "5f2c9a81", str(attempt))
    assert re.fullmatch(pattern, made)
    assert len(made) <= MAX_LENGTH
    assert made.endswith(f"-5f2c9a81-{attempt}")


@given(st.lists(st.tuples(NAMESPACES, NAMES, st.uuids()), unique=True, min_size=2, max_size=2))
def test_two_objects_never_share_a_name(objects: list[tuple[str, str, object]]) -> None:
    first, second = (aws_name(ns, name, content_hash(str(uid))) for ns, name, uid in objects)
    assert first != second


def test_the_readable_part_is_cut_and_the_hash_is_kept() -> None:
    assert aws_name("n" * 63, "x", "abcdef12") == "n" * 54 + "-abcdef12"


def test_dots_become_hyphens_and_none_are_left_at_the_ends() -> None:
    assert aws_name("vision", "a.b-", "abcdef12") == "vision-a-b-abcdef12"


def test_a_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert content_hash({"a": 1, "b": {"c": 2, "d": 3}}) == content_hash({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {"b": 1}, {}], ids=str)
def test_a_hash_changes_with_the_content(other: dict[str, object]) -> None:
    assert content_hash({"a": 1}) != content_hash(other)


@given(namespace=NAMESPACES, name=NAMES, attempt=st.integers(1, 999_999))
def test_an_objects_names_are_found_by_their_common_part_and_known_again(
    namespace: str, name: str, attempt: int
) -> None:
    for suffixes in (("5f2c9a81",), ("5f2c9a81", str(attempt))):
        made = aws_name(namespace, name, *suffixes)
        assert common_part(namespace, name) in made
        assert suffixes_in(namespace, name, made) == suffixes


@pytest.mark.parametrize(
    "other", ["vision-digits-2-5f2c9a81", "vision-digits", "vision-digits-5f2c9a8", "a-vision-digits-5f2c9a81"]
)
def test_a_namesake_is_not_taken_for_it(other: str) -> None:
    assert suffixes_in("vision", "digits", other) is None
