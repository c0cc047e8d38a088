"""The policies of manifests/iam as the tests' AWS has them: with the placeholders filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "manifests" / "iam"
# What the operator is given for all of its features, in the order of the page about them.
OF_THE_OPERATOR = ("operator", "smoke-test", "imports", "autoscaling", "adoption", "events", "cross-account")
# What a role in another account is given, which the operator takes on: all but the taking on, and the events, which the
# operator receives as itself.
OF_AN_ACCOUNT = OF_THE_OPERATOR[:-2]
OPERATOR_ACCOUNT = "123456789012"
VALUES = {
    "ACCOUNT": OPERATOR_ACCOUNT,
    "CLUSTER": "production",
    "DATA_BUCKET": "classifier-tests*",
    "EVENTS_QUEUE": "classifier-events",
    "EXECUTION_ROLE": "SageMakerExecution",
    "IMAGE_BUCKET": "classifier-tests*",
    "OPERATOR_ROLE": "ClassifierOperator",
    "OTHER_ACCOUNT": "*",
    "REGION": "*",
    "TENANT": "vision",
}
Json = dict[str, Any]


def text(name: str) -> str:
    """A file as it is."""
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def document(name: str, **values: str) -> Json:
    """A file's policy, with its placeholders replaced; a missing value is a KeyError."""
    filled = {**VALUES, **values}
    found: Json = json.loads(re.sub(r"\$\{([A-Z_]+)\}", lambda match: filled[match[1]], text(name)))
    return found


def without(policy: Json, sid: str) -> Json:
    """The policy without that statement; AWS takes none without any, so another takes the last one's place."""
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != sid]
    assert len(kept) == len(policy["Statement"]) - 1, f"no statement {sid}"
    nothing = {"Sid": "Nothing", "Effect": "Allow", "Action": ["sts:GetCallerIdentity"], "Resource": ["*"]}
    return {**policy, "Statement": kept or [nothing]}


def listed_sids(name: str) -> list[str]:
    """The names of a file's statements."""
    return [str(statement["Sid"]) for statement in json.loads(text(name))["Statement"]]
