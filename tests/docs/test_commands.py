"""What the pages have the reader say to kubectl about our objects is understood by a real API server."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest

from control_plane import ControlPlane
from tests.contract.manifests import CRDS, EXAMPLES
from tests.docs.pages import blocks, commands

NAMES = ("caltech256", "digits")
CHANGING = ("annotate", "delete", "patch", "scale")
# The tutorial's own are run in its own test, in their order.
SAID = sorted(
    {tuple(words) for block in blocks("sh") if block.page != "tutorial/digits.md" for words in commands(block.text)}
)


def _about_ours() -> Iterator[tuple[str, ...]]:
    """Commands that look at our objects by name or all together, or change one; those that stream are left out."""
    for words in SAID:
        is_kubectl = words[0] == "kubectl" and words[1] in ("get", *CHANGING)
        kinds = {kind.partition("/")[0] for word in words[2:4] for kind in word.split(",")}
        if is_kubectl and kinds & {"ctrain", "cep", "classifiers", "events"} and "--watch" not in words:
            yield words[1 : words.index(">")] if ">" in words else words[1:]


OURS = tuple(_about_ours())


@pytest.fixture(scope="module")
def objects(installed: ControlPlane) -> str:
    """A namespace with the objects that pages speak of, as an operator would leave them, and no operator."""
    namespace = f"docs-{secrets.token_hex(4)}"
    installed.kubectl("create", "namespace", namespace)
    condition = {"lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Deleting", "message": "waiting"}
    conditions = [{"type": kind, "status": "True", **condition} for kind in ("Ready", "Reconciling", "Stalled")]
    status = json.dumps({"status": {"conditions": conditions}})
    for name in NAMES:
        installed.kubectl("apply", "-n", namespace, "-f", str(EXAMPLES / f"{name}.yaml"))
        for kind in ("ctrain", "cep"):
            place = ("-n", namespace, "--subresource=status", "--type=merge")
            installed.kubectl("patch", kind, name, *place, "-p", status)
    return namespace


def test_there_are_commands_to_try() -> None:
    assert {words[0] for words in OURS} == {"get", *CHANGING}


@pytest.mark.parametrize("words", OURS, ids=lambda words: " ".join(words)[:60])
def test_a_command_is_understood(installed: ControlPlane, objects: str, words: tuple[str, ...]) -> None:
    options = ("--dry-run=server",) if words[0] in CHANGING else ()
    place = () if "--all-namespaces" in words else ("-n", objects)
    said = [word.replace("$(date -Is)", "now") for word in words]
    done = installed.kubectl(*said, *place, *options)
    assert "error" not in done.stderr.lower()


def test_the_kinds_are_named_as_they_are(installed: ControlPlane) -> None:
    """The commands about the definitions themselves."""
    about = [words for words in SAID if words[:3] == ("kubectl", "get", "crd")]
    assert about
    for words in about:
        installed.kubectl(*words[1:])
    assert all((CRDS / f"{name.partition('.')[0]}.yaml").exists() for words in about for name in words[3:])
