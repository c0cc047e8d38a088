"""`.lst` files as people have them are packed, or refused in words that say what to change."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from PIL import Image

from classifier_operator.cli import main
from image_recordio import read_records


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Images `cat/0.png` to `cat/3.png`, and the same of dogs, each of a shade of its own."""
    for start, name in enumerate(("cat", "dog")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (8, 6), 100 * start + number).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path / "images"


def listed(root: Path, content: str | bytes, name: str = "data.lst") -> Path:
    path = root.parent / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(*labels: object, names: str = "cat/{0}.png") -> str:
    return "".join(f"{number}\t{label}\t{names.format(number)}\n" for number, label in enumerate(labels))


def run(root: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["dataset", str(root), str(root.parent / "out"), *map(str, arguments)])


def packed(root: Path) -> dict[str, list[tuple[Any, int]]]:
    """The labels and shades of each part."""
    found = {}
    for part in ("train", "validation"):
        records = read_records((root.parent / "out" / part / f"{part}.rec").read_bytes())
        found[part] = sorted((one.label, Image.open(io.BytesIO(one.image)).getpixel((0, 0))) for one in records)
    return found  # type: ignore[return-value]


def labels(root: Path) -> list[str]:
    return (root.parent / "out" / "labels.txt").read_text().splitlines()


def snippet(done: Result) -> dict[str, Any]:
    _, _, rest = done.stdout.partition("For the ClassifierTraining:\n")
    found: dict[str, Any] = yaml.safe_load(rest.partition("\n\n")[0])
    return found


BOTH = rows(0, 0, 0, 0) + rows(1, 1, 1, 1, names="dog/{0}.png")


@pytest.mark.parametrize(
    "content",
    [
        BOTH,
        b"\xef\xbb\xbf" + BOTH.encode(),
        BOTH.replace("\n", "\r\n"),
        BOTH.replace("\n", "\n\n"),
        BOTH.replace("\t0\t", "\t0.000000\t").replace("\t1\t", "\t1.000000\t"),
        BOTH.replace("cat/", "./cat/"),
    ],
    ids=["plain", "byte order mark", "dos", "blank lines", "im2rec", "dots"],
)
def test_b45_a_list_is_packed(root: Path, content: str | bytes) -> None:
    done = run(root, "--list", listed(root, content), "--validation-fraction", "0.25")
    assert done.exit_code == 0, done.output
    found = packed(root)
    assert [len(found[part]) for part in ("train", "validation")] == [6, 2]
    assert sorted(found["train"] + found["validation"]) == [
        (float(label), 100 * label + shade) for label in (0, 1) for shade in range(4)
    ]
    assert labels(root) == ["cat", "dog"]
    assert snippet(done)["hyperparameters"] == {"numClasses": 2, "numTrainingSamples": 6}


def test_b45_a_list_for_each_part_is_the_split(root: Path) -> None:
    train = listed(root, "7\t1\tdog/0.png\n1000\t0\tcat/1.png\n", "train.lst")
    validation = listed(root, "5\t1\tdog/3.png\n", "val.lst")
    assert run(root, "--list", train, "--validation-list", validation).exit_code == 0
    assert packed(root) == {"train": [(0.0, 1), (1.0, 100)], "validation": [(1.0, 103)]}


def test_b45_classes_without_a_folder_of_their_own_have_numbers(root: Path) -> None:
    done = run(root, "--list", listed(root, rows(2, 0, 2, 0)))
    assert done.exit_code == 0, done.output
    assert labels(root) == ["0", "1", "2"]
    assert "labels.txt has numbers for names" in done.stderr
    assert "no image is of class 1: classes are counted from 0 to the largest, 2" in done.stderr


