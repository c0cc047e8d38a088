"""Which permissions a call needs: AWS's Service Authorization Reference, for what the emulator emulates.

Where a caller needs more than the action of the call's own name, the source is beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from sagemaker_emulator import endpoint_configs, endpoints, models, tags, training_jobs
from sagemaker_emulator.context import Context, Params, tags_of
from sagemaker_emulator.identity import Caller
from sagemaker_emulator.policies import Need
from sagemaker_emulator.store import ScopeKey

PASSED_TO = "sagemaker.amazonaws.com"
SCALING_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
SCALING_ROLE = f"role/aws-service-role/{SCALING_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"

_NAMES = {
    "TrainingJob": (training_jobs.KIND, "TrainingJobName"),
    "Model": (models.KIND, "ModelName"),
    "EndpointConfig": (endpoint_configs.KIND, "EndpointConfigName"),
    "Endpoint": (endpoints.KIND, "EndpointName"),
    "EndpointWeightsAndCapacities": (endpoints.KIND, "EndpointName"),
}
# These are checked for the endpoint and for the configuration that it is to have (community#1889, aws-cdk#11594).
_ON_BOTH = frozenset({"CreateEndpoint", "UpdateEndpoint"})
_ROLES = {"CreateTrainingJob": "RoleArn", "CreateModel": "ExecutionRoleArn"}
# What a role's trust policy is asked for, too.
ASSUMING = ("sts:AssumeRole", "sts:TagSession")
_SESSION_TAG = re.compile(r"Tags\.member\.\d+\.Key")
_OPERATION = re.compile(r"(Create|Describe|Update|Stop|Delete)(\w+)")


def of_sagemaker(context: Context, operation: str, params: Params) -> list[Need]:
    """What a call of SageMaker's API needs."""
    if operation.startswith("List") and operation != "ListTags":
        return [Need(f"sagemaker:{operation}", "*", _where(context.key))]
    given = _tags_given(operation, params)
    needs = [
        Need(f"sagemaker:{operation}", arn, {**_where(context.key), **given, **_tags_there(context, arn)})
        for arn in _arns(context.key, operation, params)
    ]
    if operation.startswith("Create") and given:
        # aws-cdk#32294, #26012. The key is how AWS's own policies tell it from AddTags as a call.
        tagging = {**_where(context.key), **given, "sagemaker:TaggingAction": [operation]}
        needs.append(Need("sagemaker:AddTags", needs[0].resource, tagging))
    if role := params.get(_ROLES.get(operation, "")):
        needs.append(Need("iam:PassRole", str(role), {"iam:PassedToService": [PASSED_TO]}))
    return needs


def of_invocation(key: ScopeKey, endpoint: str) -> list[Need]:
    """What InvokeEndpoint needs. Whether it sees the endpoint's tags is unconfirmed, so it does not here."""
    return [Need("sagemaker:InvokeEndpoint", key.arn(endpoints.KIND, endpoint), _where(key))]


def of_scaling(context: Context, operation: str, params: Params, *, has_role: bool) -> list[Need]:
    """What a call of Application Auto Scaling needs for a variant of SageMaker.

    Source: SageMaker's guide, "Auto scaling prerequisites", and Application Auto Scaling's, "Permissions validation":
    the caller needs what is done for him at SageMaker and CloudWatch. Which call asks for which is unconfirmed.
    """
    key, resource = context.key, str(params.get("ResourceId", ""))
    if operation.startswith("Describe"):
        return [Need(f"application-autoscaling:{operation}", "*", _where(key))]
    about = {
        **_where(key),
        "application-autoscaling:service-namespace": [str(params["ServiceNamespace"])],
        "application-autoscaling:scalable-dimension": [str(params["ScalableDimension"])],
    }
    target = key.arn("scalable-target", "target", service="application-autoscaling")
    needs = [Need(f"application-autoscaling:{operation}", target, about)]
    if operation == "RegisterScalableTarget":
        needs += _of_registration(context, resource.split("/")[1] if "/" in resource else resource, has_role=has_role)
    alarms = {"PutScalingPolicy": ("PutMetricAlarm", "DescribeAlarms"), "DeregisterScalableTarget": ("DeleteAlarms",)}
    alarm = f"arn:aws:cloudwatch:{key.region}:{key.account}:alarm:TargetTracking-{resource}-AlarmHigh"
    return needs + [Need(f"cloudwatch:{name}", alarm, _where(key)) for name in alarms.get(operation, ())]


def _of_registration(context: Context, endpoint: str, *, has_role: bool) -> Iterator[Need]:
    key = context.key
    arn = key.arn(endpoints.KIND, endpoint)
    there = {**_where(key), **_tags_there(context, arn)}
    yield Need("sagemaker:DescribeEndpoint", arn, there)
    yield Need("sagemaker:UpdateEndpointWeightsAndCapacities", arn, there)
    found = context.scope.endpoints.get(endpoint, context.now)
    if found is not None:
        config = key.arn(endpoint_configs.KIND, found.phase(context.now).config)
        yield Need("sagemaker:DescribeEndpointConfig", config, {**_where(key), **_tags_there(context, config)})
    if not has_role:
        yield Need(
            "iam:CreateServiceLinkedRole",
            f"arn:aws:iam::{key.account}:{SCALING_ROLE}",
            {"iam:AWSServiceName": [SCALING_SERVICE]},
        )


