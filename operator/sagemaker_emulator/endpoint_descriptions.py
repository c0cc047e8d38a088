"""What DescribeEndpoint shows of an endpoint in a phase."""

from __future__ import annotations

from collections.abc import Iterable

from sagemaker_emulator.context import Params
from sagemaker_emulator.endpoint_states import MESSAGES, Pending, Phase, Variant
from sagemaker_emulator.records import Endpoint, EndpointConfig


def description(endpoint: Endpoint, config: EndpointConfig | None, now: float) -> Params:
    """DescribeEndpoint's answer. `config` is the current configuration, if it has not been deleted."""
    phase = endpoint.phase(now)
    pending = _first_deployment(phase) if phase.status == "Creating" else phase.pending
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": phase.config,
        "ProductionVariants": _variants(phase),
        "EndpointStatus": phase.status,
        "FailureReason": phase.reason or None,
        "CreationTime": endpoint.created,
        "LastModifiedTime": phase.at,
        "LastDeploymentConfig": phase.deployment,
        "PendingDeploymentSummary": _pending(pending) if pending else None,
        "DataCaptureConfig": _data_capture(config),
    }


def _variants(phase: Phase) -> list[Params] | None:
    """None while nothing has been deployed: answers recorded in Creating and in Failed lack the member."""
    return None if phase.status in ("Creating", "Failed") else [_variant(variant) for variant in phase.variants]


def _variant(variant: Variant) -> Params:
    return {
        **_common(variant),
        "DeployedImages": _images(variant),
        "CurrentServerlessConfig": variant.serverless,
    }


def _first_deployment(phase: Phase) -> Pending:
    """What a new endpoint is to become. botocore's model documents a summary "when the endpoint is creating" too."""
    return Pending(phase.config, phase.variants, phase.at, "Creating", MESSAGES["Creating"])


def _pending(pending: Pending) -> Params:
    return {
        "EndpointConfigName": pending.config,
        "StartTime": pending.started,
        "ProductionVariants": [_pending_variant(variant, pending) for variant in pending.variants],
    }


def _pending_variant(variant: Variant, pending: Pending) -> Params:
    """A variant of the new fleet; its weight is the share of the traffic it already gets."""
    return {
        **_common(variant),
        "DeployedImages": _images(variant),
        "CurrentWeight": variant.desired_weight * pending.share,
        "CurrentInstanceCount": None if variant.serverless else round(variant.desired_count * pending.share),
        "InstanceType": variant.instance_type or None,
        "AcceleratorType": variant.accelerator or None,
        "VariantStatus": [{"Status": pending.stage, "StatusMessage": pending.message, "StartTime": pending.started}],
    }


def _common(variant: Variant) -> Params:
    return {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": None if variant.serverless else variant.count,
        "DesiredInstanceCount": None if variant.serverless else variant.desired_count,
        "DesiredServerlessConfig": variant.serverless,
    }


def _images(variant: Variant) -> Iterable[Params] | None:
    """AWS resolves the tag to a digest; the emulator has no registry and shows the image as it was given."""
    image = variant.served.image
    if not image:
        return None
    return [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": variant.since}]


def _data_capture(config: EndpointConfig | None) -> Params | None:
    capture = config.request.get("DataCaptureConfig") if config else None
    if not capture:
        return None
    enabled = capture.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
