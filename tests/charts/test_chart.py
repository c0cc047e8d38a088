"""The chart as files: what it says of itself is true, and values that nobody knows are refused."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from classifier_operator.adapters.tenants_file import tenants_of
from classifier_operator.cli.run import command
from classifier_operator.reconcile.tenants import Tenants
from control_plane import find_tools
from tests.charts.helm import CHART, Helm, Json, one
from tests.contract.manifests import CRDS, PLURALS, REPOSITORY, definition

CI = sorted(CHART.glob("ci/*.yaml"))
METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_the_unit_tests_of_the_chart_pass() -> None:
    done = subprocess.run(
        [str(find_tools("helm-unittest")["helm-unittest"]), "--strict", str(CHART)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", [pytest.param(path, id=path.stem) for path in CI])
def test_helm_has_nothing_against_it(helm: Helm, values: Path) -> None:
    helm.run("lint", "--strict", str(CHART), "--values", str(values))


def test_its_readme_is_what_helm_docs_makes(tmp_path: Path) -> None:
    """`make chart` makes it anew."""
    arguments = ["--chart-search-root", str(CHART), "--sort-values-order", "file", "--dry-run"]
    done = subprocess.run(
        [str(find_tools("helm-docs")["helm-docs"]), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (CHART / "README.md").read_text().strip() == done.stdout.strip()


def test_every_value_is_described() -> None:
    readme = (CHART / "README.md").read_text()
    rows = re.findall(r"^\| (\S+) \| \w+ \| .* \| (.*) \|$", readme, re.MULTILINE)
    assert len(rows) > 100
    assert [name for name, description in rows if not description.strip()] == []


@pytest.mark.parametrize("kind", PLURALS)
def test_its_kinds_are_those_of_the_repository(helm: Helm, kind: str) -> None:
    """`make chart` copies them."""
    file = f"{PLURALS[kind]}.yaml"
    assert (CHART / "files" / "crds" / file).read_text() == (CRDS / file).read_text()
    rendered = one(helm.render(), "CustomResourceDefinition", definition(kind)["metadata"]["name"])
    assert rendered["spec"] == definition(kind)["spec"]


def test_its_version_is_the_operator_s() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"$', project, re.MULTILINE)
    assert version is not None
    assert METADATA["appVersion"] == METADATA["version"] == version[1]
    images = yaml.safe_load(METADATA["annotations"]["artifacthub.io/images"])
    assert images == [{"name": "classifier-operator", "image": f"classifier-operator:{version[1]}"}]


def test_artifact_hub_is_told_of_both_kinds() -> None:
    annotations = {name: yaml.safe_load(text) for name, text in METADATA["annotations"].items()}
    told = {each["kind"]: each for each in annotations["artifacthub.io/crds"]}
    assert {kind: each["name"] for kind, each in told.items()} == {
        kind: definition(kind)["metadata"]["name"] for kind in PLURALS
    }
    assert [each["kind"] for each in annotations["artifacthub.io/crdsExamples"]] == list(PLURALS)
    assert {change["kind"] for change in annotations["artifacthub.io/changes"]} <= {
        "added", "changed", "deprecated", "removed", "fixed", "security",
    }  # fmt: skip


def test_its_defaults_are_the_operator_s(helm: Helm) -> None:
    """What the chart passes without having been told to is what the operator would do anyway."""
    container = one(helm.render(), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    given = [word for word in container["args"][1:] if not word.startswith(("--leader", "--lease"))]
    assert command.make_context("run", given).params == command.make_context("run", []).params


def test_each_option_of_the_operator_has_a_value(helm: Helm) -> None:
    """Each but what is of no use in a pod."""
    values = ["--values", str(CHART / "ci" / "everything-values.yaml")]
    passed = {
        re.sub("^--(no-)?", "--", word.partition("=")[0])
        for more in (values, ["--set=scope=Namespaced"])
        for deployment in helm.render(*more)
        if deployment["kind"] == "Deployment"
        for word in deployment["spec"]["template"]["spec"]["containers"][0]["args"][1:]
    }
    options = {parameter.opts[0] for parameter in command.params}
    assert options - passed == {"--health-host"}


def test_what_namespaces_may_use_is_what_the_operator_reads(helm: Helm) -> None:
    rendered = helm.render("--values", str(CHART / "ci" / "everything-values.yaml"))
    allowed = tenants_of(one(rendered, "ConfigMap", "vision-tenants")["data"]["tenants.yaml"])
    assert [entry.namespaces for entry in allowed.entries or ()] == [("vision",)]
    nothing = one(helm.render("--set-json=operator.tenants=[]"), "ConfigMap")["data"]["tenants.yaml"]
    assert tenants_of(nothing) == Tenants(entries=())


def test_the_package_has_what_is_installed_and_no_more(helm: Helm, tmp_path: Path) -> None:
    helm.run("package", str(CHART), "--destination", str(tmp_path))
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        names = {name.removeprefix("classifier-operator/") for name in archive.getnames()}
    assert {"Chart.yaml", "values.schema.json", "README.md", "files/alerts.yaml", "templates/tests/check.yaml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "ci/")) or name.endswith(".gotmpl")]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("replica=3", "'replica' not allowed"),
        ("operator.regoin=us-east-1", "'regoin' not allowed"),
        ("metrics.serviceMonitor.enable=true", "'enable' not allowed"),
        ("image.pullSecrets[0].nam=x", "'nam' not allowed"),
        ("livenessProbe.periodSecond=3", "'periodSecond' not allowed"),
        ("scope=cluster", "'Cluster', 'Namespaced'"),
        ("clusterName=my cluster", "does not match pattern"),
        ("operator.assumeRoleExternalId=my id", "does not match pattern"),
        ("operator.assumeRoleSessionTags=some", "want boolean"),
        ("operator.deletionPolicy=Orphan", "must be one of"),
        ("operator.roleArn=SageMakerExecution", "does not match pattern"),
        ("operator.sweepInterval=soon", "does not match pattern"),
        ("operator.sweepInterval=0", "minimum"),
        ("operator.imports.concurrency=7", "maximum"),
        ("image.digest=sha256:123", "does not match pattern"),
        ("replicas=-1", "minimum"),
        ("shards=0", "minimum"),
        ("metrics.port=0", "minimum"),
        ("networkPolicy.aws.cidrs={everywhere}", "does not match pattern"),
        ("podLabels.a=1", "got number, want string"),
        ("imagePullSecrets[0].nam=x", "'nam' not allowed"),
        ("image.registry=https://mirror.example.com", "does not match pattern"),
        ("global.imageRegistry=https://mirror.example.com", "does not match pattern"),
        ("global.compatibility.openshift.adaptSecurityContext=yes", "'auto', 'force', 'disabled'"),
        ("replicaCount=-1", "minimum"),
        ("proxy.https=http://me:secret@proxy.example.com:3128", "does not match pattern"),
        ("proxy.https=http://proxy.example.com", "does not match pattern"),
        ("proxy.noProxy={.svc .example.com}", "does not match pattern"),
        ("operator.imports.proxy.hosts={https://data.example.org}", "does not match pattern"),
        ("caBundle.key=a/b", "does not match pattern"),
        ("dnsPolicy=clusterFirst", "must be one of"),
        ("strategy.rollingUpdate.maxSurge=1", "type"),
        ("metrics.renderMode=skip", "must be one of"),
        ("startupProbe.periodSecond=3", "'periodSecond' not allowed"),
    ],
)
def test_a_value_that_is_none_is_refused(helm: Helm, setting: str, words: str) -> None:
    assert words in helm.refusal(f"--set={setting}")


def test_the_schema_knows_the_values_and_no_others() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(_known(schema)) == set(_given(values, schema))


def _known(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of values that a schema has properties for."""
    for name, value in schema.get("properties", {}).items():
        below = list(_known(value, f"{path}{name}."))
        # Nobody sets them all.
        optional = path in ("resources.", "strategy.", "imagePullSecrets.")
        yield from [] if optional else below or [f"{path}{name}"]


def _given(values: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of the values that the schema looks into."""
    for name, value in values.items():
        property_ = schema["properties"][name]
        looked_into = "properties" in property_ and list(_known(property_, f"{path}{name}."))
        yield from _given(value, property_, f"{path}{name}.") if looked_into else [f"{path}{name}"]


def test_extra_objects_of_the_kinds_come_after_the_kinds(helm: Helm) -> None:
    """helm asks the API server about all kinds before it makes anything: see the chart's README."""
    manifest: Json = {"apiVersion": "classifiers.sagemaker.dev/v1alpha1", "kind": "ClassifierEndpoint"}
    extra = f"--set-json=extraObjects=[{json.dumps({**manifest, 'metadata': {'name': 'x'}, 'spec': {}})}]"
    kinds = [each["kind"] for each in helm.render(extra)]
    assert kinds.index("ClassifierEndpoint") > kinds.index("CustomResourceDefinition")
