"""The policies in manifests/iam: their form, what they refuse, and that the page about them has all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.policies import FOLDER, OF_THE_OPERATOR, document, listed_sids, text

from sagemaker_emulator.policies import Need, allows, listed

EXAMPLES = FOLDER.parent / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
PAGE = (Path(__file__).resolve().parent.parent.parent / "docs/operations/iam.md").read_text(encoding="utf-8")
# AWS's limit for a managed policy, without white space.
MANAGED_POLICY = 6144
UID = "classifiers.sagemaker.dev/uid"
OURS = {f"aws:ResourceTag/{UID}": ["1-2-3"]}
NEW = {f"aws:RequestTag/{UID}": ["1-2-3"], "aws:TagKeys": [UID]}
EXECUTION = "arn:aws:iam::123456789012:role/SageMakerExecution"
SAGEMAKER = {"iam:PassedToService": ["sagemaker.amazonaws.com"]}


def arn(kind: str, account: str = "123456789012") -> str:
    return f"arn:aws:sagemaker:us-east-1:{account}:{kind}/digits"


def statements() -> list[dict[str, Any]]:
    return [one for name in OF_THE_OPERATOR for one in document(f"{name}-policy")["Statement"]]


@pytest.mark.parametrize("name", NAMES)
def test_form(name: str) -> None:
    policy = json.loads(text(name))
    assert text(name) == json.dumps(policy, indent=2) + "\n"
    assert policy["Version"] == "2012-10-17"
    assert len(re.sub(r"\s", "", text(name))) <= MANAGED_POLICY
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert len(set(sids)) == len(sids)
    for statement in policy["Statement"]:
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
        # What one cluster must not do to another is said beside what the operator may do.
        assert statement["Effect"] == ("Deny" if name == "cluster-policy" else "Allow")


@pytest.mark.parametrize("name", NAMES)
def test_no_wildcard_among_actions_and_few_among_resources(name: str) -> None:
    for statement in json.loads(text(name))["Statement"]:
        assert not [action for action in listed(statement["Action"]) if "*" in action]
        # These know no resources (Service Authorization Reference).
        free = {"LookAtMany", "ListAll", "FindScalableTargets", "WriteMetrics", "LogInToRegistry"}
        assert "*" not in listed(statement.get("Resource", [])) or statement["Sid"] in free


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_each_file_and_explains_each_statement(name: str) -> None:
    assert f'--8<-- "manifests/iam/{name}.json"' in PAGE
    for sid in listed_sids(name):
        assert f"| `{sid}` |" in PAGE


def test_the_page_explains_nothing_else() -> None:
    explained = re.findall(r"^\| `([A-Z][A-Za-z]+)` \|", PAGE, re.MULTILINE)
    assert sorted(explained) == sorted(sid for name in NAMES for sid in listed_sids(name))


def test_the_page_explains_each_placeholder() -> None:
    used = {name for file in NAMES for name in re.findall(r"\$\{([A-Z_]+)\}", text(file))}
    assert set(re.findall(r"^\| `\$\{([A-Z_]+)\}` \|", PAGE, re.MULTILINE)) == used


REFUSED = {
    "a stranger's endpoint is deleted": Need("sagemaker:DeleteEndpoint", arn("endpoint")),
    "a stranger's job is stopped": Need("sagemaker:StopTrainingJob", arn("training-job"), {"aws:ResourceTag/a": ["b"]}),
    "a stranger's endpoint is updated": Need("sagemaker:UpdateEndpoint", arn("endpoint")),
    "something is made without an owner": Need("sagemaker:CreateModel", arn("model"), {"aws:RequestTag/a": ["b"]}),
    "a stranger's job becomes ours": Need("sagemaker:AddTags", arn("training-job"), NEW),
    "an owner is replaced without adoption": Need(
        "sagemaker:AddTags", arn("endpoint"), {**NEW, "aws:ResourceTag/a": ["b"], "sagemaker:TaggingAction": ["Other"]}
    ),
    "a stranger's endpoint is tagged": Need("sagemaker:AddTags", arn("endpoint"), {"aws:RequestTag/a": ["b"]}),
    "the role is passed to another service": Need(
        "iam:PassRole", EXECUTION, {"iam:PassedToService": ["ec2.amazonaws.com"]}
    ),
    "another role is passed": Need("iam:PassRole", f"{EXECUTION}Admin", SAGEMAKER),
    "another account": Need("sagemaker:DeleteModel", arn("model", "210987654321"), OURS),
    "another bucket": Need("s3:GetObject", "arn:aws:s3:::payroll/a"),
    "data is deleted": Need("s3:DeleteObject", "arn:aws:s3:::classifier-tests/a"),
    "another queue is read": Need("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:123456789012:payroll"),
    "events are made up": Need("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:classifier-events"),
    "another role is taken on": Need("sts:AssumeRole", "arn:aws:iam::222222222222:role/Admin"),
    "another service is scaled": Need(
        "application-autoscaling:RegisterScalableTarget",
        "arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/1",
        {"application-autoscaling:service-namespace": ["ecs"]},
    ),
    "another alarm": Need("cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:payroll"),
}


@pytest.mark.parametrize("need", REFUSED.values(), ids=REFUSED)
def test_what_all_policies_together_refuse(need: Need) -> None:
    assert not allows(statements(), need)


def test_what_they_allow_where_only_the_condition_differs() -> None:
    """So that the refusals above are the conditions' doing."""
    assert allows(statements(), Need("sagemaker:DeleteEndpoint", arn("endpoint"), OURS))
    assert allows(statements(), Need("sagemaker:CreateModel", arn("model"), NEW))
    assert allows(statements(), Need("sagemaker:AddTags", arn("endpoint"), NEW))
    assert allows(statements(), Need("iam:PassRole", EXECUTION, SAGEMAKER))


