"""Callers need permissions when `iam.enforce` is on: whose, which, and in which words they are missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_emulator.control import Control
from sagemaker_emulator.server import Emulator
from tests.emulator.builders import ACCOUNT, BUCKET, REGION, ROLE, arn, client, training, variant

# The clients of the other fixtures are root's.
ROOT = "AKIAIOSFODNN7EXAMPLE"
OTHER = "222222222222"
TAGS = [{"Key": "team", "Value": "vision"}]
ANYTHING = {"Action": "*", "Resource": "*"}
Client = Callable[[str], Any]


@pytest.fixture
def enforced(control: Control) -> Control:
    control.change_settings(iam={"enforce": True, "root_keys": [ROOT]})
    return control


@pytest.fixture
def user(emulator: Emulator, clients: Client) -> Callable[..., Client]:
    """Make a user with these statements; a function that makes his clients."""

    def make(*statements: dict[str, Any], credentials: dict[str, str] | None = None) -> Client:
        iam = clients("iam")
        iam.create_user(UserName="ann")
        allow(*statements)
        keys = credentials or iam.create_access_key(UserName="ann")["AccessKey"]
        return lambda service: client(service, emulator.url, credentials=keys)

    def allow(*statements: dict[str, Any]) -> None:
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
        if statements:
            clients("iam").put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=json.dumps(policy))

    return make


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response: Any = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def words(action: str, resource: str) -> str:
    return (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def needs(control: Control, operation: str) -> list[tuple[str, str]]:
    """What the last such call needed."""
    return [(one["action"], one["resource"]) for one in control.calls(operation)[-1]["permissions"]]


def test_nobody_needs_any_unless_asked_for(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    assert control.calls("CreateTrainingJob")[0]["permissions"] == []


def test_root_needs_none(enforced: Control, sagemaker: Any) -> None:
    sagemaker.create_training_job(**training())
    assert enforced.denials() == []


def test_the_key_of_nobody(enforced: Control, emulator: Emulator) -> None:
    keys = {"AccessKeyId": "AKIAUNKNOWN", "SecretAccessKey": "secret"}
    text = "The security token included in the request is invalid."

    def stranger(service: str) -> Any:
        return client(service, emulator.url, credentials=keys)

    assert refusal(stranger("sagemaker").list_endpoints) == ("UnrecognizedClientException", text, 400)
    assert refusal(stranger("sts").assume_role, RoleArn=ROLE, RoleSessionName="one")[0] == "InvalidClientTokenId"
    assert refusal(stranger("s3").list_objects_v2, Bucket="any")[0] == "InvalidAccessKeyId"


def test_a_missing_permission_in_sagemakers_words(enforced: Control, user: Any) -> None:
    sagemaker = user()("sagemaker")
    denial = refusal(sagemaker.create_training_job, **training())
    job = arn("training-job", "job")
    assert denial == ("AccessDeniedException", words("sagemaker:CreateTrainingJob", job), 400)
    [lacked] = enforced.denials()
    assert (lacked["action"], lacked["resource"], lacked["allowed"]) == ("sagemaker:CreateTrainingJob", job, False)
    [call] = enforced.calls("CreateTrainingJob")
    assert (call["code"], call["effect"]) == ("AccessDeniedException", False)
    enforced.clear_calls()
    assert enforced.denials() == [lacked]


def test_a_missing_permission_elsewhere(enforced: Control, user: Any) -> None:
    of = user()
    code, text, status = refusal(of("s3").get_object, Bucket="data", Key="a/b")
    assert (code, status) == ("AccessDenied", 403)
    assert 'perform: s3:GetObject on resource: "arn:aws:s3:::data/a/b" because' in text
    assert refusal(of("sts").assume_role, RoleArn=ROLE, RoleSessionName="one") == (
        "AccessDenied",
        words("sts:AssumeRole", ROLE),
        403,
    )
    runtime = refusal(of("sagemaker-runtime").invoke_endpoint, EndpointName="one", Body=b"")
    assert runtime == ("AccessDeniedException", words("sagemaker:InvokeEndpoint", arn("endpoint", "one")), 403)
    group = "/aws/sagemaker/TrainingJobs"
    logs = refusal(of("logs").filter_log_events, logGroupName=group)
    resource = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
    assert logs == ("AccessDeniedException", words("logs:FilterLogEvents", resource), 400)


def test_who_one_is_may_be_asked_by_everybody(enforced: Control, user: Any) -> None:
    assert user()("sts").get_caller_identity()["Arn"].endswith(":user/ann")


def test_creating_with_tags_and_a_role_needs_more(enforced: Control, user: Any) -> None:
    sagemaker = user(ANYTHING)("sagemaker")
    sagemaker.create_training_job(**training(Tags=TAGS))
    job = arn("training-job", "job")
    wanted = [("sagemaker:CreateTrainingJob", job), ("sagemaker:AddTags", job), ("iam:PassRole", ROLE)]
    assert needs(enforced, "CreateTrainingJob") == wanted
    create, tag, passed = enforced.calls("CreateTrainingJob")[-1]["permissions"]
    tags = {"aws:TagKeys": ["team"], "aws:RequestTag/team": ["vision"], "aws:RequestedRegion": [REGION]}
    assert create["context"] == tags
    assert tag["context"] == {**tags, "sagemaker:TaggingAction": ["CreateTrainingJob"]}
    assert passed["context"] == {"iam:PassedToService": ["sagemaker.amazonaws.com"]}


@pytest.mark.parametrize("service", ["sagemaker.amazonaws.com", "lambda.amazonaws.com"])
def test_a_role_is_passed_to_sagemaker_only(enforced: Control, user: Any, service: str) -> None:
    passing = {"Action": "iam:PassRole", "Resource": ROLE}
    condition = {"StringEquals": {"iam:PassedToService": service}}
    sagemaker = user({"Action": "sagemaker:*", "Resource": "*"}, {**passing, "Condition": condition})("sagemaker")
    if service == "sagemaker.amazonaws.com":
        sagemaker.create_training_job(**training())
    else:
        denial = refusal(sagemaker.create_training_job, **training())
        assert denial == ("AccessDeniedException", words("iam:PassRole", ROLE), 400)


def test_an_endpoint_and_its_configuration_are_both_asked_for(
    enforced: Control, endpoint: str, sagemaker: Any, user: Any
) -> None:
    sagemaker.create_endpoint_config(EndpointConfigName="next", ProductionVariants=[variant()])
    own = {"Action": "sagemaker:UpdateEndpoint", "Resource": arn("endpoint", "*")}
    denied = user(own)("sagemaker")
    denial = refusal(denied.update_endpoint, EndpointName=endpoint, EndpointConfigName="next")
    # Reported so: aws-controllers-k8s/community#1889.
    assert denial[1] == words("sagemaker:UpdateEndpoint", arn("endpoint-config", "next"))
    assert [one["allowed"] for one in enforced.calls("UpdateEndpoint")[-1]["permissions"]] == [True, False]


def test_tags_of_what_is_there_count(enforced: Control, sagemaker: Any, user: Any) -> None:
    for name, tags in (("mine", TAGS), ("other", [])):
        sagemaker.create_training_job(**training(name, Tags=tags))
    condition = {"StringEquals": {"aws:ResourceTag/team": "vision"}}
    ann = user({"Action": "sagemaker:*", "Resource": "*", "Condition": condition})("sagemaker")
    ann.stop_training_job(TrainingJobName="mine")
    ann.add_tags(ResourceArn=arn("training-job", "mine"), Tags=[{"Key": "a", "Value": "b"}])
    ann.delete_tags(ResourceArn=arn("training-job", "mine"), TagKeys=["a"])
    for name in ("other", "never-made"):
        denial = refusal(ann.stop_training_job, TrainingJobName=name)
        assert denial[1] == words("sagemaker:StopTrainingJob", arn("training-job", name))


def test_what_is_not_there_is_forbidden_unless_the_bucket_may_be_listed(enforced: Control, s3: Any, user: Any) -> None:
    read = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s3.put_object(Bucket=BUCKET, Key="there", Body=b"content")
    ann = user(read)("s3")
    assert ann.get_object(Bucket=BUCKET, Key="there")["Body"].read() == b"content"
    assert refusal(ann.get_object, Bucket=BUCKET, Key="not-there")[0] == "AccessDenied"
    assert refusal(ann.head_object, Bucket=BUCKET, Key="not-there")[0] == "403"
    assert [one["action"] for one in enforced.denials()] == ["s3:ListBucket"] * 2


def test_s3s_actions(enforced: Control, s3: Any, user: Any) -> None:
    ann = user(ANYTHING)("s3")
    upload = ann.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    about = {"Bucket": BUCKET, "Key": "a", "UploadId": upload}
    part = ann.upload_part(**about, PartNumber=1, Body=b"x")["ETag"]
    ann.list_parts(**about)
    ann.list_multipart_uploads(Bucket=BUCKET)
    ann.complete_multipart_upload(**about, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    ann.list_objects_v2(Bucket=BUCKET)
    again = ann.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    ann.abort_multipart_upload(Bucket=BUCKET, Key="a", UploadId=again)
    ann.delete_object(Bucket=BUCKET, Key="a")
    asked = [one for call in enforced.calls() for one in call["permissions"]]
    on_key, on_bucket = f"arn:aws:s3:::{BUCKET}/a", f"arn:aws:s3:::{BUCKET}"
    assert [(one["action"], one["resource"]) for one in asked] == [
        ("s3:PutObject", on_key),
        ("s3:PutObject", on_key),
        ("s3:ListMultipartUploadParts", on_key),
        ("s3:ListBucketMultipartUploads", on_bucket),
        ("s3:PutObject", on_key),
        ("s3:ListBucket", on_bucket),
        ("s3:PutObject", on_key),
        ("s3:AbortMultipartUpload", on_key),
        ("s3:DeleteObject", on_key),
    ]


def test_what_scaling_needs(enforced: Control, endpoint: str, user: Any) -> None:
    scaling = user(ANYTHING)("application-autoscaling")
    about = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**about, MinCapacity=1, MaxCapacity=2)
    first = [action for action, _ in needs(enforced, "application-autoscaling.RegisterScalableTarget")]
    assert first == [
        "application-autoscaling:RegisterScalableTarget",
        "sagemaker:DescribeEndpoint",
        "sagemaker:UpdateEndpointWeightsAndCapacities",
        "sagemaker:DescribeEndpointConfig",
        "iam:CreateServiceLinkedRole",
    ]
    scaling.register_scalable_target(**about, MaxCapacity=3)
    again = [action for action, _ in needs(enforced, "application-autoscaling.RegisterScalableTarget")]
    assert again == first[:-1]
    scaling.describe_scalable_targets(ServiceNamespace="sagemaker")
    asked = needs(enforced, "application-autoscaling.DescribeScalableTargets")
    assert asked == [("application-autoscaling:DescribeScalableTargets", "*")]


@pytest.fixture
def role(clients: Client) -> Callable[..., str]:
    """A role that trusts these, with everything allowed."""

    def make(trusted: str, actions: Any = "sts:AssumeRole", condition: dict[str, Any] | None = None) -> str:
        trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": actions}
        if condition:
            trust["Condition"] = condition
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **ANYTHING}]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        made = clients("iam").create_role(RoleName="Taken", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        clients("iam").put_role_policy(RoleName="Taken", PolicyName="all", PolicyDocument=json.dumps(policy))
        return str(made)

    return make


@pytest.mark.parametrize("trusted", ["user/ann", "root", "user/bob"])
def test_a_role_has_to_trust(enforced: Control, user: Any, role: Any, emulator: Emulator, trusted: str) -> None:
    sts = user({"Action": "sts:AssumeRole", "Resource": "*"})("sts")
    taken = role(f"arn:aws:iam::{ACCOUNT}:{trusted}")
    if trusted == "user/bob":
        denial = refusal(sts.assume_role, RoleArn=taken, RoleSessionName="one")
        assert denial == ("AccessDenied", words("sts:AssumeRole", taken), 403)
        return
    given = sts.assume_role(RoleArn=taken, RoleSessionName="one")["Credentials"]
    client("sagemaker", emulator.url, credentials=given).list_endpoints()
    session = enforced.calls("ListEndpoints")[-1]["permissions"][0]["principal"]
    assert session == f"arn:aws:sts::{ACCOUNT}:assumed-role/Taken/one"


NAMED = {"StringLike": {"sts:RoleSessionName": "vision@*"}}
KNOWN = {"StringEquals": {"sts:ExternalId": "prod/vision"}}
TAGGED = {"StringEquals": {"aws:RequestTag/namespace": "vision"}}


@pytest.mark.parametrize(
    ("condition", "asked", "trusted"),
    [
        (NAMED, {"RoleSessionName": "vision@prod"}, True),
        (NAMED, {"RoleSessionName": "audio@prod"}, False),
        (NAMED, {"RoleSessionName": "vision-2@prod"}, False),
        (KNOWN, {"ExternalId": "prod/vision"}, True),
        (KNOWN, {"ExternalId": "prod/audio"}, False),
        (KNOWN, {}, False),
        (TAGGED, {"Tags": [{"Key": "namespace", "Value": "vision"}]}, True),
        (TAGGED, {"Tags": [{"Key": "namespace", "Value": "audio"}]}, False),
        (TAGGED, {"Tags": [{"Key": "team", "Value": "vision"}]}, False),
        (TAGGED, {}, False),
        ({**NAMED, "StringEquals": KNOWN["StringEquals"]}, {"RoleSessionName": "vision@prod"}, False),
    ],
)
def test_a_role_trusts_under_conditions(
    enforced: Control, user: Any, role: Any, condition: dict[str, Any], asked: dict[str, Any], trusted: bool
) -> None:
    sts = user({"Action": "sts:*", "Resource": "*"})("sts")
    taken = role(f"arn:aws:iam::{ACCOUNT}:user/ann", ["sts:AssumeRole", "sts:TagSession"], condition)
    request = {"RoleArn": taken, "RoleSessionName": "one", **asked}
    if trusted:
        sts.assume_role(**request)
    else:
        assert refusal(sts.assume_role, **request)[0] == "AccessDenied"
        assert enforced.denials()[-1]["action"] == "sts:AssumeRole"


@pytest.mark.parametrize("half", ["identity", "trust"])
def test_session_tags_need_a_permission_of_their_own_on_both_sides(
    enforced: Control, user: Any, role: Any, half: str
) -> None:
    both = ["sts:AssumeRole", "sts:TagSession"]
    sts = user({"Action": both[:1] if half == "identity" else both, "Resource": "*"})("sts")
    taken = role(f"arn:aws:iam::{ACCOUNT}:user/ann", both[:1] if half == "trust" else both)
    request = {"RoleArn": taken, "RoleSessionName": "one"}
    sts.assume_role(**request)
    denial = refusal(sts.assume_role, **request, Tags=[{"Key": "namespace", "Value": ""}])
    assert denial == ("AccessDenied", words("sts:TagSession", taken), 403)


def test_a_role_may_deny_what_it_trusts(enforced: Control, clients: Client, user: Any, role: Any) -> None:
    sts = user({"Action": "sts:*", "Resource": "*"})("sts")
    taken = role("*")
    denied = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Condition": NAMED}
    allowed = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed, denied]})
    clients("iam").update_assume_role_policy(RoleName="Taken", PolicyDocument=policy)
    sts.assume_role(RoleArn=taken, RoleSessionName="audio@prod")
    assert refusal(sts.assume_role, RoleArn=taken, RoleSessionName="vision@prod")[0] == "AccessDenied"


@pytest.mark.parametrize(
    "condition", [{"Bool": {"aws:SecureTransport": "true"}}, {"StringEquals": {"aws:PrincipalTag/team": "vision"}}]
)
def test_a_trust_policy_that_cannot_be_evaluated_is_noticed(
    enforced: Control, user: Any, role: Any, condition: dict[str, Any]
) -> None:
    sts = user({"Action": "sts:*", "Resource": "*"})("sts")
    taken = role("user/nobody", ["sts:AssumeRole"], condition)
    assert refusal(sts.assume_role, RoleArn=taken, RoleSessionName="one")[0] == "NotImplemented"


def test_a_role_that_is_not_there(enforced: Control, user: Any) -> None:
    sts = user({"Action": "sts:AssumeRole", "Resource": "*"})("sts")
    assert refusal(sts.assume_role, RoleArn=ROLE, RoleSessionName="one")[0] == "AccessDenied"


def test_what_root_takes_on_is_root(enforced: Control, emulator: Emulator, clients: Client) -> None:
    elsewhere = f"arn:aws:iam::{OTHER}:role/Any"
    given = clients("sts").assume_role(RoleArn=elsewhere, RoleSessionName="one")["Credentials"]
    client("sagemaker", emulator.url, credentials=given).list_endpoints()
    assert enforced.calls("ListEndpoints")[-1]["account"] == OTHER


def test_a_policy_that_cannot_be_evaluated_is_noticed(enforced: Control, user: Any) -> None:
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    ann = user({**ANYTHING, "Condition": condition})("sagemaker")
    code, text, status = refusal(ann.list_endpoints)
    assert (code, status) == ("NotImplemented", 501)
    assert "the condition operator Bool is not evaluated here" in text


def test_users_outlive_a_reset_where_they_were_needed_from_the_start() -> None:
    from sagemaker_emulator.server import EmulatorProcess

    settings = json.dumps({"iam": {"enforce": True, "root_keys": [ROOT]}})
    with EmulatorProcess("--speed", "0", "--settings", settings) as emulator:
        iam, s3 = (client(service, emulator.url) for service in ("iam", "s3"))
        iam.create_user(UserName="ann")
        s3.create_bucket(Bucket="data")
        for _ in range(2):
            emulator.control.reset()
        assert [one["UserName"] for one in iam.list_users()["Users"]] == ["ann"]
        assert s3.list_buckets()["Buckets"] == []


def test_a_queue_is_asked_for_by_its_name(enforced: Control, clients: Client, user: Any) -> None:
    """A batch needs the permission of one."""
    url = clients("sqs").create_queue(QueueName="events")["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"
    sqs = user({"Action": "sqs:ReceiveMessage", "Resource": queue})("sqs")
    sqs.receive_message(QueueUrl=url)
    receipts = {"QueueUrl": url, "Entries": [{"Id": "1", "ReceiptHandle": "x"}]}
    denial = refusal(sqs.delete_message_batch, **receipts)
    assert denial == ("AccessDeniedException", words("sqs:DeleteMessage", queue), 403)
    other = clients("sqs").create_queue(QueueName="others")["QueueUrl"]
    assert refusal(sqs.receive_message, QueueUrl=other, WaitTimeSeconds=20)[0] == "AccessDeniedException"
