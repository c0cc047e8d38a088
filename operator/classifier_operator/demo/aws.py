"""Owns the AWS of the demo: the emulator as a process of its own, and this process's clients of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import boto3
from botocore.config import Config
from botocore.session import Session

from classifier_operator.demo.environment import ACCESS_KEY, SECRET_KEY, isolated
from control_plane.processes import ChildProcess
from sagemaker_emulator.control import Control
from sagemaker_emulator.server import READY

# Emulated seconds: shorter than AWS's own where one would only wait, longer where a state would pass unseen.
SETTINGS: Final[Mapping[str, Any]] = {
    "elastic_inference": {"available": True},
    "training": {
        "starting_seconds": 40,
        "downloading_seconds": 40,
        "training_seconds": 60,
        "uploading_seconds": 40,
        "deleting_seconds": 10,
    },
    "endpoint": {"creating_seconds": 80, "deleting_seconds": 30},
}
EMULATED_SECONDS: Final = 40 + 40 + 60 + 40 + 80 + 30 + 10

_START_SECONDS: Final = 60.0
_NEUTRAL: Final = (None, None, None, None)
_NO_FILE: Final = (None, None, os.devnull, None)


class DemoAws:
    """An emulator, from its start until `close`."""

    def __init__(self, process: ChildProcess, url: str) -> None:
        self._process = process
        self.url = url
        self.control = Control(url)

    @classmethod
    def start(cls, folder: Path, *, speed: float) -> Self:
        """Start one with its log in `folder`, which goes too should this process be killed.

        Raises:
            ControlPlaneError: it did not start; the log's end says why.

        """
        emulator = [sys.executable, "-P", "-m", "sagemaker_emulator", "--speed", str(speed)]
        command = isolated([*emulator, "--settings", json.dumps(SETTINGS)], {"TMPDIR": str(folder)}, os.environ)
        process = ChildProcess("emulator", command, folder / "emulator.log", remove=folder)
        try:
            process.wait_until(lambda: bool(_announced(process.log)), timeout=_START_SECONDS)
        except BaseException:
            process.kill()
            raise
        return cls(process, _announced(process.log))

    def close(self) -> None:
        """End it."""
        self._process.kill()

    def client(self, service: str, region: str) -> Any:
        """A client that can reach nothing but the emulator, whatever the user's environment and profiles say."""
        session_vars = {"profile": _NEUTRAL, "config_file": _NO_FILE, "credentials_file": _NO_FILE}
        session = boto3.Session(
            ACCESS_KEY,
            SECRET_KEY,
            region_name=region,
            botocore_session=Session(session_vars=session_vars),
        )
        # An empty mapping, unlike None, keeps botocore from looking for proxies in the environment.
        return session.client(service, endpoint_url=self.url, config=Config(proxies={}))

    def resources(self) -> list[str]:
        """What is left of the four kinds of SageMaker, in words."""
        return [f"{one['kind']}/{one['name']} {one['status']}".strip() for one in self.control.resources()]

    def objects(self) -> list[str]:
        """The addresses of all objects in S3."""
        return [one["name"] for one in self.control.resources(s3=True) if one["kind"] == "s3-objects"]


def _announced(log: Path) -> str:
    """The URL, once the emulator has said it."""
    lines = (line for line in log.read_text().splitlines() if line.startswith(READY))
    return next(lines, "").removeprefix(READY).strip()