CLUSTER = "classifiers.sagemaker.dev/cluster"
NAMED = {**NEW, f"aws:RequestTag/{CLUSTER}": ["production"]}
IN_A_CLUSTER = [
    (Need("sagemaker:DeleteEndpoint", arn("endpoint"), {**OURS, f"aws:ResourceTag/{CLUSTER}": ["production"]}), True),
    (Need("sagemaker:DeleteEndpoint", arn("endpoint"), {**OURS, f"aws:ResourceTag/{CLUSTER}": ["clone"]}), False),
    (Need("sagemaker:DeleteEndpoint", arn("endpoint"), OURS), True),
    (Need("sagemaker:StopTrainingJob", arn("training-job"), {**OURS, f"aws:ResourceTag/{CLUSTER}": ["clone"]}), False),
    (Need("sagemaker:UpdateEndpoint", arn("endpoint"), {**OURS, f"aws:ResourceTag/{CLUSTER}": ["clone"]}), False),
    (Need("sagemaker:CreateModel", arn("model"), NAMED), True),
    (Need("sagemaker:CreateModel", arn("model"), NEW), False),
    (Need("sagemaker:CreateModel", arn("model"), {**NEW, f"aws:RequestTag/{CLUSTER}": ["clone"]}), False),
    (Need("sagemaker:AddTags", arn("model"), {**OURS, "aws:RequestTag/team": ["vision"]}), True),
    (Need("sagemaker:AddTags", arn("model"), {**OURS, f"aws:RequestTag/{CLUSTER}": ["production"]}), True),
    (Need("sagemaker:AddTags", arn("model"), {**OURS, f"aws:RequestTag/{CLUSTER}": ["clone"]}), False),
]


@pytest.mark.parametrize(("need", "allowed"), IN_A_CLUSTER)
def test_what_the_policy_of_a_cluster_refuses(need: Need, allowed: bool) -> None:
    assert allows(statements(), need)
    assert allows([*statements(), *document("cluster-policy")["Statement"]], need) is allowed


def _written() -> list[tuple[str, str]]:
    """Each example with each address that SageMaker writes to by the execution role."""
    found = []
    for path in sorted(EXAMPLES.glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            spec = manifest.get("spec") or {}
            places = (
                (spec.get("output") or {}).get("s3Uri"),
                (spec.get("spot") or {}).get("checkpointS3Uri"),
                (spec.get("dataCapture") or {}).get("s3Uri"),
            )
            found += [(path.stem, place) for place in places if place]
    return found


@pytest.mark.parametrize(("example", "place"), _written())
def test_sagemaker_may_write_where_the_examples_say(example: str, place: str) -> None:
    """The emulated AWS does not hold SageMaker to its execution role, so it is held against the examples here."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    filled = document("execution-role-policy", DATA_BUCKET=bucket)["Statement"]
    writing = [statement for statement in filled if "s3:PutObject" in statement["Action"]]
    need = Need("s3:PutObject", f"arn:aws:s3:::{bucket}/{prefix}/run-1/model.tar.gz")
    assert allows(writing, need), example
