"""Owns the order in which a tool is looked for.

That is KUBEBUILDER_ASSETS, PATH (kubectl only), the cache, the prebuilt archive, a build from Go modules.

Each step is a function of its own in `cache`, `prebuilt` and `golang`; this module only decides between them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from control_plane import golang, prebuilt
from control_plane.cache import ToolCache, cache_root
from control_plane.catalog import KUBERNETES, REPOSITORY, GoModule, Tool, go_module, parse_version, tool_named
from control_plane.kubectl import is_supported, kubectl_version
from control_plane.progress import Reporter

ASSETS_VARIABLE: Final = "KUBEBUILDER_ASSETS"


def find_tools(*names: str, reporter: Reporter | None = None) -> dict[str, Path]:
    """Return the path of each named tool, built if it is nowhere to be found; raises ToolError.

    Takes minutes the first time on a machine, and says so on standard error.
    """
    return Finder(reporter=reporter or Reporter()).find(names)


@dataclass(frozen=True)
class Finder:
    """Finds tools for one environment and one checkout."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    repository: Path = REPOSITORY
    reporter: Reporter = field(default_factory=Reporter)

    def find(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the path of each named tool; raises ToolError."""
        tools = [tool_named(name) for name in dict.fromkeys(names)]
        found = {tool.name: path for tool in tools if (path := self._at_hand(tool)) is not None}
        missing = [tool for tool in tools if tool.name not in found]
        for folder in dict.fromkeys(tool.module for tool in missing):
            found |= self._make([tool for tool in missing if tool.module == folder])
        return {tool.name: found[tool.name] for tool in tools}

    def has(self, name: str) -> bool:
        """Whether the tool is at hand, so that nothing has to be built for it."""
        return self._at_hand(tool_named(name)) is not None

    def source(self, name: str, required: str) -> Path:
        """Return the source of a module that a tool's module requires: there are more files in it than programs."""
        module = go_module(tool_named(name), self.repository)
        with self._cache(module).lock(self.reporter):
            go = golang.find_go(module, cache_root(self.environ), self.environ, self.reporter)
            return golang.source_of(required, module, go, self.environ)

    def _at_hand(self, tool: Tool) -> Path | None:
        return self._from_assets(tool) or self._from_path(tool) or self._from_cache(tool)

    def _from_assets(self, tool: Tool) -> Path | None:
        assets = self.environ.get(ASSETS_VARIABLE)
        path = shutil.which(tool.name, path=assets) if assets else None
        return Path(path).absolute() if path else None

    def _from_path(self, tool: Tool) -> Path | None:
        """Return the user's own kubectl if our API server supports it. Servers are never taken from PATH."""
        path = shutil.which("kubectl", path=self.environ.get("PATH")) if tool.name == "kubectl" else None
        if path is None:
            return None
        wanted = parse_version(go_module(tool, self.repository).required_version(KUBERNETES))
        return Path(path) if is_supported(kubectl_version(path), wanted) else None

    def _from_cache(self, tool: Tool) -> Path | None:
        return self._cache(go_module(tool, self.repository)).find(tool.name)

    def _cache(self, module: GoModule) -> ToolCache:
        return ToolCache.of(module, cache_root(self.environ))

    def _make(self, tools: list[Tool]) -> dict[str, Path]:
        """Download or build tools of one module into the cache."""
        module = go_module(tools[0], self.repository)
        cache = self._cache(module)
        with cache.lock(self.reporter):
            # Another process may have made them while this one waited for the lock.
            missing = [tool for tool in tools if cache.find(tool.name) is None]
            self._download([tool for tool in missing if tool.prebuilt], module, cache)
            self._build([tool for tool in missing if cache.find(tool.name) is None], module, cache)
        return {tool.name: cache.folder / tool.name for tool in tools}

    def _download(self, tools: list[Tool], module: GoModule, cache: ToolCache) -> None:
        index = prebuilt.index_address(self.environ)
        if not tools or not index:
            return
        version = module.required_version(KUBERNETES)
        try:
            with (
                self.reporter.task(f"Looking for prebuilt tools of Kubernetes {version}"),
                cache.workspace() as work,
            ):
                for name, path in prebuilt.fetch(index, version, [tool.name for tool in tools], work).items():
                    cache.add(path, name)
        except prebuilt.PrebuiltError as reason:
            self.reporter.say(f"No prebuilt tools ({reason}); building from source instead.")

    def _build(self, tools: list[Tool], module: GoModule, cache: ToolCache) -> None:
        if not tools:
            return
        go = golang.find_go(module, cache_root(self.environ), self.environ, self.reporter)
        for tool in tools:
            text = f"Building {tool.name} (about {tool.build_time} on 2 cores, once)"
            with self.reporter.task(text), cache.workspace() as work:
                cache.add(golang.build(tool, module, go, work, self.environ), tool.name)
