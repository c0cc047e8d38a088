"""`classifier-operator dataset`: images into the RecordIO files that the algorithm trains on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier_operator.cli import clients
from classifier_operator.cli.extras import emulator_extra

if TYPE_CHECKING:
    from image_recordio.datasets import PackedDataset


@click.command(name="dataset")
@click.argument("paths", nargs=-1, required=True, metavar="[FOLDER] OUTPUT", type=click.Path(path_type=Path))
@click.option("--digits", is_flag=True, help="Pack scikit-learn's scanned digits; there is no FOLDER then.")
@click.option(
    "--validation-fraction",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of each class to validate with.",
)
@click.option("--resize", type=click.IntRange(1), help="Length of the shorter edge, in pixels. [as it is]")
@click.option("--seed", default=0, show_default=True, help="Another seed splits and mixes otherwise.")
@click.option("--upload", metavar="S3_URI", default="", help="Copy both channels to S3, below s3://bucket/prefix.")
@click.option("--region", default=None, callback=clients.checked_regions, help="Region of the bucket. [AWS_REGION]")
def command(
    *,
    paths: tuple[Path, ...],
    digits: bool,
    validation_fraction: float,
    resize: int | None,
    seed: int,
    upload: str,
    region: str | None,
) -> None:
    """Pack the images of FOLDER into OUTPUT.

    FOLDER has a subfolder of images for each class. OUTPUT gets train/train.rec and validation/validation.rec, the
    two channels of a ClassifierTraining, and labels.txt, one class a line, for the ClassifierEndpoint's classLabels.
    The same images, fraction and seed give the same bytes.
    """
    folder, output = _folder_and_output(paths, digits=digits)
    bucket, prefix = _bucket_and_prefix(upload) if upload else ("", "")
    with emulator_extra():
        from image_recordio.datasets import pack_folder
        from image_recordio.errors import DatasetError
    try:
        if folder is None:
            packed = _pack_digits(output)
        else:
            packed = pack_folder(folder, output, validation_fraction=validation_fraction, seed=seed, resize=resize)
    except (DatasetError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if upload:
        _upload(packed, bucket, prefix, region)
    click.echo(describe(packed, upload.rstrip("/")))


def describe(packed: PackedDataset, uri: str) -> str:
    """What was written, and what a manifest says of it."""
    place = uri or "s3://BUCKET/PREFIX"
    lines = [
        f"{packed.train}: {packed.train_count} images to train with",
        f"{packed.validation}: {packed.validation_count} images to validate with",
        f"{packed.labels_file}: {len(packed.labels)} classes",
        "",
        "For the ClassifierTraining:",
        "  hyperparameters:",
        f"    numClasses: {len(packed.labels)}",
        f"    numTrainingSamples: {packed.train_count}",
        "  inputs:",
    ]
    for name in ("train", "validation"):
        lines += [f"    - name: {name}", f"      s3Uri: {place}/{name}", "      contentType: application/x-recordio"]
    lines += [
        "",
        "For the ClassifierEndpoint's classLabels.configMapKeyRef:",
        f"  kubectl create configmap labels --from-file={packed.labels_file}",
    ]
    return "\n".join(lines)


def _folder_and_output(paths: tuple[Path, ...], *, digits: bool) -> tuple[Path | None, Path]:
    if digits and len(paths) == 1:
        return None, paths[0]
    if not digits and len(paths) == 2:
        return paths[0], paths[1]
    raise click.UsageError("give OUTPUT alone with --digits, FOLDER and OUTPUT without it")


def _bucket_and_prefix(uri: str) -> tuple[str, str]:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise click.BadParameter(f"{uri} is not of the form s3://bucket/prefix", param_hint="--upload")
    return bucket, prefix.strip("/")


def _pack_digits(output: Path) -> PackedDataset:
    with emulator_extra("sklearn"):
        from image_recordio.datasets import pack_images
        from image_recordio.digits import digits

        data = digits()
    for image in data.held_out:
        path = output / "held-out" / image.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.image)
    return pack_images(data.train, data.validation, data.labels, output)


def _upload(packed: PackedDataset, bucket: str, prefix: str, region: str | None) -> None:
    from boto3.exceptions import Boto3Error

    s3 = clients.client("s3", region)
    try:
        with clients.explained():
            for name, file in (("train", packed.train), ("validation", packed.validation)):
                key = "/".join(filter(None, (prefix, name, file.name)))
                s3.upload_file(str(file), bucket, key)
    except Boto3Error as error:
        raise click.ClickException(f"AWS: {error}") from error
