"""Credentials by role: what is remembered, and what not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from classifier_operator.adapters.clients import ActorsCredentials
from classifier_operator.adapters.identities import Actor, Identities
from classifier_operator.api.ledger import Place

REGION = "us-east-1"
OWN = Place(REGION)
DENIED = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}


def role(number: int, namespace: str = "vision") -> Place:
    return Place(REGION, f"arn:aws:iam::{number:012}:role/Classifiers", namespace)


class Sts:
    """An STS that remembers who asked it for what, and refuses some roles."""

    def __init__(self) -> None:
        self.refused: Callable[[str], bool] = lambda _: False
        self.asked: list[tuple[str, str]] = []

    def assume_role(self, **request: str) -> Mapping[str, Any]:
        arn = request["RoleArn"]
        self.asked.append((signed_by(), arn))
        if self.refused(arn):
            raise ClientError(DENIED, "AssumeRole")
        given = {"AccessKeyId": f"key of {arn}", "SecretAccessKey": f"secret of {arn}", "SessionToken": "token"}
        return {"Credentials": {**given, "Expiration": datetime.now(UTC) + timedelta(hours=1)}}

    @contextmanager
    def client(self, _: str) -> Iterator[Sts]:
        yield self


def signed_by() -> str:
    """Whose access key a request carries that is sent here and now."""
    return str(ActorsCredentials().get_frozen_credentials().access_key)


@pytest.fixture
def sts() -> Sts:
    return Sts()


@pytest.fixture
def identities(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> Identities:
    for name, value in (("AWS_ACCESS_KEY_ID", "own"), ("AWS_SECRET_ACCESS_KEY", "own secret")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    return Identities(sts.client, lambda: datetime.now(UTC))


def acts(identities: Identities, place: Place) -> str:
    with identities.acting(place):
        return signed_by()


def test_requests_are_signed_by_whoever_acts_and_a_role_is_assumed_by_the_operator_itself(
    identities: Identities, sts: Sts
) -> None:
    for _ in range(2):
        assert [acts(identities, place) for place in (OWN, role(1), role(2))] == [
            "own",
            f"key of {role(1).assume_role_arn}",
            f"key of {role(2).assume_role_arn}",
        ]
    assert sts.asked == [("own", role(1).assume_role_arn), ("own", role(2).assume_role_arn)]


def test_a_role_is_assumed_for_each_namespace(identities: Identities, sts: Sts) -> None:
    for namespace in ("vision", "audio", "vision"):
        acts(identities, role(1, namespace))
    assert len(sts.asked) == 2


def test_roles_that_are_refused_leave_nothing_behind(identities: Identities, sts: Sts) -> None:
    sts.refused = lambda arn: arn != role(1).assume_role_arn
    acts(identities, role(1))
    for number in range(350):
        with pytest.raises(ClientError):
            acts(identities, role(1000 + number))
    assert len(identities) == 1
    assert f"secret of {role(1).assume_role_arn}" in identities.secrets()


def test_the_roles_that_are_used_are_remembered(
    identities: Identities, sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier_operator.adapters.identities.MOST_ROLES", 10)
    for number in range(100):
        acts(identities, role(1))
        acts(identities, role(1000 + number))
    assert len(identities) == 10
    assert sts.asked.count(("own", role(1).assume_role_arn)) == 1


def test_a_role_that_was_forgotten_while_it_is_used_is_used_to_the_end(
    identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier_operator.adapters.identities.MOST_ROLES", 1)
    with identities.acting(role(1)):
        signed_by()
        assert acts(identities, role(2)) == f"key of {role(2).assume_role_arn}"
        assert signed_by() == f"key of {role(1).assume_role_arn}"
    assert len(identities) == 1


def test_credentials_that_have_expired_are_got_anew_once(identities: Identities, sts: Sts) -> None:
    used: list[Actor] = []
    for _ in range(2):
        with identities.acting(role(1)) as actor:
            used.append(actor)
            signed_by()
    for actor in used:
        # Several threads have had them refused.
        identities.renew(role(1), actor)
        acts(identities, role(1))
    assert len(sts.asked) == 2
