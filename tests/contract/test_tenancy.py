"""Every field of the CRDs that names a role, a region, a machine or a place in S3 is held against the allow-list."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.endpoint import tenancy as endpoints
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.situation import Endpoint
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.reconcile.decision import Defaults, Meta
from classifier_operator.training import tenancy as trainings
from classifier_operator.training.spec import TrainingSpec
from tests.contract.manifests import ENDPOINT, TRAINING, VARIANTS
from tests.contract.paths import patched, without_indices
from tests.contract.schemas import nodes

PLACE = {
    "spec.region": "us-east-1",
    "spec.roleArn": "arn:aws:iam::123456789012:role/a",
    "spec.assumeRoleArn": "arn:aws:iam::123456789012:role/b",
}
_NAMED = re.compile(r"(^|\.)(region|\w*[rR]oleArn|\w*[iI]nstanceType|\w*[aA]cceleratorType|\w*[sS]3Uri)$")


def fields(kind: str) -> set[str]:
    return {path for path, _ in nodes(kind) if path.startswith("spec.") and _NAMED.search(path)}


def test_trainings() -> None:
    spot = {"maxWaitSeconds": 90000, "checkpointS3Uri": "s3://birds/checkpoints"}
    spec = msgspec.convert(patched(TRAINING, {**PLACE, "spec.spot": spot})["spec"], TrainingSpec)
    assert {without_indices(use.path) for use in trainings.uses_of(spec, Defaults())} == fields("ClassifierTraining")


def test_endpoints() -> None:
    model = {"artifactS3Uri": "s3://birds/model.tar.gz"}
    variant: dict[str, Any] = {
        "model": model,
        "instanceType": "ml.m5.large",
        "acceleratorType": "ml.eia1.large",
        "acceleratorFallback": {"instanceType": "ml.m5.xlarge"},
    }
    besides = {
        "spec.smokeTest": {"image": {"s3Uri": "s3://birds/image.png"}},
        "spec.dataCapture": {"s3Uri": "s3://birds/captured"},
    }
    short = patched(ENDPOINT, {**PLACE, **besides, "spec.trainingRef": {"name": "x"}})
    del short["spec"]["trainingRef"]
    short["spec"] |= variant
    several = patched(VARIANTS, {**PLACE, **besides, "spec.variants": [{"name": "a", **variant}]})
    meta = Meta(key=ObjectKey(Kind.ENDPOINT, "vision", "birds"), uid="1")
    found = {
        without_indices(use.path)
        for manifest in (short, several)
        for use in endpoints.uses_of(
            Endpoint(meta=meta, spec=msgspec.convert(manifest["spec"], EndpointSpec), status=EndpointStatus())
        )
    }
    assert found == fields("ClassifierEndpoint")
