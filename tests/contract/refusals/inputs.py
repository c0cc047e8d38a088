"""What is refused in a ClassifierTraining's inputs and their sources."""

from __future__ import annotations

from typing import Final

from tests.contract.paths import DROP
from tests.contract.refusals import sentences
from tests.contract.refusals.form import Refusal, training, training_field

# Lines of JSON with images and their labels.
AUGMENTED: Final = {
    "s3Uri": "s3://birds/lines.manifest",
    "s3DataType": "AugmentedManifestFile",
    "attributeNames": ["source-ref", "class"],
    "recordWrapper": "RecordIO",
    "inputMode": "Pipe",
}

INPUTS: Final = (
    training_field("inputs-missing", "spec.inputs", DROP, "Required value"),
    training_field("inputs-empty", "spec.inputs", [], "at least 1 items"),
    training_field(
        "inputs-21", "spec.inputs", [{"name": f"c{i}", "s3Uri": "s3://birds/c"} for i in range(21)], "at most 20"
    ),
    training(
        "train-missing",
        {"spec.inputs[train]": DROP},
        "spec.inputs",
        "the built-in algorithm needs an input named train",
    ),
    training(
        "validation-missing",
        {"spec.inputs[validation]": DROP},
        "spec.inputs",
        "the built-in algorithm needs an input named validation",
    ),
    training(
        "input-twice",
        {"spec.inputs": [{"name": name, "s3Uri": "s3://birds/x"} for name in ("train", "validation", "train")]},
        "spec.inputs[2]",
        "Duplicate value",
    ),
    training(
        "input-nameless",
        {"spec.inputs": [{"s3Uri": "s3://birds/x"}]},
        "spec.inputs[0].name",
        "Required value",
    ),
    training("input-name", {"spec.inputs[my data].s3Uri": "s3://birds/x"}, "spec.inputs[2].name", sentences.CHANNEL),
    training(
        "input-name-65", {f"spec.inputs[{'x' * 65}].s3Uri": "s3://birds/x"}, "spec.inputs[2].name", "more than 64"
    ),
    training("input-s3Uri-missing", {"spec.inputs[train].s3Uri": DROP}, "spec.inputs[0].s3Uri", "Required value"),
    training("input-local-file", {"spec.inputs[train].s3Uri": "file:///x"}, "spec.inputs[0].s3Uri", sentences.INPUT),
    training(
        "input-contentType",
        {"spec.inputs[train].contentType": "", "spec.algorithm.image": "mine:1"},
        "spec.inputs[0].contentType",
        "at least 1 chars",
    ),
    training(
        "input-s3DataType", {"spec.inputs[train].s3DataType": "Object"}, "spec.inputs[0].s3DataType", "supported values"
    ),
    training(
        "input-distribution",
        {"spec.inputs[train].distribution": "All"},
        "spec.inputs[0].distribution",
        "supported values",
    ),
    training(
        "input-compression", {"spec.inputs[train].compression": "Zip"}, "spec.inputs[0].compression", "supported values"
    ),
    training(
        "input-wrapper", {"spec.inputs[train].recordWrapper": "TFRecord"}, "spec.inputs[0].recordWrapper", "supported"
    ),
    training("input-mode", {"spec.inputs[train].inputMode": "Stream"}, "spec.inputs[0].inputMode", "supported values"),
    training(
        "input-seed", {"spec.inputs[train].shuffleSeed": "7"}, "spec.inputs[0].shuffleSeed", "must be of type integer"
    ),
    *(
        training(
            f"b15-files-without-lists-{name}",
            {"spec.inputs[train].contentType": content_type},
            "spec.inputs",
            "inputs of image files, whose contentType is not application/x-recordio, need two more inputs "
            "that list the images with their classes: train_lst and validation_lst",
        )
        for name, content_type in {
            "any": "application/x-image",
            "jpeg": "image/jpeg",
            "png": "image/png",
            "odd": "application/jpeg",
            "parameter": "image/jpeg; label-format=multi-hot",
        }.items()
    ),
    training(
        "b15-files-with-the-other-list-only",
        {
            "spec.inputs[validation].contentType": "image/png",
            "spec.inputs[train_lst]": {"s3Uri": "s3://birds/lst", "contentType": "image/png"},
        },
        "spec.inputs",
        "inputs of image files, whose contentType is not application/x-recordio, need two more inputs",
    ),
    training(
        "b15-files-by-pipe",
        {f"spec.inputs[{name}].contentType": "image/jpeg" for name in ("train", "validation")}
        | {f"spec.inputs[{name}_lst].s3Uri": "s3://birds/lst" for name in ("train", "validation")}
        | {"spec.algorithm.inputMode": "Pipe"},
        "spec.inputs",
        "image files reach the built-in algorithm with the inputMode Pipe only by an augmented manifest: "
        "use the inputMode File, or the s3DataType AugmentedManifestFile",
    ),
    training(
        "model-as-RecordIO",
        {"spec.inputs[model].s3Uri": "s3://birds/model.tar.gz"},
        "spec.inputs",
        "the input named model, for incremental training, must have the content type application/x-sagemaker-model",
    ),
    training(
        "model-by-pipe",
        {
            "spec.algorithm.inputMode": "Pipe",
            "spec.inputs[model].s3Uri": "s3://birds/model.tar.gz",
            "spec.inputs[model].contentType": "application/x-sagemaker-model",
        },
        "spec.inputs",
        "an input of content type application/x-sagemaker-model must have the inputMode File",
    ),
    training(
        "augmented-unwrapped",
        {"spec.inputs[train]": {**AUGMENTED, "recordWrapper": "None"}},
        "spec.inputs",
        "the built-in algorithm reads an input with s3DataType AugmentedManifestFile only with recordWrapper RecordIO",
    ),
    training(
        "augmented-by-fast-file",
        {
            "spec.inputs[train]": {**AUGMENTED, "inputMode": "FastFile", "recordWrapper": "None"},
            "spec.algorithm.image": "mine:1",
        },
        "spec.inputs",
        "an input with s3DataType AugmentedManifestFile must have the inputMode Pipe",
    ),
    training(
        "augmented-without-attributes",
        {"spec.inputs[train]": {**AUGMENTED, "attributeNames": []}},
        "spec.inputs[1].attributeNames",
        "s3DataType AugmentedManifestFile needs attributeNames, and no other s3DataType takes them",
    ),
    training(
        "attributes-of-a-prefix",
        {"spec.inputs[train].attributeNames": ["source-ref"]},
        "spec.inputs[0].attributeNames",
        "s3DataType AugmentedManifestFile needs attributeNames, and no other s3DataType takes them",
    ),
    training(
        "attributes-17",
        {"spec.inputs[train]": {**AUGMENTED, "attributeNames": [f"a{i}" for i in range(17)]}},
        "spec.inputs[1].attributeNames",
        "at most 16",
    ),
    training(
        "wrapped-files",
        {"spec.inputs[train].recordWrapper": "RecordIO"},
        "spec.inputs",
        "an input with recordWrapper RecordIO must have the inputMode Pipe",
    ),
    training(
        "compressed-files",
        {"spec.inputs[train].compression": "Gzip"},
        "spec.inputs",
        "an input with compression Gzip must have the inputMode Pipe",
    ),
    training(
        "RecordIO-by-pipe-in-shares",
        {"spec.algorithm.inputMode": "Pipe", "spec.inputs[train].distribution": "ShardedByS3Key"},
        "spec.inputs",
        "an input of content type application/x-recordio with the inputMode Pipe "
        "must have the distribution FullyReplicated",
    ),
)

