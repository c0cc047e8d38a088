"""What the process writes to its standard error: lines of the log, and errors that nobody has caught; no secrets."""

from __future__ import annotations

import copy
import itertools
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from classifier_operator.adapters.secrets import known_secrets
from classifier_operator.api.cut import one_line
from classifier_operator.api.redaction import HIDDEN, LONGEST, is_hidden_by_name, redacted

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Objects of kopf's own, which no line shows.
_NOT_SHOWN = frozenset({"settings"})
_DEEPEST = 5
# A header is a name and a value.
_PAIR = 2

_Error = tuple[type[BaseException], BaseException | None, TracebackType | None]

_logger = logging.getLogger(__name__)


class Redacting(logging.Formatter):
    """A formatter's lines without secrets: also in tracebacks, and in what a record has beside its message.

    All is redacted before it is formatted: in JSON, a quote that ends the message would else be taken for one in it.
    """

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line that the formatter makes."""
        known = known_secrets()
        clean = copy.copy(record)
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in _NOT_SHOWN:
                setattr(clean, name, _Field(known).cleaned(value, name))
        # A text from outside must not look like further lines.
        clean.msg, clean.args = one_line(redacted(_message(record), known)), None
        clean.exc_info = None
        if record.exc_info:
            clean.exc_text = redacted(self.formatException(record.exc_info), known)
        elif record.exc_text:
            clean.exc_text = redacted(record.exc_text, known)
        if record.stack_info:
            clean.stack_info = redacted(record.stack_info, known)
        return self._inner.format(clean)


class Handler(logging.StreamHandler):  # type: ignore[type-arg]  # its stream is any
    """Writes lines. Of one that cannot be written, nothing is shown: logging's own way shows it as it is."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say that a line was lost, and why."""
        error = sys.exc_info()[0]
        try:
            self.stream.write(f"a line of {record.name} could not be written: {error.__name__ if error else ''}\n")
        except (OSError, ValueError):
            # There is nowhere left to say it.
            return


def log_uncaught() -> None:
    """Have the log tell what Python itself would print: warnings, and errors that nobody has caught in any thread."""
    _catch(lambda text, error: _logger.critical("%s", text, exc_info=error[1]))
    logging.captureWarnings(capture=True)


def print_uncaught() -> None:
    """Print errors that nobody has caught, as Python does, but redacted; unless somebody else tells them already."""
    if sys.unraisablehook is sys.__unraisablehook__:
        _catch(_print)


def _catch(tell: Callable[[str, _Error], None]) -> None:
    sys.excepthook = lambda kind, error, trace: tell("ended by an unforeseen error", (kind, error, trace))
    sys.unraisablehook = lambda found: tell(
        found.err_msg or "an error was ignored", (found.exc_type, found.exc_value, found.exc_traceback)
    )
    threading.excepthook = lambda found: tell(
        f"the thread {found.thread.name if found.thread else '?'} has ended by an unforeseen error",
        (found.exc_type, found.exc_value, found.exc_traceback),
    )


def _print(_: str, error: _Error) -> None:
    text = "".join(traceback.format_exception(*error))
    sys.stderr.write(redacted(text, known_secrets()))


def _message(record: logging.LogRecord) -> str:
    """A record's message; what it is made from if that does not fit together."""
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg} ({type(error).__name__}: its arguments cannot be shown)"


class _Field:
    """Takes the secrets out of one field of a line, of which about LONGEST characters are read."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._left = LONGEST

    def cleaned(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """Return a value as JSON can have it, without secrets; its name may say that it is one."""
        self._left -= 1
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth < _DEEPEST and isinstance(value, Mapping):
            items = itertools.takewhile(self._has_room, value.items())
            return {self._text(str(key)): self.cleaned(one, str(key), depth + 1) for key, one in items}
        if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
            if isinstance(value, list | tuple) and len(value) == _PAIR and isinstance(value[0], str):
                name = value[0]
            return [self.cleaned(one, name, depth + 1) for one in itertools.takewhile(self._has_room, value)]
        text = self._text(value if isinstance(value, str) else repr(value))
        return HIDDEN if is_hidden_by_name(name, text) else text

    def _has_room(self, _: object) -> bool:
        return self._left > 0

    def _text(self, text: str) -> str:
        text = redacted(text, self._known)
        self._left -= len(text)
        return text
