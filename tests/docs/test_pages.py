"""What the pages say is true: manifests are accepted, options, fields and files exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from docs.hooks import fields
from docs.hooks.options import command_of, variable

from classifier_operator.api.conditions import Reason
from classifier_operator.cli import COMMANDS
from control_plane import ControlPlane
from tests.docs.pages import DOCS, ROOT, Block, blocks, code_in, commands, manifests, pages

GROUP = "classifiers.sagemaker.dev"
OURS = [block for block in blocks("yaml") if any(GROUP in one.get("apiVersion", "") for one in manifests(block.text))]
SHELL = blocks("sh")


def _options() -> dict[str, list[click.Option]]:
    return {name: [one for one in command_of(name).params if isinstance(one, click.Option)] for name in COMMANDS}


def _flags(options: list[click.Option]) -> set[str]:
    return {flag for option in options for flag in [*option.opts, *option.secondary_opts]} | {"--help"}


def _ours(block: Block) -> Iterator[list[str]]:
    """The words after the program's name, of those commands that are ours."""
    for words in commands(block.text):
        for number, word in enumerate(words[:2]):
            if Path(word).name == "classifier-operator" or words[number : number + 2] == ["kubectl", "classifier"]:
                yield words[number + (2 if word == "kubectl" else 1) :]
                break


@pytest.mark.parametrize("block", OURS, ids=lambda block: block.title)
def test_a_manifest_is_accepted(installed: ControlPlane, block: Block) -> None:
    # One after the other and without a namespace that may not exist: only ours are of interest.
    objects = [one for one in manifests(block.text) if GROUP in one.get("apiVersion", "")]
    text = yaml.safe_dump_all(
        {**one, "metadata": {key: value for key, value in one["metadata"].items() if key != "namespace"}}
        for one in objects
    )
    done = installed.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=text)
    assert done.stdout.count("(server dry run)") == len(objects)


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.title)
def test_the_options_of_a_command_exist(block: Block) -> None:
    for name, *rest in _ours(block):
        if name.startswith("-"):
            assert name in {"--help", "--version"}
            continue
        given = {word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"}
        assert given <= _flags(_options()[name]), name


@pytest.mark.parametrize("page", pages())
def test_an_option_that_is_named_exists(page: str) -> None:
    known = {flag for options in _options().values() for flag in _flags(options)}
    named = {one.split()[0].split("=")[0] for one in code_in(pages()[page]) if one.startswith("--")}
    # Of a group of options, the beginning.
    groups = {one.removesuffix("…") for one in named if one.endswith("…")}
    assert {one for one in named if not one.endswith("…")} <= known
    assert all(any(flag.startswith(group) for flag in known) for group in groups)


@pytest.mark.parametrize("page", pages())
def test_a_variable_that_is_named_exists(page: str) -> None:
    known = {variable(name, option) for name, options in _options().items() for option in options}
    named = set(re.findall(r"\bCLASSIFIER_OPERATOR_(?:RUN|DEMO|PREDICT|LOGS|DATASET|EMULATOR)_\w+", pages()[page]))
    assert named <= known


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.title)
def test_what_kubectl_explain_is_asked_for_exists(explained: ControlPlane, block: Block) -> None:
    for words in commands(block.text):
        if words[:2] == ["kubectl", "explain"]:
            explained.kubectl(*words[1:])


@pytest.mark.parametrize("page", pages())
def test_what_kubectl_explain_is_said_to_explain_exists(explained: ControlPlane, page: str) -> None:
    for code in set(code_in(pages()[page])):
        if code.startswith("kubectl explain "):
            explained.kubectl(*code.split()[1:])


@pytest.mark.parametrize("page", pages())
def test_a_field_that_is_named_exists(page: str) -> None:
    named = {one for one in code_in(pages()[page]) if re.fullmatch(r"(spec|status)(\.\w+(\[\])?)+", one)}
    assert named <= _paths()


@pytest.mark.parametrize("page", pages())
def test_a_file_that_is_named_exists(page: str) -> None:
    folders = ("bench", "charts", "crds", "docs", "manifests", "operator", "tests", "tools")
    named = [one for one in code_in(pages()[page]) if re.fullmatch(rf"({'|'.join(folders)})/[\w./*-]*", one)]
    assert [one for one in named if not list(ROOT.glob(one.rstrip("/")))] == []


@pytest.mark.parametrize("page", pages())
def test_a_reason_that_is_named_exists(page: str) -> None:
    """Where a word looks like a reason of a condition: after the condition's name, in code."""
    named = re.findall(r"\b(?:Stalled|Reconciling|Ready)(?: with|,|\)? \() `([A-Z][A-Za-z]+)`", pages()[page])
    assert set(named) <= set(Reason)


def test_included_files_are_included_by_the_site_too() -> None:
    """The tests read an inclusion as the site does: whole files, by a path from the repository's root."""
    lines = [line.strip() for path in DOCS.rglob("*.md") for line in path.read_text().splitlines() if "--8<--" in line]
    assert lines
    assert [line for line in lines if not re.fullmatch(r'--8<-- "[\w./-]+"', line)] == []


def _paths() -> set[str]:
    """The paths of both kinds' fields, with and without the marks of lists."""
    found = {"spec", "status", "status.observedGeneration"}
    for kind in ("ClassifierTraining", "ClassifierEndpoint"):
        properties = fields.schema_of(kind)["properties"]
        for part in ("spec", "status"):
            for one in fields.fields_below(part, properties[part]):
                found |= {one.path, one.path.replace("[]", ""), f"{one.path}[]"}
    return found
