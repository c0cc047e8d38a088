"""What is refused because it could lead elsewhere: out of a path, an address, a header or a line."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.paths import DROP
from tests.contract.refusals import sentences
from tests.contract.refusals.form import Refusal, endpoint, training, training_field
from tests.contract.refusals.inputs import AUGMENTED
from tests.contract.refusals.smoke_test import SMOKE_TEST

_DOTS: Final = "must have no . or .. between slashes"
_KEY: Final = "labels.txt"

# Names that are none of an object of the cluster.
_NO_NAMES: Final = {
    "path": "../../victim/configmaps/db",
    "encoded": "..%2f..%2fvictim",
    "dot": ".",
    "dots": "..",
    "query": "db?watch=1",
    "fragment": "db#x",
    "line": "db\n",
    "upper-case": "DB",
    "unicode": "d‥b",
}
_NO_KEYS: Final = {"dot": ".", "dots": "..", "dots-first": "..a", "slash": "a/b", "line": "a\n", "encoded": "%2e"}
# Keys in S3 that an HTTP client or a proxy resolves, or that end a line.
_KEYS_WITH_DOTS: Final = {"up": "a/../b/", "up-at-once": "../b/", "here": "a/./b/"}
_KEYS_WITH_CONTROLS: Final = {"line": "a\nb/", "nul": "a\0b/", "return": "a\rb/", "escape": "a\x1bb/"}
_NO_CONTENT_TYPES: Final = {
    "line": "image/png\n",
    "header": "image/png\r\nX-Amzn-SageMaker-Target-Variant: other",
    "folded": "image/png\r\n x",
    "unicode": "image/pñg",
}
_MODEL: Final[dict[str, Any]] = {"spec.trainingRef": DROP}


def _config_map(where: str, ref: dict[str, str]) -> dict[str, Any]:
    if where == "spec.classLabels":
        return {where: {"configMapKeyRef": ref}}
    return {"spec.smokeTest": {**SMOKE_TEST, "image": {"configMapKeyRef": ref}}}


def _config_maps() -> list[Refusal]:
    rows = []
    for where in ("spec.classLabels", "spec.smokeTest.image"):
        for name, value in _NO_NAMES.items():
            changes = _config_map(where, {"name": value, "key": _KEY})
            rows.append(
                endpoint(f"{where}-name-{name}", changes, f"{where}.configMapKeyRef.name", sentences.CONFIG_MAP)
            )
        for name, value in _NO_KEYS.items():
            changes = _config_map(where, {"name": "labels", "key": value})
            rows.append(
                endpoint(f"{where}-key-{name}", changes, f"{where}.configMapKeyRef.key", sentences.CONFIG_MAP_KEY)
            )
    return rows


def _keys(keys: dict[str, str], message: str = "") -> list[Refusal]:
    """A row for each address in S3 with each of these keys; without a message, it is of another shape."""
    rows = []
    for name, key in keys.items():
        uri = f"s3://birds/{key}"
        model = {"artifactS3Uri": f"{uri}model.tar.gz"}
        test = {**SMOKE_TEST, "image": {"s3Uri": f"{uri}x.png"}}
        variant = {"spec.variants[champion]": {"model": model, "instanceType": "ml.m5.large"}}
        rows += [
            endpoint(
                f"model-{name}",
                {**_MODEL, "spec.model": model},
                "spec.model.artifactS3Uri",
                message or sentences.ARCHIVE,
            ),
            endpoint(
                f"variant-model-{name}",
                variant,
                "spec.variants[1].model.artifactS3Uri",
                message or sentences.ARCHIVE,
                base="variants",
            ),
            endpoint(
                f"image-{name}", {"spec.smokeTest": test}, "spec.smokeTest.image.s3Uri", message or sentences.S3_OBJECT
            ),
            endpoint(
                f"capture-{name}",
                {"spec.dataCapture": {"s3Uri": uri}},
                "spec.dataCapture.s3Uri",
                message or sentences.S3_PREFIX,
            ),
            training(
                f"input-{name}", {"spec.inputs[train].s3Uri": uri}, "spec.inputs[0].s3Uri", message or sentences.INPUT
            ),
            training_field(f"output-{name}", "spec.output.s3Uri", uri, message or sentences.OUTPUT),
            training(
                f"checkpoint-{name}",
                {"spec.spot": {"maxWaitSeconds": 90000, "checkpointS3Uri": uri}},
                "spec.spot.checkpointS3Uri",
                message or sentences.CHECKPOINTS,
            ),
        ]
    return rows


def _content_types() -> list[Refusal]:
    rows = []
    for name, value in _NO_CONTENT_TYPES.items():
        test = {"spec.smokeTest": {**SMOKE_TEST, "contentType": value}}
        rows.append(endpoint(f"contentType-{name}", test, "spec.smokeTest.contentType", sentences.CONTENT_TYPE))
        given = {"spec.inputs[train].contentType": value, "spec.algorithm.image": "mine:1"}
        rows.append(training(f"contentType-{name}", given, "spec.inputs[0].contentType", sentences.DATA_TYPE))
    return rows


def _images() -> list[Refusal]:
    rows = []
    for name, value in {"line": "mine:1\n", "nul": "mine\0:1", "unicode": "mine\uff1a1"}.items():
        model = {"artifactS3Uri": "s3://b-1/m.tar.gz", "image": value}
        variant = {"spec.variants[champion]": {"model": model, "instanceType": "ml.m5.large"}}
        rows += [
            endpoint(f"image-{name}", {**_MODEL, "spec.model": model}, "spec.model.image", sentences.IMAGE),
            endpoint(
                f"variant-image-{name}", variant, "spec.variants[1].model.image", sentences.IMAGE, base="variants"
            ),
            training_field(f"image-{name}", "spec.algorithm.image", value, sentences.IMAGE),
        ]
    return rows


_ALL: Final = (
    *_config_maps(),
    *_keys(_KEYS_WITH_DOTS, _DOTS),
    *_keys(_KEYS_WITH_CONTROLS),
    *_content_types(),
    *_images(),
    *(
        endpoint(f"{base}-region-{name}", {"spec.region": value}, "spec.region", sentences.REGION, base=base)
        for base in ("endpoint", "variants")
        for name, value in {"host": "us-east-1.example.org/", "line": "us-east-1\n", "dots": "us-east-1/.."}.items()
    ),
    endpoint("alarm-line", {"spec.rollout": {"alarms": ["a\nb"]}}, "spec.rollout.alarms[0]", sentences.ALARM),
)
ENDPOINTS: Final = tuple(row for row in _ALL if row.base != "training")
TRAININGS: Final = (
    *(row for row in _ALL if row.base == "training"),
    training_field("region-host", "spec.region", "us-east-1.example.org/", sentences.REGION),
    training(
        "attribute-line",
        {"spec.inputs[train]": {**AUGMENTED, "attributeNames": ["source-ref", "a\nb"]}},
        "spec.inputs[1].attributeNames[1]",
        sentences.ATTRIBUTE,
    ),
    training(
        "extra-line",
        {"spec.hyperparameters.extra": {"a": "x\ny"}},
        "spec.hyperparameters.extra[a]",
        sentences.PARAMETER,
    ),
    *(
        training(
            f"source-{name}",
            {"spec.inputs[train].source": {"url": f"https://example.org/{value}"}},
            "spec.inputs[0].source.url",
            sentences.URL,
        )
        for name, value in {"line": "a\nb", "nul": "a\0b", "backslash": "a\\b", "space": "a b"}.items()
    ),
)
