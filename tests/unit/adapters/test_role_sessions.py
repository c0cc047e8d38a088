"""What AssumeRole is told of whom a role is assumed for."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier_operator.adapters.role_sessions import RoleSessions, checked_external_id, session_name
from classifier_operator.api.cluster_name import PATTERN

CLUSTER = "production"
NAMESPACES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
CLUSTERS = st.one_of(st.just(""), st.from_regex(PATTERN, fullmatch=True))


def test_the_name_is_the_namespaces_and_the_clusters() -> None:
    assert session_name("vision", CLUSTER) == "vision@production"
    assert session_name("a", "") == "a@"


@given(NAMESPACES, CLUSTERS)
def test_every_name_is_one_that_sts_takes(namespace: str, cluster: str) -> None:
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", session_name(namespace, cluster), re.ASCII)


@given(NAMESPACES, NAMESPACES, CLUSTERS)
def test_no_namespace_has_anothers_name(one: str, other: str, cluster: str) -> None:
    assert (session_name(one, cluster) == session_name(other, cluster)) == (one == other)


@given(NAMESPACES, NAMESPACES, CLUSTERS, CLUSTERS)
def test_a_pattern_with_a_whole_namespace_matches_no_other(one: str, other: str, cluster: str, another: str) -> None:
    """A trust policy says `vision@*`; what another cluster is called does not help, either."""
    if session_name(one, cluster).startswith(f"{one}@"):
        assert session_name(other, another).startswith(f"{one}@") == (one == other)


@pytest.mark.parametrize("differs_at", [5, 30, 62])
def test_long_namespaces_that_begin_alike_have_names_of_their_own(differs_at: int) -> None:
    long = "a" * 63
    other = f"{long[:differs_at]}b{long[differs_at + 1 :]}"
    names = {session_name(one, "x" * 64) for one in (long, other)}
    assert len(names) == 2
    assert {len(name) for name in names} == {64}


def test_a_namespace_cannot_be_named_like_what_was_cut() -> None:
    cut = session_name("a" * 63, CLUSTER).partition("@")[0]
    assert not set(cut) <= set(string.ascii_lowercase + string.digits + "-")


def test_only_what_is_asked_for_is_sent() -> None:
    assert RoleSessions(cluster=lambda: CLUSTER).request("vision") == {"RoleSessionName": "vision@production"}


def test_an_external_id_and_tags_on_request() -> None:
    sessions = RoleSessions(cluster=lambda: CLUSTER, external_id="{cluster}/{namespace}", with_tags=True)
    assert sessions.request("vision") == {
        "RoleSessionName": "vision@production",
        "ExternalId": "production/vision",
        "Tags": [
            {"Key": "classifiers.sagemaker.dev/namespace", "Value": "vision"},
            {"Key": "classifiers.sagemaker.dev/cluster", "Value": "production"},
        ],
    }


def test_a_cluster_that_nobody_knows_is_no_tag() -> None:
    tags = RoleSessions(with_tags=True).request("vision")["Tags"]
    assert [one["Key"] for one in tags] == ["classifiers.sagemaker.dev/namespace"]


def test_no_role_is_assumed_for_nobody() -> None:
    with pytest.raises(ValueError, match="none is given"):
        RoleSessions().request("")


@pytest.mark.parametrize("template", ["", "secret", "{cluster}/{namespace}", "id:{namespace}", "x" * 1224])
def test_external_ids(template: str) -> None:
    assert checked_external_id(template) == template


@pytest.mark.parametrize("template", ["x", "{namespace}", "{name}", "a b", "a\nb", "{cluster}", "ä" * 4, "x" * 1225])
def test_external_ids_that_sts_does_not_take(template: str) -> None:
    with pytest.raises(ValueError, match="write 2 to 1224 letters"):
        checked_external_id(template)
