"""The options of `run`: those that make no sense are refused before anything is started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from classifier_operator.cli import main
from classifier_operator.runtime.election.shards import Shard
from classifier_operator.settings import Election, Settings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--import-allow", "https://example.org"], "'https://example.org' is no host name, .suffix, IP address"),
        (["--import-allow", "10.0.0.0/33"], "'10.0.0.0/33' is no host name"),
        (["--import-max-bytes", str(1024**4)], "with 2 files at a time, at most 251658240000 bytes each fit"),
        (["--import-concurrency", "7"], "is not in the range 1<=x<=6"),
        (["--import-max-bytes", "0"], "is not in the range x>=1"),
    ],
    ids=["no host", "no network", "too large", "too many", "nothing"],
)
def test_import_options_that_make_no_sense(options: list[str], words: str) -> None:
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--leader-elect", "--lease-name", "A b", "--lease-namespace", "x"], "--lease-name 'A b': at most 63"),
        (["--leader-elect", "--lease-name", "x" * 64, "--lease-namespace", "x"], "at most 63"),
        (["--shard", "4/3"], "'4/3' is no shard: write I/N, for example 2/5, with I from 1 to N"),
        (["--shard", "2"], "'2' is no shard"),
        (["--namespace", "vision", "--namespace", "../x"], "--namespace '../x' is no name of a namespace"),
        (["--namespace", "vision*"], "--namespace 'vision*' is no name of a namespace"),
        (["--region", "us-east-1.example.org/"], "--region 'us-east-1.example.org/' is no name of a region"),
    ],
    ids=["no name", "too long", "no such shard", "no shard", "path", "pattern", "host"],
)
def test_options_that_make_no_sense(
    options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier_operator.cli.run.POD_NAMESPACE", tmp_path / "none")
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("options", "election", "shard"),
    [
        ([], Election(name="classifier-operator", namespace="pods-own"), Shard()),
        (["--no-leader-elect", "--shard", "2/5"], None, Shard(2, 5)),
        (["--leader-elect"], Election(name="classifier-operator", namespace="pods-own"), Shard()),
        (["--leader-elect", "--no-leader-elect"], None, Shard()),
        (
            ["--leader-elect", "--lease-name", "vision", "--lease-namespace", "leases", "--shard", "1/2"],
            Election(name="vision", namespace="leases"),
            Shard(1, 2),
        ),
    ],
    ids=["neither", "a shard", "in a pod", "switched off", "all said"],
)
def test_options_of_replicas(
    options: list[str], election: Election | None, shard: Shard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = tmp_path / "namespace"
    mounted.write_text("pods-own")
    monkeypatch.setattr("classifier_operator.cli.run.POD_NAMESPACE", mounted)
    run: list[Settings] = []
    monkeypatch.setattr("classifier_operator.main.run", run.append)
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 0, done.output
    assert [(settings.election, settings.shard) for settings in run] == [(election, shard)]


@pytest.mark.parametrize(
    ("options", "namespace"),
    [([], "default"), (["-n", "vision", "-n", "audio"], "vision"), (["--lease-namespace", "ops"], "ops")],
    ids=["all", "some", "named"],
)
def test_a01_outside_of_a_pod_there_is_a_lease_too(
    options: list[str], namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier_operator.cli.run.POD_NAMESPACE", tmp_path / "none")
    run: list[Settings] = []
    monkeypatch.setattr("classifier_operator.main.run", run.append)
    assert CliRunner().invoke(main, ["run", *options]).exit_code == 0
    assert [settings.election for settings in run] == [Election(name="classifier-operator", namespace=namespace)]


@pytest.mark.parametrize("name", ["x", "a b", "-a", "a/b", "a,b", "x" * 65, "a\nb"])
def test_a_cluster_name_that_cannot_be_a_tag(name: str) -> None:
    done = CliRunner().invoke(main, ["run", "--cluster-name", name])
    assert done.exit_code == 2
    assert "is no name of a cluster: write 2 to 64 letters" in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("name", ["", "production-1", "vision@eu.example", "x" * 64])
def test_a_cluster_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[Settings] = []
    monkeypatch.setattr("classifier_operator.main.run", run.append)
    done = CliRunner().invoke(main, ["run", "--cluster-name", name])
    assert done.exit_code == 0, done.output
    assert [settings.cluster_name for settings in run] == [name]


@pytest.mark.parametrize("text", ["x", "{namespace}", "{name}", "a b"])
def test_an_external_id_that_sts_would_refuse(text: str) -> None:
    done = CliRunner().invoke(main, ["run", "--assume-role-external-id", text])
    assert done.exit_code == 2
    assert "beside {namespace} and {cluster}" in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("from_environment", [False, True])
def test_how_roles_are_assumed(monkeypatch: pytest.MonkeyPatch, from_environment: bool) -> None:
    run: list[Settings] = []
    monkeypatch.setattr("classifier_operator.main.run", run.append)
    given = {"ASSUME_ROLE_EXTERNAL_ID": "{cluster}/{namespace}", "ASSUME_ROLE_SESSION_TAGS": "true"}
    environment = {f"CLASSIFIER_OPERATOR_RUN_{name}": value for name, value in given.items()}
    options = ["--assume-role-external-id", "{cluster}/{namespace}", "--assume-role-session-tags"]
    done = CliRunner().invoke(main, ["run", *([] if from_environment else options)], env=environment)
    assert done.exit_code == 0, done.output
    found = [(one.assume_role_external_id, one.assume_role_session_tags) for one in run]
    assert found == [("{cluster}/{namespace}", True)]


def test_the_allow_list_can_be_set_in_the_environment() -> None:
    done = CliRunner(env={"CLASSIFIER_OPERATOR_RUN_IMPORT_ALLOW": "files.internal a/b"}).invoke(main, ["run"])
    assert "'a/b' is no host name" in done.output


_LAST_WORDS = """
import warnings
from classifier_operator.adapters.log_setup import set_up_logging
set_up_logging("json", "info")
warnings.warn("this is old", DeprecationWarning, stacklevel=1)
raise ValueError("and this was not foreseen")
"""


def test_what_python_itself_prints_is_a_line_of_the_log_too() -> None:
    done = subprocess.run([sys.executable, "-Wdefault", "-c", _LAST_WORDS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    warning, error = [json.loads(line) for line in done.stderr.splitlines()]
    assert "DeprecationWarning: this is old" in warning["message"]
    assert (error["level"], error["message"]) == ("CRITICAL", "ended by an unforeseen error")
    assert "ValueError: and this was not foreseen" in error["traceback"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "tenants.yaml: cannot be read: No such file or directory"),
        ("", "tenants.yaml: is empty"),
        (
            "tenants: [{namespaces: [a], regoins: []}]",
            "tenants.yaml: tenants[0]: Object contains unknown field `regoins`",
        ),
        (
            "tenants: [{namespaces: [a], buckets: [1]}]",
            "tenants.yaml: tenants[0].buckets[0]: Expected `str`, got `int`",
        ),
    ],
    ids=["absent", "empty", "unknown key", "wrong type"],
)
def test_an_allow_list_that_cannot_be_relied_on(text: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "tenants.yaml"
    if text is not None:
        file.write_text(text)
    done = CliRunner(env={"COLUMNS": "300"}).invoke(main, ["run", "--tenants", str(file)])
    assert done.exit_code == 2
    assert words in done.output
