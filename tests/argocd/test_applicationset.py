"""The example of an ApplicationSet, by the real controller: an Application for each team, and what it makes."""

from __future__ import annotations

import json
import secrets

import pytest
import yaml

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import Json, World, until
from tests.argocd.applications import Applications, is_settled, resources_of
from tests.argocd.customizations import ARGOCD
from tests.argocd.repository import Repository, give

GITHUB = "https://git.example.com/teams/classifiers.git"
IN_CLUSTER = "https://kubernetes.default.svc"


@pytest.fixture
def teams() -> tuple[str, str]:
    """Two teams, whose names are theirs alone in the cluster."""
    return f"vision-{secrets.token_hex(3)}", f"ocr-{secrets.token_hex(3)}"


def example(repository: Repository, server: str) -> Json:
    """The example, with the test's own repository and cluster."""
    text = (ARGOCD / "applicationset.yaml").read_text()
    assert GITHUB in text
    assert IN_CLUSTER in text
    loaded: Json = yaml.safe_load(text.replace(GITHUB, repository.url).replace(IN_CLUSTER, server))
    return loaded


def names(argocd: Applications) -> set[str]:
    found = json.loads(argocd.kubectl("get", "applications", "-o", "json"))["items"]
    return {one["metadata"]["name"] for one in found}


def test_each_teams_folder_becomes_an_application(
    world: World,
    repository: Repository,
    argocd: Applications,
    operator: OperatorProcess,
    teams: tuple[str, str],
) -> None:
    manifests = (ARGOCD / "teams/vision/digits.yaml").read_text()
    give(world.s3, manifests)
    repository.commit({f"teams/{team}/digits.yaml": manifests for team in teams})
    argocd.apply(example(repository, world.cluster.url))
    applications = [f"classifiers-{team}" for team in teams]
    until(lambda: set(applications) <= names(argocd), "the Applications to be generated")
    for application in applications:
        argocd.settled(application)
        status = argocd.refresh(application)["status"]
        assert is_settled(status)
        assert set(resources_of(status)) == {"ClassifierTraining/digits", "ClassifierEndpoint/digits"}

    # A team's folder vanishes: its Application too, its classifiers stay.
    gone, kept = teams
    repository.commit({f"teams/{gone}/digits.yaml": None})
    argocd.kubectl("annotate", "applicationset", "classifiers", "argocd.argoproj.io/application-set-refresh=true")
    until(lambda: f"classifiers-{gone}" not in names(argocd), "the Application to go")
    assert f"classifiers-{kept}" in names(argocd)
    shown = world.cluster.kubectl("get", "ctrain,cep", "--namespace", gone, "-o", "name").stdout.split()
    assert len(shown) == 2
    argocd.kubectl("delete", "applicationset", "classifiers", "--timeout=60s")
    for team in teams:
        world.cluster.kubectl("delete", "namespace", team, "--timeout=60s")
