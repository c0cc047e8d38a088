"""The examples that users are given are accepted, and say what they claim to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import ControlPlane
from tests.contract.manifests import EXAMPLES, examples


def _objects(name: str) -> dict[str, dict[str, Any]]:
    """Return the objects of an example by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((EXAMPLES / f"{name}.yaml").read_text())}


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in examples()])
def test_an_example_is_accepted(installed: ControlPlane, path: Path) -> None:
    objects = list(yaml.safe_load_all(path.read_text()))
    for one in objects:
        if one["kind"] == "Namespace":
            # A dry run makes none, and what is in it would not be looked at.
            installed.kubectl("create", "namespace", one["metadata"]["name"])

    done = installed.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(path))

    assert done.stdout.count("(server dry run)") == len(objects)


def test_there_is_one_for_each_thing_to_do_that_says_what_it_does() -> None:
    wanted = {"train", "serve", "variants", "accelerator", "spot", "serverless", "autoscaling", "adopt", "accounts"}

    assert wanted <= {path.stem for path in examples()}
    assert all(path.read_text().startswith("# ") for path in examples())
    readme = (EXAMPLES.parent / "README.md").read_text()
    assert [path.name for path in examples() if f"(examples/{path.name})" not in readme] == []


def test_caltech256_has_the_notebook_s_numbers() -> None:
    spec = _objects("caltech256")["ClassifierTraining"]["spec"]

    assert spec["hyperparameters"] == {
        "numLayers": 18,
        "imageShape": "3,224,224",
        "numTrainingSamples": 15420,
        "numClasses": 257,
        "miniBatchSize": 64,
        "epochs": 2,
        "learningRate": "0.01",
    }
    assert spec["resources"] == {"instanceType": "ml.p2.xlarge", "instanceCount": 1, "volumeSizeGB": 50}
    assert spec["stopping"] == {"maxRuntimeSeconds": 360000}


def test_caltech256_is_served_as_in_the_notebook() -> None:
    spec = _objects("caltech256")["ClassifierEndpoint"]["spec"]

    assert (spec["instanceType"], spec["instanceCount"]) == ("ml.m4.xlarge", 1)
    assert spec["acceleratorType"] == "ml.eia1.large"


def test_caltech256_names_each_class_once() -> None:
    objects = _objects("caltech256")
    reference = objects["ClassifierEndpoint"]["spec"]["classLabels"]["configMapKeyRef"]
    labels = objects["ConfigMap"]["data"][reference["key"]].splitlines()

    assert reference["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert len(set(labels)) == len(labels) == 257
    assert (labels[0], labels[7], labels[256]) == ("ak47", "bathtub", "clutter")


def test_digits_fit_together() -> None:
    objects = _objects("digits")
    training, endpoint = objects["ClassifierTraining"], objects["ClassifierEndpoint"]

    assert endpoint["spec"]["trainingRef"]["name"] == training["metadata"]["name"]
    assert len(endpoint["spec"]["classLabels"]["values"]) == training["spec"]["hyperparameters"]["numClasses"]
