"""What DescribeEndpoint shows of an endpoint in a phase."""

from __future__ import annotations

from collections.abc import Iterable

from sagemaker_emulator.context import Params
from sagemaker_emulator.endpoint_states import Pending, Phase, Variant
from sagemaker_emulator.records import Endpoint, EndpointConfig


def description(endpoint: Endpoint, config: EndpointConfig | None, now: float) -> Params:
    """DescribeEndpoint's answer. `config` is the current configuration, if it has not been deleted."""
    phase = endpoint.phase(now)
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": phase.config,
        "ProductionVariants": [_variant(variant, phase) for variant in phase.variants],
        "EndpointStatus": phase.status,
        "FailureReason": phase.reason or None,
        "CreationTime": endpoint.created,
        "LastModifiedTime": phase.at,
        "LastDeploymentConfig": phase.deployment,
        "PendingDeploymentSummary": _pending(phase.pending) if phase.pending else None,
        "DataCaptureConfig": _data_capture(config),
    }


def _variant(variant: Variant, phase: Phase) -> Params:
    shown = _common(variant)
    shown["DeployedImages"] = _images(variant)
    shown["CurrentServerlessConfig"] = variant.serverless if phase.status != "Creating" else None
    if phase.status == "Creating":
        shown["VariantStatus"] = [{"Status": "Creating", "StartTime": phase.at}]
    return shown


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
