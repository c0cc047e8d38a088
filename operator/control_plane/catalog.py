"""Owns the table of tools: what each is called, where its source is, and which Go module pins its version.

Adding a tool is adding a row here and a line in that module's `tools.go`; `binaries` finds or builds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from control_plane.errors import ToolError

# The checkout's root, seen from operator/control_plane/. An installed wheel has no tools/ there.
REPOSITORY: Final = Path(__file__).resolve().parents[2]

KUBERNETES: Final = "k8s.io/kubernetes"
HELM: Final = "helm.sh/helm/v4"
ARGOCD: Final = "github.com/argoproj/argo-cd/v3"
KUSTOMIZE: Final = "sigs.k8s.io/kustomize/kustomize/v5"
# What checks and describes the chart needs another helm than the one that installs it.
_CHARTS: Final = "tools/charts"


@dataclass(frozen=True)
class Tool:
    """One command-line tool.

    `package` is the Go package of its command, `module` the folder (below the repository) of the go.mod that
    pins it, `version_of` the required module whose version it reports, and `version_variables` the Go
    variables that the linker sets to it. `prebuilt` tools are in the archive of controller-runtime's envtest.
    A command of our own is the `main.go` of its module's folder, and its package is ".".
    """

    name: str
    package: str
    module: str = "tools"
    version_of: str | None = None
    version_variables: tuple[str, ...] = ()
    prebuilt: bool = False
    build_time: str = "a minute"


_KUBERNETES_VERSIONS: Final = (
    "k8s.io/component-base/version.gitVersion",
    "k8s.io/client-go/pkg/version.gitVersion",
)


def _kubernetes(name: str, *, build_time: str, prebuilt: bool = False) -> Tool:
    return Tool(
        name,
        f"k8s.io/kubernetes/cmd/{name}",
        version_of=KUBERNETES,
        version_variables=_KUBERNETES_VERSIONS,
        prebuilt=prebuilt,
        build_time=build_time,
    )


_ROWS: Final = (
    Tool("etcd", "go.etcd.io/etcd/server/v3", prebuilt=True),
    _kubernetes("kube-apiserver", prebuilt=True, build_time="4 minutes"),
    _kubernetes("kubectl", prebuilt=True, build_time="a minute"),
    _kubernetes("kube-controller-manager", build_time="a minute"),
    Tool(
        "helm",
        "helm.sh/helm/v4/cmd/helm",
        version_of=HELM,
        version_variables=("helm.sh/helm/v4/internal/version.version",),
        build_time="a minute",
    ),
    # Argo CD replaces half of Kubernetes by older versions, so it has a module of its own.
    Tool("argocd", f"{ARGOCD}/cmd", module="tools/argocd", build_time="5 minutes"),
    Tool(
        "kustomize",
        KUSTOMIZE,
        module="tools/argocd",
        version_of=KUSTOMIZE,
        version_variables=("sigs.k8s.io/kustomize/api/provenance.version",),
        build_time="a minute",
    ),
    Tool("redis", ".", module="tools/redis", build_time="10 seconds"),
    Tool("kstatus", ".", module="tools/kstatus", build_time="30 seconds"),
    Tool(
        "helm-unittest",
        "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
        module=_CHARTS,
        build_time="2 minutes",
    ),
    Tool("helm-docs", "github.com/norwoodj/helm-docs/cmd/helm-docs", module=_CHARTS, build_time="half a minute"),
)

TOOLS: Final[Mapping[str, Tool]] = MappingProxyType({tool.name: tool for tool in _ROWS})


def tool_named(name: str) -> Tool:
    """Return the tool of that name; raises ToolError with the known names."""
    try:
        return TOOLS[name]
    except KeyError:
        raise ToolError(f"there is no tool called {name!r}; known are {', '.join(TOOLS)}") from None


@dataclass(frozen=True)
class GoModule:
    """A folder with go.mod and go.sum."""

    folder: Path

    def files(self) -> tuple[Path, ...]:
        """Return the files that decide what is built: versions, hashes, our own code, and the Go that builds."""
        names = ("go.mod", "go.sum", "main.go", "requirements.txt")
        return tuple(path for name in names if (path := self.folder / name).is_file())

    def required_version(self, module: str) -> str:
        """Return the version that go.mod requires of a module, like `v1.37.2`."""
        return self._find(rf"^\s*(?:require\s+)?{re.escape(module)} (v\S+)", f"no version of {module}")

    def go_version(self) -> tuple[int, ...]:
        """Return the lowest Go that can build it, like `(1, 26, 0)`."""
        return parse_version(self._find(r"^go (\S+)", "no go line"))

    def _find(self, pattern: str, missing: str) -> str:
        path = self.folder / "go.mod"
        match = re.search(pattern, path.read_text(), re.MULTILINE)
        if match is None:
            raise ToolError(f"{path} has {missing}")
        return match[1]


def go_module(tool: Tool, repository: Path = REPOSITORY) -> GoModule:
    """Return the module that pins a tool; raises ToolError where there is no checkout."""
    folder = repository / tool.module
    if not (folder / "go.mod").is_file():
        raise ToolError(
            f"{tool.name} was not found, and {folder}/go.mod to build it from does not exist: "
            f"run this from a checkout of the repository, or set KUBEBUILDER_ASSETS "
            f"to a folder that holds {tool.name}"
        )
    return GoModule(folder)


def parse_version(text: str) -> tuple[int, ...]:
    """Return the numbers of `v1.37.2`, `go1.27.3` or `1.26`, without pre-release parts; raises ToolError."""
    match = re.match(r"(?:v|go)?(\d+(?:\.\d+)*)", text.strip())
    if match is None:
        raise ToolError(f"{text!r} is not a version")
    return tuple(int(part) for part in match[1].split("."))
