"""What is refused in a ClassifierEndpoint's variants."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.paths import DROP
from tests.contract.refusals import sentences
from tests.contract.refusals.form import endpoint, endpoint_field
from tests.contract.refusals.serving import AUTOSCALING, BURSTABLE, NONE_AT_ALL

_BURSTABLE: Final[dict[str, dict[str, Any]]] = {
    "instanceType": {"spec.variants[champion].instanceType": "ml.t2.medium"},
    "fallback": {
        "spec.variants[champion].acceleratorType": "ml.eia2.large",
        "spec.variants[champion].acceleratorFallback": {"instanceType": "ml.t3.medium"},
    },
}

REFUSALS: Final = (
    *(
        endpoint(f"variants-and-{name}", {f"spec.{name}": value}, f"spec.{name}", message, base="variants")
        for name, value, message in (
            ("instanceType", "ml.m5.large", "with variants each of them has an instanceType of its own"),
            ("instanceCount", 1, "with variants each of them has an instanceCount of its own"),
            ("acceleratorType", "ml.eia1.large", "with variants each of them has an acceleratorType of its own"),
            ("acceleratorFallback", {}, "with variants each of them has an acceleratorFallback of its own"),
            (
                "serverless",
                {"memorySizeMB": 1024, "maxConcurrency": 1},
                "a serverless endpoint serves one model and has no variants",
            ),
        )
    ),
    endpoint_field("variants-none", "spec.variants", [], "at least 1 items", base="variants"),
    endpoint_field(
        "variants-11",
        "spec.variants",
        [{"name": f"v{i}", "trainingRef": {"name": "x"}, "instanceType": "ml.m5.large"} for i in range(11)],
        "at most 10",
        base="variants",
    ),
    endpoint(
        "variant-twice",
        {
            "spec.variants": [
                {"name": "a", "trainingRef": {"name": "x"}, "instanceType": "ml.m5.large"},
                {"name": "a", "trainingRef": {"name": "y"}, "instanceType": "ml.m5.large"},
            ]
        },
        "spec.variants[1]",
        "Duplicate value",
        base="variants",
    ),
    endpoint(
        "variant-name",
        {"spec.variants[ends-with-]": {"trainingRef": {"name": "x"}, "instanceType": "ml.m5.large"}},
        "spec.variants[2].name",
        sentences.VARIANT,
        base="variants",
    ),
    endpoint(
        "variant-name-64",
        {f"spec.variants[{'x' * 64}]": {"trainingRef": {"name": "x"}, "instanceType": "ml.m5.large"}},
        "spec.variants[2].name",
        "more than 63",
        base="variants",
    ),
    endpoint(
        "variant-weight-negative",
        {"spec.variants[champion].weight": -1},
        "spec.variants[0].weight",
        "greater than or equal to 0",
        base="variants",
    ),
    *(
        endpoint(
            f"B47-weight-{weight}",
            {"spec.variants[champion].weight": weight},
            "spec.variants[0].weight",
            "must be a whole number: weights are relative, so write 8 and 2 instead of 0.8 and 0.2",
            base="variants",
        )
        for weight in (0.8, 0.2, 1.5, 1e-9)
    ),
    *(
        endpoint(
            f"A18-variant-instanceCount-{count}",
            {"spec.variants[champion].instanceCount": count},
            "spec.variants[0].instanceCount",
            "must be 1 or more; leave the variant out, or for no instances at all set spec.suspend: true",
            base="variants",
        )
        for count in (0, -1)
    ),
    endpoint(
        "A18-variant-autoscaling-to-zero",
        {"spec.variants[champion].autoscaling": {**AUTOSCALING, "minCount": 0}},
        "spec.variants[0].autoscaling.minCount",
        NONE_AT_ALL,
        base="variants",
    ),
    endpoint(
        "A17-variant-instanceType",
        {"spec.variants[champion].instanceType": "m5.large"},
        "spec.variants[0].instanceType",
        sentences.INSTANCE_TYPE,
        base="variants",
    ),
    endpoint(
        "A17-variant-fallback-instanceType",
        {
            "spec.variants[champion].acceleratorType": "ml.eia2.large",
            "spec.variants[champion].acceleratorFallback": {"instanceType": "g4dn.xlarge"},
        },
        "spec.variants[0].acceleratorFallback.instanceType",
        sentences.INSTANCE_TYPE,
        base="variants",
    ),
    endpoint(
        "A17-variant-trainingRef",
        {"spec.variants[champion].trainingRef": {"name": "My_Training"}},
        "spec.variants[0].trainingRef.name",
        sentences.TRAINING,
        base="variants",
    ),
    endpoint(
        "variant-burstable-autoscaling",
        {
            "spec.variants[champion].autoscaling": AUTOSCALING,
            "spec.variants[champion].instanceType": "ml.t2.medium",
        },
        "spec.variants[0].instanceType",
        BURSTABLE,
        base="variants",
    ),
    endpoint(
        "variant-burstable-fallback-autoscaling",
        {
            "spec.variants[champion].autoscaling": AUTOSCALING,
            "spec.variants[champion].acceleratorType": "ml.eia2.large",
            "spec.variants[champion].acceleratorFallback": {"instanceType": "ml.t2.medium"},
        },
        "spec.variants[0].acceleratorFallback.instanceType",
        BURSTABLE,
        base="variants",
    ),
    *(
        endpoint(
            f"variant-burstable-common-autoscaling-{name}",
            {"spec.autoscaling": AUTOSCALING, **changes},
            "spec.variants",
            BURSTABLE,
            base="variants",
        )
        for name, changes in _BURSTABLE.items()
    ),
    endpoint(
        "variant-weights-all-0",
        {"spec.variants[champion].weight": 0, "spec.variants[challenger].weight": 0},
        "spec.variants",
        "at least one variant must have a weight above 0",
        base="variants",
    ),
    endpoint(
        "variant-without-model",
        {"spec.variants[champion].trainingRef": DROP},
        "spec.variants[0]",
        "a variant must have either a trainingRef or a model",
        base="variants",
    ),
    endpoint(
        "variant-with-two-models",
        {"spec.variants[champion].model": {"artifactS3Uri": "s3://birds/model.tar.gz"}},
        "spec.variants[0]",
        "a variant must have either a trainingRef or a model",
        base="variants",
    ),
    endpoint(
        "variant-instanceType-missing",
        {"spec.variants[champion].instanceType": DROP},
        "spec.variants[0].instanceType",
        "Required value",
        base="variants",
    ),
    endpoint(
        "variant-fallback-from-nothing",
        {"spec.variants[champion].acceleratorFallback": {}},
        "spec.variants[0].acceleratorFallback",
        "a fallback needs an acceleratorType to fall back from",
        base="variants",
    ),
    endpoint(
        "variant-acceleratorType",
        {"spec.variants[champion].acceleratorType": "eia1.large"},
        "spec.variants[0].acceleratorType",
        "supported values",
        base="variants",
    ),
    endpoint(
        "variant-autoscaling-bounds",
        {"spec.variants[champion].autoscaling": {**AUTOSCALING, "maxCount": 1}},
        "spec.variants[0].autoscaling.maxCount",
        "must not be less than minCount",
        base="variants",
    ),
    endpoint(
        "variant-below-its-minCount",
        {"spec.variants[champion].autoscaling": AUTOSCALING, "spec.variants[champion].instanceCount": 1},
        "spec.variants[0].instanceCount",
        "must be from autoscaling.minCount to autoscaling.maxCount, or stay out",
        base="variants",
    ),
    endpoint(
        "variant-below-common-minCount",
        {"spec.autoscaling": AUTOSCALING, "spec.variants[champion].instanceCount": 1},
        "spec.variants",
        "a variant's instanceCount must be from autoscaling.minCount to autoscaling.maxCount, or stay out",
        base="variants",
    ),
)
