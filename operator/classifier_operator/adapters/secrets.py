"""The secrets that the process was given, and a log that shows none.

What is known is looked for by value; what is not, by its looks (`api/redaction.py`).
"""

from __future__ import annotations

import copy
import logging
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from classifier_operator.api.cut import one_line
from classifier_operator.api.redaction import redacted

_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
# Their content changes as time goes by.
_FILES = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def given_secrets() -> frozenset[str]:
    """The secrets in the environment and in the files that it names, as they are now."""
    values = {os.environ.get(name, "") for name in _VARIABLES}
    values |= {_content(os.environ[name]) for name in _FILES if os.environ.get(name)}
    for name in _PROXIES:
        values |= _password(os.environ.get(name, "")) | _password(os.environ.get(name.lower(), ""))
    return frozenset(values - {""})


class Redacting(logging.Formatter):
    """A formatter's lines without secrets: the last resort, for what nobody has thought of, such as tracebacks.

    Before they are formatted, because JSON writes them differently, and once more as they are.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line that the formatter makes."""
        known = given_secrets()
        clean = copy.copy(record)
        # A text from outside must not look like further lines.
        clean.msg, clean.args = one_line(redacted(record.getMessage(), known)), None
        if record.exc_info:
            clean.exc_info, clean.exc_text = None, redacted(self.formatException(record.exc_info), known)
        return redacted(self._inner.format(clean), known)


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
