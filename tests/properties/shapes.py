"""Specs of endpoints that the CRD accepts, and what each of them asks AWS to serve.

This is the machines' own reading of the contract: none of it is the operator's.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from hypothesis import strategies as st

Spec = dict[str, Any]

GOOD = ("s3://bucket/1", "s3://bucket/2")
BAD = "s3://bucket/bad"
NEW = "s3://bucket/new"
TRAININGS = ("first", "second")
MODELS = [{"model": {"artifactS3Uri": artifact}} for artifact in GOOD]
SOURCES = st.sampled_from(MODELS + [{"trainingRef": {"name": name}} for name in TRAININGS])
TYPES = st.sampled_from(["ml.m5.large", "ml.m5.large", "ml.m5.xlarge"])
COUNTS = st.sampled_from([None, 1, 2, 3])
WEIGHTS = st.integers(0, 3)
AUTOSCALING = st.sampled_from(
    [
        None,
        {"minCount": 1, "maxCount": 3, "invocationsPerInstance": 100},
        {"minCount": 2, "maxCount": 4, "invocationsPerInstance": 100},
        {"minCount": 2, "maxCount": 4, "invocationsPerInstance": 50},
    ]
)
ACCELERATORS = st.sampled_from(
    [
        {},
        {"acceleratorType": "ml.eia1.large"},
        {"acceleratorType": "ml.eia1.large", "acceleratorFallback": {}},
        {"acceleratorType": "ml.eia2.medium", "acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"}},
    ]
)
ROLLOUTS = st.sampled_from(
    [
        None,
        {"type": "BlueGreen", "traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 60}},
        {"type": "Rolling", "traffic": {"sizePercent": 50, "waitSeconds": 60}},
    ]
)
SMOKE_TESTS = st.sampled_from(
    [
        None,
        {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}},
        {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}, "onFailure": "Report"},
    ]
)
SERVERLESS = st.sampled_from([{"memorySizeMB": size, "maxConcurrency": 5} for size in (2048, 4096)])
VARIANTS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "b", "c"]), "source": SOURCES, "instanceType": TYPES, "weight": WEIGHTS}
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: one["name"],
)
ONE_FORM = ("model", "trainingRef", "instanceType", "instanceCount", "acceleratorType", "acceleratorFallback")


def with_one(spec: Spec, source: Spec, instance_type: str) -> None:
    """The short form."""
    _without(spec, *ONE_FORM, "variants", "serverless")
    spec.update(copy.deepcopy(source), instanceType=instance_type)
    make_valid(spec)


def with_several(spec: Spec, variants: list[Spec]) -> None:
    """The form with variants."""
    _without(spec, *ONE_FORM, "variants", "serverless")
    spec["variants"] = [
        {**{field: one[field] for field in ("name", "instanceType", "weight")}, **copy.deepcopy(one["source"])}
        for one in variants
    ]
    make_valid(spec)


def with_serverless(spec: Spec, source: Spec, serverless: Spec) -> None:
    """The short form without machines."""
    _without(spec, *ONE_FORM, "variants", "autoscaling", "dataCapture")
    spec.update(copy.deepcopy(source), serverless=serverless)
    make_valid(spec)


def make_valid(spec: Spec) -> None:
    """Take away what the CRD would refuse of what an edit has left."""
    variants = spec.get("variants", [])
    if variants and not any(one["weight"] for one in variants):
        variants[0]["weight"] = 1
    if "serverless" in spec:
        _without(spec, "autoscaling", "dataCapture")
    if ("serverless" in spec or len(variants) > 1) and spec.get("rollout", {}).get("type") == "Rolling":
        spec.pop("rollout")
    for one in [spec, *variants]:
        scaling = one.get("autoscaling") or spec.get("autoscaling")
        count = one.get("instanceCount")
        if scaling and count and not scaling["minCount"] <= count <= scaling["maxCount"]:
            one.pop("instanceCount")


def machines(spec: Spec) -> list[Spec]:
    """Where machines and accelerators are asked for: the variants, or the spec itself."""
    if "serverless" in spec:
        return []
    return list(spec["variants"]) if spec.get("variants") else [spec]


# More instances than any life comes to.
MOST = 1000


class Asked(NamedTuple):
    """One variant as AWS is to serve it."""

    artifact: str
    training: str
    machines: Any
    accelerator: str
    counts: tuple[int, int] | None
    weight: float
    scaling: tuple[int, int, float] | None


def asked_for(spec: Spec, refused: set[str]) -> dict[str, Asked]:
    """The variants by name; `refused` are the accelerators that AWS has refused."""
    if spec.get("variants"):
        return {one["name"]: _asked(spec, one, refused) for one in spec["variants"]}
    return {"AllTraffic": _asked(spec, spec, refused)}


def _asked(spec: Spec, one: Spec, refused: set[str]) -> Asked:
    scaling = one.get("autoscaling") or spec.get("autoscaling")
    accelerator, machine = one.get("acceleratorType", ""), one.get("instanceType", "")
    if accelerator in refused:
        accelerator, machine = "", one.get("acceleratorFallback", {}).get("instanceType", machine)
    # A count that the spec does not name is whatever anybody has set.
    least, most = one.get("instanceCount", 1), one.get("instanceCount", MOST)
    bounds = (scaling["minCount"], scaling["maxCount"]) if scaling else (least, most)
    return Asked(
        artifact=one.get("model", {}).get("artifactS3Uri", ""),
        training=one.get("trainingRef", {}).get("name", ""),
        machines=spec["serverless"]["memorySizeMB"] if "serverless" in spec else machine,
        accelerator=accelerator,
        counts=None if "serverless" in spec else bounds,
        weight=float(one.get("weight", 1)) if one is not spec else 1.0,
        scaling=(*bounds, float(scaling["invocationsPerInstance"])) if scaling else None,
    )


def _without(spec: Spec, *names: str) -> None:
    for name in names:
        spec.pop(name, None)