_SOURCE: Final = "spec.inputs[0].source"

_FILE_NAME: Final = (
    "must be an http or https address whose path ends in a file name, such as https://example.org/data/train.rec"
)


def _source(name: str, url: str, message: str) -> Refusal:
    return training(name, {"spec.inputs[train].source.url": url}, f"{_SOURCE}.url", message)


SOURCES: Final = (
    _source("source-ftp", "ftp://example.org/train.rec", sentences.URL),
    _source("source-file", "file:///etc/passwd", sentences.URL),
    _source("source-S3", "s3://birds/train.rec", sentences.URL),
    _source("source-folder", "https://example.org/data/", _FILE_NAME),
    _source("source-host-only", "https://example.org", _FILE_NAME),
    _source("source-fragment", "https://example.org/train.rec#top", sentences.URL),
    _source(
        "source-password",
        "https://me:secret@example.org/train.rec",
        "must not contain a user name or password: put the file where it can be fetched without, or into S3 yourself",
    ),
    _source("source-long", "https://example.org/" + "x" * 2029, "more than 2048"),
    training("source-empty", {"spec.inputs[train].source": {}}, f"{_SOURCE}.url", "Required value"),
    training(
        "source-sha256",
        {"spec.inputs[train].source": {"url": "https://example.org/x.rec", "sha256": "abc"}},
        f"{_SOURCE}.sha256",
        sentences.SHA256,
    ),
    training(
        "B27-source-kmsKeyId",
        {"spec.inputs[train].source": {"url": "https://example.org/x.rec", "kmsKeyId": "a key"}},
        f"{_SOURCE}.kmsKeyId",
        sentences.KMS_KEY,
    ),
    training(
        "source-of-a-manifest-to-a-folder",
        {
            "spec.inputs[train].source": {"url": "https://example.org/x.manifest"},
            "spec.inputs[train].s3DataType": "ManifestFile",
            "spec.inputs[train].s3Uri": "s3://birds/train/",
        },
        "spec.inputs[0].s3Uri",
        "must be the address of an object, not of a bucket or folder, because the manifest is fetched to it",
    ),
    training(
        "source-of-a-manifest-to-a-bucket",
        {
            "spec.inputs[train].source": {"url": "https://example.org/x.manifest"},
            "spec.inputs[train].s3DataType": "ManifestFile",
            "spec.inputs[train].s3Uri": "s3://birds",
        },
        "spec.inputs[0].s3Uri",
        "must be the address of an object, not of a bucket or folder, because the manifest is fetched to it",
    ),
)

REFUSALS: Final = (*INPUTS, *SOURCES)