def of_others(caller: Caller, operation: str, method: str, target: str, body: bytes) -> list[Need]:
    """What a call of a service needs that moto answers."""
    path, _, query = target.partition("?")
    if caller.service == "s3":
        return of_s3(caller.key, method, path, query)
    if caller.service == "sts" and operation == "AssumeRole":
        return of_assuming(caller.key, parse_qs(body.decode()))
    if caller.service == "sqs":
        return of_sqs(caller.key, operation, json.loads(body or b"{}"))
    if caller.service == "logs":
        return of_logs(caller.key, operation, json.loads(body or b"{}"))
    return [Need(f"{caller.service}:{operation}", "*", _where(caller.key))]


def of_assuming(key: ScopeKey, params: Mapping[str, list[str]]) -> list[Need]:
    """What AssumeRole needs, of the caller and of the role's trust policy alike; with session tags, two permissions.

    Sources: IAM's guide, "Pass session tags in AWS STS" (sts:TagSession on both sides); Service Authorization
    Reference, AssumeRole's condition keys. That TagSession sees the session's name or the ExternalId is unconfirmed, so
    it does not here.
    """
    role = params.get("RoleArn", [""])[0]
    who = {"sts:RoleSessionName": params.get("RoleSessionName", [])}
    if "ExternalId" in params:
        who["sts:ExternalId"] = params["ExternalId"]
    tags = {
        values[0]: params.get(name.removesuffix("Key") + "Value", [""])[0]
        for name, values in params.items()
        if _SESSION_TAG.fullmatch(name)
    }
    about = {**_where(key), **_requested(tags)}
    assume, tag = ASSUMING
    return [Need(assume, role, {**about, **who}), *([Need(tag, role, about)] if tags else [])]


def of_s3(key: ScopeKey, method: str, path: str, query: str) -> list[Need]:
    """What a call of S3 needs."""
    bucket, _, name = unquote(path.lstrip("/")).partition("/")
    asked = parse_qs(query, keep_blank_values=True)
    action = _of_object(method, asked) if name else _of_bucket(method, asked)
    resource = f"arn:aws:s3:::{bucket}/{name}" if name else f"arn:aws:s3:::{bucket}"
    return [Need(f"s3:{action}", resource, _where(key))]


def to_learn_of_absence(caller: Caller, method: str, path: str) -> Need | None:
    """What a caller needs to be told that an object does not exist; without, it is forbidden to him (documented)."""
    bucket, _, name = unquote(path.lstrip("/")).partition("/")
    if caller.service != "s3" or not name or method not in ("GET", "HEAD"):
        return None
    return Need("s3:ListBucket", f"arn:aws:s3:::{bucket}", _where(caller.key))


def of_logs(key: ScopeKey, operation: str, params: Mapping[str, Any]) -> list[Need]:
    """What a call of CloudWatch Logs needs, on the group that it names."""
    group = params.get("logGroupName")
    resource = f"arn:aws:logs:{key.region}:{key.account}:log-group:{group}:*" if group else "*"
    return [Need(f"logs:{operation}", resource, _where(key))]


def of_sqs(key: ScopeKey, operation: str, params: Mapping[str, Any]) -> list[Need]:
    """What a call of SQS needs, on the queue that it names; a batch needs what one of it needs (SQS's guide)."""
    name = str(params.get("QueueUrl", "")).rpartition("/")[2] or params.get("QueueName")
    resource = f"arn:aws:sqs:{key.region}:{key.account}:{name}" if name else "*"
    return [Need(f"sqs:{operation.removesuffix('Batch')}", resource, _where(key))]


def _of_object(method: str, asked: Mapping[str, Any]) -> str:
    if "uploadId" in asked:
        return {"GET": "ListMultipartUploadParts", "DELETE": "AbortMultipartUpload"}.get(method, "PutObject")
    return {"GET": "GetObject", "HEAD": "GetObject", "DELETE": "DeleteObject"}.get(method, "PutObject")


def _of_bucket(method: str, asked: Mapping[str, Any]) -> str:
    if method == "GET" and "uploads" in asked:
        return "ListBucketMultipartUploads"
    reads = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
    return reads.get(method, "DeleteObject")


def _arns(key: ScopeKey, operation: str, params: Params) -> list[str]:
    if operation in ("AddTags", "ListTags", "DeleteTags"):
        return [str(params["ResourceArn"])]
    found = _OPERATION.fullmatch(operation)
    kind, member = _NAMES[found[2] if found else operation]
    arns = [key.arn(kind, str(params[member]))]
    if operation in _ON_BOTH:
        arns.append(key.arn(endpoint_configs.KIND, str(params["EndpointConfigName"])))
    return arns


def _tags_given(operation: str, params: Params) -> dict[str, list[str]]:
    """The tags in the request; of a deletion only their keys."""
    if operation == "DeleteTags":
        return {"aws:TagKeys": list(params["TagKeys"])}
    return _requested(tags_of(params))


def _requested(given: Mapping[str, str]) -> dict[str, list[str]]:
    if not given:
        return {}
    return {"aws:TagKeys": list(given), **{f"aws:RequestTag/{name}": [value] for name, value in given.items()}}


def _tags_there(context: Context, arn: str) -> dict[str, list[str]]:
    """The tags that the resource has; none of one that does not exist."""
    with context.scope.lock:
        record = tags.found(context, arn)
    return {f"aws:ResourceTag/{name}": [value] for name, value in (record.tags if record else {}).items()}


def _where(key: ScopeKey) -> dict[str, list[str]]:
    return {"aws:RequestedRegion": [key.region]}


Needs = Callable[[], list[Need]]
