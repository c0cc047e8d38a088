"""An object that an older definition has let in: it can be looked after, and what was wrong with it stays as it is."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml

from control_plane import ControlPlane
from tests.contract.conftest import NAMESPACE
from tests.contract.manifests import TRAINING, definition
from tests.contract.paths import patched
from tests.control_plane.processes import eventually

GROUP, PLURAL = "older.example.org", "stored"
LIMITS = frozenset({"x-kubernetes-validations", "pattern", "enum", "anyOf", "not", "multipleOf", "maximum", "minimum"})


def loosened(schema: Any) -> Any:
    """The schema without what it refuses."""
    if isinstance(schema, dict):
        return {key: loosened(value) for key, value in schema.items() if key not in LIMITS}
    return schema


def of_older_group(whole: dict[str, Any], schema: Any) -> str:
    names = {"kind": "Stored", "listKind": "StoredList", "plural": PLURAL, "singular": PLURAL}
    changed = copy.deepcopy(whole)
    changed["metadata"]["name"] = f"{PLURAL}.{GROUP}"
    changed["spec"] |= {"group": GROUP, "names": names}
    changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema
    return yaml.safe_dump(changed)


def test_what_an_older_definition_let_in_can_be_looked_after(installed: ControlPlane, api: object) -> None:
    whole = definition("ClassifierTraining")
    schema = whole["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    installed.kubectl("apply", "--server-side", "-f", "-", input=of_older_group(whole, loosened(schema)))
    installed.kubectl("wait", "--for=condition=Established", f"crd/{PLURAL}.{GROUP}", "--timeout=60s")
    dead = {
        "spec.region": "us-east1",
        "spec.resources.instanceType": "ml.m5.large",
        "spec.inputs[train].contentType": "image/jpeg",
    }
    odd = {"spec.hyperparameters.learningRate": "1e0", "spec.hyperparameters.miniBatchSize": 10000}
    for name, changes in (("dead", dead), ("odd", odd)):
        stored = {**patched(TRAINING, changes), "apiVersion": f"{GROUP}/v1alpha1", "kind": "Stored"}
        stored["metadata"] = {"name": name, "namespace": NAMESPACE}
        installed.kubectl("create", "-f", "-", input=json.dumps(stored))

    installed.kubectl("apply", "--server-side", "-f", "-", input=of_older_group(whole, schema))

    def patch(name: str, changes: dict[str, Any], *options: str) -> str:
        words = ("patch", "-n", NAMESPACE, f"{PLURAL}.{GROUP}", name, "--type=merge", "-p", json.dumps(changes))
        done = installed.kubectl(*words, *options, check=False)
        # What is wrong but has not changed is a warning.
        return done.stderr if done.returncode else ""

    # The new schema is in force once it refuses something; it is the server that decides when.
    assert eventually(lambda: bool(patch("odd", {"spec": {"region": "us_east_1"}}, "--dry-run=server")), seconds=120)
    for name in ("dead", "odd"):
        assert not patch(name, {"metadata": {"finalizers": ["classifiers.sagemaker.dev/finalizer"]}})
        assert not patch(name, {"status": {"jobName": "x", "observedGeneration": 1}}, "--subresource=status")
        assert not patch(name, {"metadata": {"finalizers": []}})
    # What is wrong with a field holds up no change of another one; what is wrong with two together, only of these.
    assert not patch("odd", {"spec": {"suspend": True, "retry": {"attempts": 3}}})
    assert "must not be greater than numTrainingSamples" in patch("odd", {"spec": {"hyperparameters": {"epochs": 3}}})
