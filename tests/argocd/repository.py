"""A local Git repository that Argo CD reads, and what a team commits to it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# Nothing of the developer's own settings, such as signing.
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "team",
    "GIT_AUTHOR_EMAIL": "team@example.invalid",
    "GIT_COMMITTER_NAME": "team",
    "GIT_COMMITTER_EMAIL": "team@example.invalid",
}


class Repository:
    """Files under version control."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        """What Argo CD is given."""
        return f"file://{self.folder}"

    def commit(self, files: Mapping[str, Any]) -> str:
        """Write files (manifests, several as a list, or text), take away those that are None; the commit's hash."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else _manifests(content))
        return self.commit_all()

    def commit_all(self) -> str:
        """Commit whatever is in the folder; the commit's hash."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message=change")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **_ENVIRONMENT},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout


def _manifests(content: Any) -> str:
    return yaml.safe_dump_all(content if isinstance(content, list) else [content])


def give(s3: Any, manifests: str) -> None:
    """Put what the manifests name into S3: every bucket, and models."""
    for bucket, key in set(re.findall(r"s3://([a-z0-9.-]+)/([\w./-]*)", manifests)):
        s3.create_bucket(Bucket=bucket)
        if key.endswith(".tar.gz"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"a model")
