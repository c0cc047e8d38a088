"""The secrets that the process has: those that it was given, and those that its AWS sessions hold at the moment.

What is known is looked for by value; what is not, by its name and its form (`api/redaction.py`).
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
# Their content changes as time goes by.
_FILES = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a file
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "CLASSIFIER_OPERATOR_RUN_IMPORT_PROXY")


class Holder(Protocol):
    """Holds secrets that change."""

    def secrets(self) -> frozenset[str]:
        """The secrets as they are now."""


_HOLDERS: weakref.WeakSet[Holder] = weakref.WeakSet()


def hide_those_of(holder: Holder) -> None:
    """Count what this holds among the known secrets, for as long as it exists."""
    _HOLDERS.add(holder)


def known_secrets() -> frozenset[str]:
    """All secrets that the process has."""
    return given_secrets().union(*(holder.secrets() for holder in tuple(_HOLDERS)))


def given_secrets() -> frozenset[str]:
    """The secrets in the environment and in the files that it names, as they are now, and the pod's token."""
    values = {os.environ.get(name, "") for name in _VARIABLES}
    values |= {_content(file) for file in (_POD_TOKEN, *(os.environ.get(name, "") for name in _FILES)) if file}
    for name in _PROXIES:
        values |= _password(os.environ.get(name, "")) | _password(os.environ.get(name.lower(), ""))
    return frozenset(values - {""})


def _content(file: str) -> str:
    try:
        return Path(file).read_text(errors="replace").strip()
    except OSError:
        return ""


def _password(url: str) -> set[str]:
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return set()
    return {password, unquote(password)}
