"""Lines of the log, and what else gets to the standard error, without secrets, in both formats."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from classifier_operator.adapters.log_lines import JsonLines, TextLines
from classifier_operator.adapters.log_output import Handler, Redacting
from classifier_operator.api.redaction import LONGEST

SECRET = 'cAnArY01+/"23456789'
CANARY = "cAnArY01"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = Handler(stream)
    handler.setFormatter(Redacting(JsonLines() if request.param == "json" else TextLines()))
    logger = logging.getLogger(f"test.{request.param}")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)


def test_lines_and_tracebacks(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.error("%s with %s", "signed", SECRET, extra={"note": SECRET})
    try:
        raise ValueError(f"x\nx-amz-security-token:{CANARY}-session https://host/x?sig={CANARY} {SECRET}")
    except ValueError:
        logger.exception("unforeseen")
    text = stream.getvalue()
    assert CANARY not in text
    assert "signed with ***" in text
    assert "ValueError: x" in text
    assert "https://host/x?***" in text
    assert "test_log_output.py" in text


def test_the_record_itself_stays_as_it_is(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Other handlers have it, too."""
    logger, stream = log
    record = logger.makeRecord("x", logging.ERROR, "x", 1, "token=%s password=%s", ("a", "bcd"), None)
    logger.handle(record)
    assert record.getMessage() == "token=a password=bcd"
    assert "password=***" in stream.getvalue()


def test_json_stays_json() -> None:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, f'"password": "abc", {SECRET}', None, None)
    line = Redacting(JsonLines()).format(record)
    assert json.loads(line)["message"] == '"password": "***", ***'


@pytest.mark.parametrize(
    "end", ["token=", 'he said "password: ', "Authorization: ", "token='", 'a="', "{", "https://h/?", "\\"]
)
def test_the_end_of_a_message_takes_nothing_of_the_rest_of_the_line(end: str) -> None:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, end, None, None)
    vars(record)["resource"] = "vision-digits-1"
    line = json.loads(Redacting(JsonLines()).format(record))
    assert (line["resource"], line["level"]) == ("vision-digits-1", "ERROR")


FIELDS: dict[str, Any] = {
    "headers": {"Authorization": f"Bearer {CANARY}", "Set-Cookie": [f"a={CANARY}"], "Host": "x"},
    "pairs": [("Authorization", f"Basic {CANARY}")],
    "token": f"two words {CANARY}",
    "error": ValueError(f"x-amz-security-token: {CANARY}"),
    "deep": {"a": {"b": {"c": {"d": {"e": {"password": CANARY}}}}}},
    "url": f"https://host/x?sig={CANARY}",
    "names": {f"token={CANARY}": 1},
    "password": f"{CANARY} é\n" * 4000,
}


def test_fields_of_a_line(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.error("said", extra={**FIELDS, "attempts": 3, "durationSeconds": 0.5})
    assert CANARY not in stream.getvalue()
    if logger.name.endswith("json"):
        line = json.loads(stream.getvalue())
        assert (line["attempts"], line["durationSeconds"]) == (3, 0.5)
        assert line["headers"]["Host"] == "x"
        assert line["url"] == "https://host/x?***"


def test_a_stack_and_a_traceback_that_somebody_else_has_formatted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    record = logger.makeRecord("x", logging.ERROR, "x", 1, "x", (), None, sinfo=f"token={CANARY}")
    record.exc_text = f"ValueError: password={CANARY}"
    logger.handle(record)
    assert CANARY not in stream.getvalue()
    assert "ValueError: password=***" in stream.getvalue()


def test_a_line_is_bounded(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    try:
        raise ValueError("x " * 1_000_000)
    except ValueError:
        logger.exception("y " * 1_000_000, extra={"note": "z " * 1_000_000, "pages": ["z " * 1_000_000] * 1_000})
    assert len(stream.getvalue()) < 5 * LONGEST
    assert "characters left out" in stream.getvalue()


def test_a_message_whose_arguments_do_not_fit(
    log: tuple[logging.Logger, io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own way is to print the message, the arguments and a traceback."""
    logger, stream = log

    class Broken:
        def __str__(self) -> str:
            raise ValueError(f"token={CANARY}")

    for message, args in (("token=%s", (f"token={CANARY}", "one too many")), ("with %s", (Broken(),)), ("fine", ())):
        logger.handlers[0].handle(logger.makeRecord("x", logging.ERROR, "x", 1, message, args, None))
    assert "TypeError: its arguments cannot be shown" in stream.getvalue()
    assert "fine" in stream.getvalue()
    assert CANARY not in stream.getvalue() + "".join(capsys.readouterr())


def test_a_line_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            if CANARY in text:
                raise OSError(28, "No space left on device")
            return super().write(text)

    stream = Full()
    handler = Handler(stream)
    handler.handle(logging.LogRecord("x", logging.ERROR, "x", 1, CANARY, None, None))
    assert stream.getvalue() == "a line of x could not be written: OSError\n"
    assert CANARY not in "".join(capsys.readouterr())


# Runs in a process of its own: the hooks are the whole process's.
UNCAUGHT = """
import asyncio, gc, sys, threading, warnings
from classifier_operator.adapters.log_setup import set_up_logging
from classifier_operator.adapters.log_output import print_uncaught
(set_up_logging({format!r}, "debug") if {format!r} else print_uncaught())

def fail(*_):
    raise ValueError("x-amz-security-token: cAnArY0123456789")

class Leaves:
    def __del__(self):
        fail()

async def forget():
    task = asyncio.create_task(asyncio.to_thread(fail))
    while not task.done():
        await asyncio.sleep(0)
    del task
    gc.collect()
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

Leaves()
thread = threading.Thread(target=fail)
thread.start()
thread.join()
warnings.warn("token=cAnArY0123456789")
asyncio.run(forget())
fail()
"""


@pytest.mark.parametrize("log_format", ["text", "json", ""])
def test_what_nobody_catches(log_format: str) -> None:
    """In destructors, threads, tasks and callbacks that nobody waits for, and in the end of the process."""
    environment = {**os.environ, "PYTHONPATH": "operator"}
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT.format(format=log_format)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("ValueError: x-amz-security-token: ***") == (5 if log_format else 3), done.stderr
    if log_format:
        assert CANARY not in done.stdout + done.stderr
        for words in ("was never retrieved", "the thread Thread-1 (fail) has ended", "Exception in callback"):
            assert words in done.stderr
