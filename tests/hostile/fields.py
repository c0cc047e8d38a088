"""Every text that a user may put into an object, found by walking the CRDs' schemas, and what is hostile in it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.contract.schemas import nodes

TRAINING, ENDPOINT = "ClassifierTraining", "ClassifierEndpoint"
ROLE = "arn:aws:iam::123456789012:role/SageMakerExecution"
OPERATORS_ROLE = "arn:aws:iam::222222222222:role/Classifiers"
Json = dict[str, Any]

# Ways out of a path, an address, a header or a line, one at a time.
WAYS = {
    "dots": "../../victim/configmaps/db",
    "encoded": "%2e%2e%2f%2e%2e%2fvictim%2fconfigmaps%2fdb",
    "up": "..",
    "query": "?x=1&y=2",
    "fragment": "#x",
    "host": "@example.org/x",
    "line": "\nX-A: b",
    "header": "\r\nX-A: b\r\n\r\nGET /api/v1/namespaces/victim/configmaps/db HTTP/1.1\r\n",
    "folded": "\r\n X-A: b",
    "nul": "\0",
    "unicode": "\u2025\u2215é\u2028x",
}


class Field(NamedTuple):
    """A text in a spec, by its path in the schema: `[]` is any item, `{}` any value and `{key}` any key of a map."""

    kind: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.path}"


def fields(kind: str) -> list[Field]:
    """The texts of a kind's spec."""
    found = []
    for path, node in nodes(kind):
        # Without a type it takes text beside numbers.
        if path.startswith("spec.") and node.get("type", "string") == "string":
            found.append(Field(kind, path))
        if path.startswith("spec.") and "additionalProperties" in node:
            found.append(Field(kind, f"{path}{{key}}"))
    return found


def has(spec: Json, path: str) -> bool:
    """Whether a spec has a text at that path."""
    return next(_places(spec, path), None) is not None


def with_text(spec: Json, path: str, text: str, *, after: bool) -> Json:
    """The spec with another text at that path, in the first place where there is one; `after` what is there already."""
    changed = copy.deepcopy(spec)
    parent, key, is_key = next(_places(changed, path))
    if is_key:
        parent[f"{key}{text}" if after else text] = parent.pop(key)
    else:
        parent[key] = f"{parent[key]}{text}" if after else text
    return changed