def test_b45_indicators_of_several_labels_become_vectors(root: Path) -> None:
    done = run(root, "--list", listed(root, rows("1\t0\t1", "0\t0\t1", "0\t0\t0", "1\t1\t1")))
    assert done.exit_code == 0, done.output
    found = packed(root)
    assert sorted(found["train"] + found["validation"]) == [
        ((0.0, 0.0, 0.0), 2),
        ((0.0, 0.0, 1.0), 1),
        ((1.0, 0.0, 1.0), 0),
        ((1.0, 1.0, 1.0), 3),
    ]
    assert labels(root) == ["0", "1", "2"]
    assert snippet(done)["hyperparameters"] == {"numClasses": 3, "numTrainingSamples": 3, "multiLabel": True}
    types = {one["contentType"] for one in snippet(done)["inputs"]}
    assert types == {"application/x-recordio; label-format=multi-hot"}
    assert "3 columns of 0 and 1, one for each class" in done.stderr


def test_b45_numbers_of_several_classes_become_vectors(root: Path) -> None:
    done = run(root, "--list", listed(root, rows("0\t2", "2", "4\t1\t0", "3")))
    assert done.exit_code == 0, done.output
    found = packed(root)
    assert {label for label, _ in found["train"] + found["validation"]} == {(0, 2), (2,), (4, 1, 0), (3,)}
    assert snippet(done)["hyperparameters"]["numClasses"] == 5
    assert "application/x-recordio; label-format=class-id" in done.stdout


DETECTION = "0\t4\t5\t1360\t800\t11\t0.5691\t0.5138\t0.5993\t0.5575\tcat/0.png\n"
REFUSED = {
    "blanks": ("5      1   cat/0.png\n1000   0   cat/1.png\n", "line 1: .* divided by blanks, where a .lst has tabs"),
    "swapped": ("0\tcat/0.png\t0\n", "line 1: .*; the path must be the last column"),
    "detection": (DETECTION, "list for object detection .a header of 4 numbers, then 5 for each object"),
    "several objects": (
        "0\t2\t5\t1\t.1\t.1\t.2\t.2\tcat/0.png\n1\t2\t5\t1\t.1\t.1\t.2\t.2\t0\t.3\t.3\t.4\t.4\tcat/1.png\n",
        "list for object detection .a header of 2 numbers, then 5",
    ),
    "a fraction": (rows(0, "0.5"), "cat/1.png has the label 0.5, which is no class"),
    "below 0": (rows(0, -1), "has the label -1"),
    "no number": (rows(0, "nan"), "has the label nan"),
    "far too large": (rows(0, "1e9"), "has the label 1e.09"),
    "twice the same": (rows("3\t3", "2"), "has the same class twice"),
    "one of a class": (rows(0, 0, 1), "names 1 image of class 1; a class needs at least 2"),
    "utf-16": (BOTH.encode("utf-16"), "is UTF-16, by the byte order mark"),
    "latin": (BOTH.replace("cat", "gr\xfcn").encode("latin-1"), "is not UTF-8"),
    "nothing": ("\n\n", "names no images"),
    "another folder": (rows(0, 0, names="../data/{0}.png"), "names ../data/0.png, which is not in"),
    "an absolute path": (rows(0, 0, names="/etc/{0}.png"), "names /etc/0.png, which is not in"),
    "missing files": (rows(0, 0, names="bat/{0}.png"), "2 of 2 images cannot be packed.*bat/0.png cannot be read: No"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_b45_what_cannot_be_packed_is_told(root: Path, content: str | bytes, message: str) -> None:
    done = run(root, "--list", listed(root, content))
    assert done.exit_code == 1
    assert not (root.parent / "out").exists()
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(" ".join(done.stderr.split()))


def test_b45_images_of_both_parts_are_told(root: Path) -> None:
    one = listed(root, BOTH)
    done = run(root, "--list", one, "--validation-list", one)
    assert "8 images are in both parts, such as cat/0.png" in done.stderr


def test_b45_the_output_does_not_replace_the_list(root: Path) -> None:
    (root.parent / "out" / "index").mkdir(parents=True)
    path = listed(root, BOTH, "out/index/train.lst")
    done = run(root, "--list", path)
    assert (done.exit_code, path.read_text()) == (1, BOTH)
    assert "would be replaced by the output" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--validation-list", "/dev/null"], "--validation-list needs --list"),
        (["--list", "missing.lst"], "'missing.lst' does not exist"),
    ],
)
def test_b45_half_of_the_options_is_no_use(root: Path, arguments: list[str], words: str) -> None:
    done = run(root, *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())
