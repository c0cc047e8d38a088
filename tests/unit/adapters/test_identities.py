"""Sessions by role: what they share, and what not."""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.config import Config

from classifier_operator.adapters.identities import Identities
from classifier_operator.api.ledger import Place

ROLES = tuple(f"arn:aws:iam::{account}:role/Classifiers" for account in ("222222222222", "333333333333"))


def test_models_of_the_services_are_read_once_for_all_roles() -> None:
    identities = Identities(Config(), lambda: datetime.now(UTC))
    sessions = [identities._session(Place("us-east-1", role, "vision"))._session for role in ("", *ROLES)]
    assert len({id(session) for session in sessions}) == 3
    assert len({id(session.get_component("data_loader")) for session in sessions}) == 1