def paths_in(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The paths of all texts in a status, but for what its conditions say."""
    if isinstance(value, str):
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        if key != "conditions":
            yield from paths_in(one, *path, key)


def with_text_after(value: Json, path: tuple[Any, ...], text: str) -> Json:
    """The status with more text there."""
    changed = copy.deepcopy(value)
    parent: Any = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] += text
    return changed


def _places(spec: Json, path: str) -> Iterator[tuple[Any, Any, bool]]:
    """Where the path leads: the mapping or list, the key or index, and whether the key itself is the text."""
    yield from _below({"spec": spec}, re.findall(r"[^.\[\]{}]+|\[\]|\{key\}|\{\}", path))


def _below(parent: Any, steps: list[str]) -> Iterator[tuple[Any, Any, bool]]:
    step, *rest = steps
    if step == "{key}":
        yield from ((parent, key, True) for key in list(parent)[:1])
        return
    keys: list[Any] = [step] if isinstance(parent, dict) and step in parent else []
    if step == "[]":
        keys = list(range(len(parent)))
    elif step == "{}":
        keys = list(parent)
    for key in keys:
        if rest:
            yield from _below(parent[key], rest)
        else:
            yield parent, key, False


_PLACE = {"region": "us-east-1", "roleArn": ROLE}
_JOB = {
    **_PLACE,
    "output": {"s3Uri": "s3://bucket/output", "kmsKeyId": "alias/models"},
    "resources": {"instanceType": "ml.p3.2xlarge", "volumeKmsKeyId": "alias/volumes"},
    "stopping": {"maxRuntimeSeconds": 3600},
}
_AUGMENTED = {
    "contentType": "application/x-recordio",
    "s3DataType": "AugmentedManifestFile",
    "attributeNames": ["source-ref", "class"],
    "distribution": "FullyReplicated",
    "recordWrapper": "RecordIO",
    "compression": "None",
    "inputMode": "Pipe",
}
_MODEL = {"artifactS3Uri": "s3://bucket/model.tar.gz", "image": "811284229777.dkr.ecr.us-east-1.amazonaws.com/mine:1"}
_LABELS = {"configMapKeyRef": {"name": "labels", "key": "labels.txt"}}
_AUTOSCALING = {"minCount": 1, "maxCount": 4, "invocationsPerInstance": 60}


def source_of(url: str) -> Json:
    """An input's source there."""
    return {"url": f"{url}/data/train.rec", "sha256": "", "kmsKeyId": "alias/imports"}


def bases(web: str) -> dict[str, tuple[str, Json]]:
    """Specs that work, and have a text at every path between them. `web`: where files are fetched from."""
    plain: Json = {"contentType": "application/x-recordio", "s3Uri": "s3://bucket/validation"}
    return {
        "fetching": (
            TRAINING,
            {
                **_JOB,
                "algorithm": {"name": "image-classification", "version": "1", "inputMode": "File"},
                "hyperparameters": {
                    "numClasses": 10,
                    "numTrainingSamples": 1000,
                    "numLayers": 50,
                    "imageShape": "3,224,224",
                    "resize": 256,
                    "epochs": 30,
                    "miniBatchSize": 32,
                    "topK": 5,
                    "checkpointFrequency": 1,
                    "usePretrainedModel": True,
                    "multiLabel": False,
                    "useWeightedLoss": False,
                    "earlyStopping": True,
                    "earlyStoppingMinEpochs": 10,
                    "earlyStoppingPatience": 5,
                    "optimizer": "adam",
                    "learningRate": "0.1",
                    "lrSchedulerFactor": "0.1",
                    "lrSchedulerStep": "10,20",
                    "momentum": "0.9",
                    "weightDecay": "0.0001",
                    "beta1": "0.9",
                    "beta2": "0.999",
                    "eps": "1e-8",
                    "gamma": "0.9",
                    "augmentationType": "crop",
                    "precisionDtype": "float32",
                    "earlyStoppingTolerance": "0.0",
                    "kvStore": "dist_sync",
                },
                "inputs": [
                    {"name": "train", **plain, "s3Uri": "s3://bucket/train", "source": source_of(web)},
                    {"name": "validation", **plain},
                ],
                "network": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
                "environment": {"A": "b"},
                "tags": {"team": "vision"},
                "deletionPolicy": "Delete",
            },
        ),
        "of an image": (
            TRAINING,
            {
                **_JOB,
                "assumeRoleArn": OPERATORS_ROLE,
                "algorithm": {"image": _MODEL["image"]},
                "hyperparameters": {"extra": {"dropout": "0.5"}},
                "inputs": [{"name": "train", "s3Uri": "s3://bucket/lines.manifest", **_AUGMENTED}],
                "spot": {"maxWaitSeconds": 7200, "checkpointS3Uri": "s3://bucket/checkpoints"},
            },
        ),
        "tested": (
            ENDPOINT,
            {
                **_PLACE,
                "model": _MODEL,
                "instanceType": "ml.m5.large",
                "classLabels": _LABELS,
                "smokeTest": {
                    "image": {"configMapKeyRef": {"name": "sample", "key": "sample.png"}},
                    "contentType": "image/png",
                    "expect": {"label": "zero", "minProbability": "0.3"},
                    "onFailure": "RollBack",
                },
                "rollout": {"type": "BlueGreen", "traffic": {"type": "AllAtOnce"}, "alarms": ["high-5xx"]},
                "dataCapture": {"s3Uri": "s3://bucket/seen", "modes": ["Input"], "kmsKeyId": "alias/seen"},
                "kmsKeyId": "alias/volumes",
                "network": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
                "tags": {"team": "vision"},
                "deletionPolicy": "Delete",
            },
        ),
        "accelerated": (
            ENDPOINT,
            {
                **_PLACE,
                "assumeRoleArn": OPERATORS_ROLE,
                "model": _MODEL,
                "instanceType": "ml.m5.large",
                "acceleratorType": "ml.eia2.large",
                "acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"},
            },
        ),
        "labelled": (
            ENDPOINT,
            {
                **_PLACE,
                "trainingRef": {"name": "trained"},
                "instanceType": "ml.m5.large",
                "autoscaling": _AUTOSCALING,
                "classLabels": {"values": ["zero"]},
                "smokeTest": {"image": {"s3Uri": "s3://bucket/image.png"}},
            },
        ),
        "of variants": (
            ENDPOINT,
            {
                **_PLACE,
                "variants": [
                    {
                        "name": "champion",
                        "trainingRef": {"name": "trained"},
                        "instanceType": "ml.m5.large",
                        "acceleratorType": "ml.eia2.large",
                        "acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"},
                    },
                    {"name": "challenger", "model": _MODEL, "instanceType": "ml.m5.large"},
                ],
                "autoscaling": _AUTOSCALING,
                "classLabels": _LABELS,
                "smokeTest": {"image": {"s3Uri": "s3://bucket/image.png"}},
            },
        ),
    }
