"""Models: SageMaker's name for an image together with an artifact. They have no states."""

from __future__ import annotations

from urllib.parse import urlsplit

from sagemaker_emulator import errors, roles
from sagemaker_emulator.aws import ClientError, split_s3_uri
from sagemaker_emulator.context import Context, Params, tags_of
from sagemaker_emulator.listing import Listing
from sagemaker_emulator.records import Model

KIND = "model"


def create(context: Context, params: Params) -> Params:
    """CreateModel. The S3 object is checked here, unlike everywhere else."""
    _check(params)
    arn = context.key.arn(KIND, params["ModelName"])
    model = Model(
        name=params["ModelName"],
        arn=arn,
        request={name: value for name, value in params.items() if name != "Tags"},
        created=context.now,
        tags=tags_of(params),
        tagged=context.now,
    )
    _require_data(context, model)
    with context.scope.lock:
        if context.scope.models.get(model.name, context.now):
            raise errors.already_exists(KIND, arn)
        context.scope.models.add(model)
    return {"ModelArn": arn}


def describe(context: Context, params: Params) -> Params:
    """DescribeModel."""
    with context.scope.lock:
        model = context.described(context.scope.models, params["ModelName"])
        if model is None:
            raise errors.not_found(KIND, context.key.arn(KIND, params["ModelName"]))
        return {
            "EnableNetworkIsolation": False,
            **model.request,
            "ModelArn": model.arn,
            "CreationTime": model.created,
        }


def delete(context: Context, params: Params) -> None:
    """DeleteModel. One that an endpoint uses is not refused, as far as is known of AWS."""
    with context.scope.lock:
        context.scope.models.remove(find(context, params["ModelName"]))


def list_models(context: Context, params: Params) -> Params:
    """ListModels."""
    with context.scope.lock:
        return LISTING.answer(context, context.scope.models, params)


def find(context: Context, name: str) -> Model:
    """The model of this name, or AWS's refusal."""
    model = context.scope.models.get(name, context.now)
    if model is None:
        raise errors.not_found(KIND, context.key.arn(KIND, name))
    return model


def data_url(container: Params) -> str:
    """Where a container's artifact is, "" if it has none."""
    if url := container.get("ModelDataUrl"):
        return str(url)
    return str(container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", ""))


def _check(params: Params) -> None:
    """Rules between members. The texts of the first two are unconfirmed."""
    if ("PrimaryContainer" in params) == bool(params.get("Containers")):
        raise errors.validation("Specify exactly one of PrimaryContainer and Containers.")
    if "ExecutionRoleArn" not in params:
        raise errors.validation("An ExecutionRoleArn is required to create a model.")
    for container in [params["PrimaryContainer"]] if "PrimaryContainer" in params else params["Containers"]:
        if not {"Image", "ModelPackageName"} & set(container):
            raise errors.validation(
                "Specify one of either Image and Model Data URL or ModelPackageName in container definition."
            )


def _require_data(context: Context, model: Model) -> None:
    role_arn = model.request["ExecutionRoleArn"]
    strict = context.settings.strict_roles
    for url in filter(None, map(data_url, model.containers)):
        if strict and not roles.is_assumable(context, role_arn):
            raise errors.no_model_access(url, role_arn)
        if context.settings.check_model_data:
            _require_object(context, url, role_arn)


def _require_object(context: Context, url: str, role_arn: str) -> None:
    """An object, or for a prefix (`…/`) anything below it."""
    bucket, key = _location(url)
    s3 = context.client("s3")
    try:
        if key.endswith("/") or not key:
            found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0)
        else:
            found = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise errors.no_model_data(url) from None
        raise errors.no_model_access(url, role_arn) from None
    if not found:
        raise errors.no_model_data(url)


def _location(url: str) -> tuple[str, str]:
    """Bucket and key of an s3:// or https:// URL; https ones are path-style."""
    if url.startswith("s3://"):
        return split_s3_uri(url)
    bucket, _, key = urlsplit(url).path.removeprefix("/").partition("/")
    return bucket, key


LISTING: Listing[Model] = Listing(
    operation="ListModels",
    result="Models",
    summary=lambda model, _now: {
        "ModelName": model.name,
        "ModelArn": model.arn,
        "CreationTime": model.created,
    },
)
