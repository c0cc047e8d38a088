"""`classifier-operator dataset`: images into the RecordIO files that the algorithm trains on."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier_operator.cli import clients
from classifier_operator.cli.destination import Destination, as_yaml, destination
from classifier_operator.cli.extras import emulator_extra

if TYPE_CHECKING:
    from image_recordio.datasets import PackedDataset

_ADVICE = {
    errno.ENOSPC: "make room there, or give another OUTPUT",
    errno.EDQUOT: "make room there, or give another OUTPUT",
    errno.EACCES: "you need the right to read FOLDER and to write to OUTPUT",
    errno.EPERM: "you need the right to read FOLDER and to write to OUTPUT",
}
_LIST = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="dataset")
@click.argument("paths", nargs=-1, required=True, metavar="[FOLDER] OUTPUT", type=click.Path(path_type=Path))
@click.option("--digits", is_flag=True, help="Pack scikit-learn's scanned digits; there is no FOLDER then.")
@click.option(
    "--list",
    "train_list",
    metavar="FILE",
    type=_LIST,
    help="Pack the images that this .lst names, with its labels; its paths are relative to FOLDER. A line is index, "
    "label or several labels, path, divided by tabs.",
)
@click.option(
    "--validation-list", metavar="FILE", type=_LIST, help="With --list: a .lst of the images to validate with."
)
@click.option(
    "--validation-fraction",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of each class to validate with, unless FOLDER or --validation-list says which images these are.",
)
@click.option(
    "--resize",
    type=click.IntRange(1),
    help="Length of the shorter edge, in pixels. Images are then turned upright and become 8-bit RGB or gray; without "
    "it, JPEG and PNG files are stored byte for byte. [as it is]",
)
@click.option("--skip-broken", is_flag=True, help="Leave out images that cannot be read, and name them.")
@click.option("--seed", default=0, show_default=True, help="Another seed splits and mixes otherwise.")
@click.option("--upload", metavar="S3_URI", default="", help="Copy both channels to S3, below s3://bucket/prefix.")
@click.option(
    "--kms-key-id",
    metavar="KEY",
    default="",
    help="Encrypt what is uploaded with this KMS key (SSE-KMS): key ID, ARN or alias, such as alias/aws/s3. "
    "[as the bucket says]",
)
@click.option("--region", default=None, callback=clients.checked_regions, help="Region of the bucket. [AWS_REGION]")
def command(
    *,
    paths: tuple[Path, ...],
    digits: bool,
    train_list: Path | None,
    validation_list: Path | None,
    validation_fraction: float,
    resize: int | None,
    skip_broken: bool,
    seed: int,
    upload: str,
    kms_key_id: str,
    region: str | None,
) -> None:
    """Pack the images of FOLDER into OUTPUT.

    FOLDER has a subfolder of images for each class, or the folders train and val (and test, which is not packed) with
    such subfolders each. OUTPUT gets train/train.rec and validation/validation.rec, the two channels of a
    ClassifierTraining, and labels.txt, one class a line, for the ClassifierEndpoint's classLabels. The same images,
    fraction and seed give the same bytes. What is left out is counted and named.
    """
    folder, output = _folder_and_output(paths, digits=digits)
    if digits and (train_list or validation_list):
        raise click.UsageError("--digits has images of its own: give it without --list and --validation-list")
    if validation_list and not train_list:
        raise click.UsageError("--validation-list needs --list for the images to train with")
    target = destination(upload, kms_key_id, region)
    with emulator_extra():
        from image_recordio.datasets import pack_folder, pack_lists
        from image_recordio.errors import DatasetError
    if target is not None:
        target.check()
    how: dict[str, Any] = {
        "validation_fraction": validation_fraction,
        "seed": seed,
        "resize": resize,
        "skip_broken": skip_broken,
    }
    try:
        if folder is None:
            packed = _pack_digits(output)
        elif train_list is None:
            packed = pack_folder(folder, output, **how)
        else:
            packed = pack_lists(folder, output, train_list=train_list, validation_list=validation_list, **how)
    except (DatasetError, OSError) as error:
        raise click.ClickException(_explained(error)) from error
    except KeyboardInterrupt:
        click.echo(f"interrupted: nothing was written to {output}", err=True)
        raise
    for note in packed.notes:
        click.echo(note, err=True)
    if target is not None:
        _upload(packed, target)
    click.echo(describe(packed, target or Destination("BUCKET", "PREFIX")))


def describe(packed: PackedDataset, target: Destination) -> str:
    """What was written, and what a manifest says of it."""
    lines = [
        f"{packed.train}: {packed.train_count} images to train with",
        f"{packed.validation}: {packed.validation_count} images to validate with",
        f"{packed.labels_file}: {len(packed.labels)} classes",
        "",
        "For the ClassifierTraining:",
        "  hyperparameters:",
        f"    numClasses: {len(packed.labels)}",
        f"    numTrainingSamples: {packed.train_count}",
    ]
    content_type = "application/x-recordio"
    if packed.label_format:
        lines.append("    multiLabel: true")
        content_type += f"; label-format={packed.label_format}"
    lines.append("  inputs:")
    for name in ("train", "validation"):
        uri = as_yaml(target.uri(name))
        lines += [f"    - name: {name}", f"      s3Uri: {uri}", f"      contentType: {content_type}"]
    lines += [
        "",
        "For the ClassifierEndpoint's classLabels.configMapKeyRef:",
        f"  kubectl create configmap labels --from-file={shlex.quote(str(packed.labels_file))}",
    ]
    return "\n".join(lines)


def _folder_and_output(paths: tuple[Path, ...], *, digits: bool) -> tuple[Path | None, Path]:
    if digits and len(paths) == 1:
        return None, paths[0]
    if not digits and len(paths) == 2:
        return paths[0], paths[1]
    raise click.UsageError("give OUTPUT alone with --digits, FOLDER and OUTPUT without it")


def _pack_digits(output: Path) -> PackedDataset:
    with emulator_extra("sklearn"):
        from image_recordio.datasets import pack_images
        from image_recordio.digits import digits

        data = digits()
    return pack_images(data.train, data.validation, data.labels, output, held_out=data.held_out)


def _explained(error: Exception) -> str:
    """What is wrong, and what to do about it: a DatasetError says so itself, the system does not."""
    if not isinstance(error, OSError):
        return str(error)
    # Of a file that could not be moved, the place where it should have gone.
    name = error.filename2 or error.filename
    where = f"{name}: " if name else ""
    advice = _ADVICE.get(error.errno or 0, "mend that, or give another OUTPUT")
    return f"{where}{error.strerror or error}; {advice}"


def _upload(packed: PackedDataset, target: Destination) -> None:
    try:
        for channel, file in (("train", packed.train), ("validation", packed.validation)):
            target.put(channel, file)
    except KeyboardInterrupt:
        click.echo(f"interrupted: {packed.train} and {packed.validation} are complete, the upload is not", err=True)
        raise
