"""Endpoint configurations: what an endpoint serves and on what. They have no states."""

from __future__ import annotations

from sagemaker_emulator import errors, models
from sagemaker_emulator.context import Context, Params, tags_of
from sagemaker_emulator.listing import Listing
from sagemaker_emulator.records import EndpointConfig, Model

KIND = "endpoint-config"
NAME = "endpoint configuration"


def create(context: Context, params: Params) -> Params:
    """CreateEndpointConfig."""
    _check(params)
    _require_accelerators(context, params["ProductionVariants"])
    arn = context.key.arn(KIND, params["EndpointConfigName"])
    with context.scope.lock:
        if context.scope.configs.get(params["EndpointConfigName"], context.now):
            raise errors.already_exists(NAME, arn)
        for variant in params["ProductionVariants"]:
            if "ModelName" in variant:
                _check_model(models.find(context, variant["ModelName"]), variant)
        context.scope.configs.add(_new_config(context, arn, params))
    return {"EndpointConfigArn": arn}


def describe(context: Context, params: Params) -> Params:
    """DescribeEndpointConfig."""
    with context.scope.lock:
        config = context.described(context.scope.configs, params["EndpointConfigName"])
        if config is None:
            raise errors.not_found(NAME, context.key.arn(KIND, params["EndpointConfigName"]))
        return {**config.request, "EndpointConfigArn": config.arn, "CreationTime": config.created}


def delete(context: Context, params: Params) -> None:
    """DeleteEndpointConfig. One that an endpoint uses is not refused, as far as is known of AWS."""
    with context.scope.lock:
        context.scope.configs.remove(find(context, params["EndpointConfigName"]))


def list_configs(context: Context, params: Params) -> Params:
    """ListEndpointConfigs."""
    with context.scope.lock:
        return LISTING.answer(context, context.scope.configs, params)


def find(context: Context, name: str) -> EndpointConfig:
    """The configuration of this name, or AWS's refusal."""
    config = context.scope.configs.get(name, context.now)
    if config is None:
        raise errors.not_found(NAME, context.key.arn(KIND, name))
    return config


def find_settled(context: Context, name: str) -> EndpointConfig:
    """As `find`, but for CreateEndpoint and UpdateEndpoint, which read a store that may be behind (documented)."""
    config = find(context, name)
    if context.now < config.created + context.settings.consistency.endpoint_config_seconds:
        raise errors.not_found(NAME, config.arn)
    return config


def _new_config(context: Context, arn: str, params: Params) -> EndpointConfig:
    request = {name: value for name, value in params.items() if name != "Tags"}
    request["ProductionVariants"] = [{"InitialVariantWeight": 1.0, **v} for v in params["ProductionVariants"]]
    return EndpointConfig(
        name=params["EndpointConfigName"],
        arn=arn,
        request=request,
        created=context.now,
        tags=tags_of(params),
        tagged=context.now,
    )


def _check(params: Params) -> None:
    """Rules between members. Their texts are unconfirmed."""
    if any("ServerlessConfig" in variant for variant in params["ProductionVariants"]):
        _check_serverless_endpoint(params)
    names = [variant["VariantName"] for variant in params["ProductionVariants"]]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise errors.validation(f"Variant names must be unique; '{repeated}' is given more than once.")
    for variant in params["ProductionVariants"]:
        _check_variant(variant)


def _check_variant(variant: Params) -> None:
    name = variant["VariantName"]
    if "ServerlessConfig" in variant:
        if clash := {"InstanceType", "InitialInstanceCount", "AcceleratorType"} & set(variant):
            raise errors.validation(
                f"ServerlessConfig of variant '{name}' cannot be combined with {', '.join(sorted(clash))}."
            )
        _check_serverless(variant["ServerlessConfig"])
        return
    if not {"InstanceType", "InstancePools"} & set(variant):
        raise errors.validation(f"Variant '{name}' requires InstanceType, InstancePools or ServerlessConfig.")
    if "InstanceType" in variant and "InitialInstanceCount" not in variant:
        raise errors.validation(f"Variant '{name}' requires InitialInstanceCount.")


def _check_serverless_endpoint(params: Params) -> None:
    """The documented "feature exclusions" of serverless endpoints that a configuration can break."""
    if len(params["ProductionVariants"]) > 1:
        raise errors.validation("Serverless endpoints do not support multiple production variants.")
    if "DataCaptureConfig" in params:
        raise errors.validation("Serverless endpoints do not support data capture.")


def _check_serverless(config: Params) -> None:
    """What the model's descriptions say, and its constraints do not."""
    if config["MemorySizeInMB"] % 1024:
        raise errors.validation("MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120 and 6144.")
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise errors.validation("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")


def _check_model(model: Model, variant: Params) -> None:
    """Documented among the same exclusions; the texts are unconfirmed."""
    if "ServerlessConfig" not in variant:
        return
    if "VpcConfig" in model.request or model.request.get("EnableNetworkIsolation"):
        raise errors.validation(
            f"Serverless endpoints support neither a VPC nor network isolation: model {model.name}."
        )


def _require_accelerators(context: Context, variants: list[Params]) -> None:
    elastic = context.settings.elastic_inference
    refused = elastic.first_refused(variant.get("AcceleratorType", "") for variant in variants)
    if refused and elastic.refused_at == "CreateEndpointConfig":
        raise errors.accelerator_refused(refused)


LISTING: Listing[EndpointConfig] = Listing(
    operation="ListEndpointConfigs",
    result="EndpointConfigs",
    summary=lambda config, _now: {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": config.created,
    },
)
