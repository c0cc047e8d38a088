"""--context, --cluster, --user and --as: which cluster is asked, as whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from classifier_operator.cli import main
from classifier_operator.cli.kubectl_options import client_of_kubeconfig, identity_options

KUBECONFIG = {
    "current-context": "here",
    "clusters": [{"name": name, "cluster": {"server": f"http://{name}.example"}} for name in ("one", "two")],
    "users": [{"name": name, "user": {"token": f"token-of-{name}"}} for name in ("ann", "bob")],
    "contexts": [
        {"name": "here", "context": {"cluster": "one", "user": "ann", "namespace": "vision"}},
        {"name": "there", "context": {"cluster": "two", "user": "bob"}},
    ],
}


@click.command()
@identity_options
@click.argument("file", type=click.Path(path_type=Path))
def asked(file: Path) -> None:
    """Say who would ask whom."""
    from kubernetes import client

    api, namespace = client_of_kubeconfig(file, client.Configuration())
    settings = api.configuration
    found = {
        "host": settings.host,
        "token": settings.get_api_key_with_prefix("BearerToken", alias="authorization"),
        "as": api.default_headers.get("Impersonate-User"),
        "namespace": namespace,
    }
    click.echo(json.dumps(found))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(json.dumps(KUBECONFIG))
    return path


def _asked(file: Path, *options: str) -> Result:
    return CliRunner().invoke(asked, [str(file), *options])


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ("one", "ann", None, "vision")),
        (["--context", "there"], ("two", "bob", None, "")),
        (["--cluster", "two"], ("two", "ann", None, "vision")),
        (["--user", "bob"], ("one", "bob", None, "vision")),
        (["--context", "there", "--cluster", "one", "--user", "ann"], ("one", "ann", None, "")),
        (["--as", "system:serviceaccount:a:b"], ("one", "ann", "system:serviceaccount:a:b", "vision")),
    ],
    ids=["nothing", "context", "cluster", "user", "all", "as"],
)
def test_a11_who_asks_whom(file: Path, options: list[str], found: tuple[Any, ...]) -> None:
    before = file.read_text()
    done = _asked(file, *options)
    assert done.exit_code == 0, done.output
    host, user, impersonated, namespace = found
    assert json.loads(done.output) == {
        "host": f"http://{host}.example",
        "token": f"Bearer token-of-{user}",
        "as": impersonated,
        "namespace": namespace,
    }
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--context", "x"], "--context x: the kubeconfig has no such context: it has here, there"),
        (["--cluster", "x"], "--cluster x: the kubeconfig has no such cluster: it has one, two"),
        (["--user", "x"], "--user x: the kubeconfig has no such user: it has ann, bob"),
    ],
    ids=["context", "cluster", "user"],
)
@pytest.mark.parametrize("command", [["predict", "digits", "x.png"], ["logs", "digits"], ["check"], ["orphans"]])
def test_a11_what_the_kubeconfig_has_not_got(file: Path, command: list[str], options: list[str], words: str) -> None:
    done = CliRunner().invoke(main, [*command, "--kubeconfig", str(file), *options])
    assert done.exit_code == 1
    assert done.output.splitlines() == [f"Error: {words}"]
