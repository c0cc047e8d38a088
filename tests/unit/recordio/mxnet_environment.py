"""Real MXNet 1.9.1, installed once into the cache folder and driven as a process of its own.

It works with the Python that runs the tests, whichever that is: see mxnet_worker.py. MXNet has wheels for
Linux on x86-64 and ARM64 only (and for old Macs); elsewhere installing fails, and says so.
"""

import base64
import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from image_recordio import Record

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "mxnet-requirements.txt"
WORKER = HERE / "mxnet_worker.py"

# What MXNet's library expects of the system and a minimal container does not have.
# numpy and scikit-learn bring copies.
BORROWED = {"libgomp.so.1": "libgomp-*.so*", "libquadmath.so.0": "libquadmath-*.so*"}


class MXNet:
    """The real thing."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def run(self, command: str, **arguments: Any) -> Any:
        """Run one command of mxnet_worker.py. Raises AssertionError with what it printed when it fails."""
        done = subprocess.run(
            [str(self._python), str(WORKER)],
            input=json.dumps({"command": command, **arguments}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"MXNet's {command} failed:\n{done.stderr[-4000:]}"
        # ImageRecordIter logs to standard output too; the answer is the last line.
        return json.loads(done.stdout.splitlines()[-1])

    def write(self, records: list[Record], rec: Path, idx: Path) -> None:
        self.run("write", rec=str(rec), idx=str(idx), records=[to_json(record) for record in records])

    def read(self, rec: Path) -> list[Record]:
        return [from_json(item) for item in self.run("read", rec=str(rec))]

    def read_indexed(self, rec: Path, idx: Path, keys: list[int]) -> list[Record]:
        return [from_json(item) for item in self.run("read_indexed", rec=str(rec), idx=str(idx), keys=keys)]

    def iterate(self, rec: Path, **options: Any) -> list[dict[str, Any]]:
        """The batches of ImageRecordIter: pad, shape, labels, and the mean value of each image."""
        options = {"path_imgrec": rec, "preprocess_threads": 1, "verbose": False, **options}
        return list(self.run("iterate", options={key: str(value) for key, value in options.items()}))


def to_json(record: Record) -> dict[str, Any]:
    return {"label": record.label, "id": record.id, "image": base64.b64encode(record.image).decode()}


def from_json(item: dict[str, Any]) -> Record:
    label = tuple(item["label"]) if isinstance(item["label"], list) else item["label"]
    return Record(label, item["id"], base64.b64decode(item["image"]))


def installed_mxnet() -> MXNet:
    """MXNet from the cache folder, put there first if it is not: about 10 s and 250 MB, once."""
    home = _cache() / f"mxnet-{_key()}"
    if not home.exists():
        _install(home)
    return MXNet(_python(home))


def _cache() -> Path:
    root = os.environ.get("CLASSIFIER_OPERATOR_CACHE") or Path.home() / ".cache"
    return Path(root) / "classifier-operator"


def _key() -> str:
    # numpy is compiled for one version of Python, so that is part of what is cached.
    version = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    return hashlib.sha256(version.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:16]


def _python(home: Path) -> Path:
    return home / "bin" / "python"


def _install(home: Path) -> None:
    """Build beside `home` and rename: a run that is killed or races with another leaves nothing half done."""
    home.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    print(f"installing MXNet for the RecordIO tests into {home} (once, about 10 s)", file=sys.stderr)
    try:
        _build(partial)
        partial.rename(home)
    except OSError:
        if not home.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _build(home: Path) -> None:
    _check([sys.executable, "-m", "venv", str(home)])
    options = ["--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    _check([str(_python(home)), "-m", "pip", "install", "--quiet", *options, "-r", str(REQUIREMENTS)])
    package = next(home.glob("lib/python*/site-packages/mxnet"))
    for name in BORROWED:
        if not _is_on_system(name):
            _borrow(name, package)


def _check(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, (
        "MXNet 1.9.1, which the RecordIO tests compare with, could not be installed. It needs pip, pip's "
        "package index, and Linux on x86-64 or ARM64.\n"
        f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )


def _is_on_system(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _borrow(library: str, package: Path) -> None:
    """Copy a wheel's own library into MXNet's folder, which is where its library looks first."""
    folders = [package.parent, Path(sysconfig.get_path("platlib"))]
    copies = [path for folder in folders for path in sorted(folder.glob(f"*.libs/{BORROWED[library]}"))]
    if copies:
        shutil.copy(copies[0], package / library)
