"""The SageMaker Python SDK, installed once into the cache folder and driven as a process of its own.

It asks for other versions of what the project locks (boto3, numpy, protobuf), so it gets an environment of its own,
which is built anew when requirements.txt changes.
"""

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

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
CLIENT = HERE / "sdk_client.py"


def run(python: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Run sdk_client.py. Raises AssertionError with what it printed when it fails."""
    credentials = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    folder = Path(given["data"])
    # Or the SDK reports to AWS what is called.
    settings = folder / "sagemaker.yaml"
    settings.write_text(
        "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n", encoding="utf-8"
    )
    credentials["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(settings)
    done = subprocess.run(
        [str(python), str(CLIENT)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
        env={"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""), **credentials},
    )
    assert done.returncode == 0, f"the SDK's script failed:\n{done.stderr[-4000:]}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def installed_sdk() -> Path:
    """The environment's Python, put into the cache folder first if it is not there: minutes and 310 MB, once."""
    version = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    key = hashlib.sha256(version.encode() + REQUIREMENTS.read_bytes()).hexdigest()[:16]
    root = os.environ.get("CLASSIFIER_OPERATOR_CACHE") or Path.home() / ".cache"
    home = Path(root) / "classifier-operator" / f"sagemaker-sdk-{key}"
    if not home.exists():
        _install(home)
    return home / "bin" / "python"


def _install(home: Path) -> None:
    """Build beside `home` and rename: a run that is killed or races with another leaves nothing half done."""
    home.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    print(f"installing the SageMaker SDK for the emulator's tests into {home} (once, minutes)", file=sys.stderr)
    try:
        _check([sys.executable, "-m", "venv", str(partial)])
        options = ["--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        pip = [str(partial / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _check([*pip, *options, "-r", str(REQUIREMENTS)])
        partial.rename(home)
    except OSError:
        if not home.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, (
        "The SageMaker Python SDK 2.x, which the emulator's tests use as a client, could not be installed. It needs "
        f"pip and pip's package index.\n{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )
