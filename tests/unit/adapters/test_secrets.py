"""Secrets that the process was given, and log lines without them, in both formats."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pythonjsonlogger.json import JsonFormatter

from classifier_operator.adapters.secrets import Redacting, given_secrets

SECRET = 'cAnArY+/"0123456789'
NAMES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    *(name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())),
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    fields = "%(levelname)s %(message)s"
    handler.setFormatter(Redacting(JsonFormatter(fields) if request.param == "json" else logging.Formatter(fields)))
    logger = logging.getLogger(f"test.{request.param}")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_given(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert given_secrets() == frozenset()
    value = "0123456789"
    if name.endswith("_FILE"):
        (tmp_path / "token").write_text(f"{value}\n")
        monkeypatch.setenv(name, str(tmp_path / "token"))
    elif name.lower().endswith("_proxy"):
        monkeypatch.setenv(name, f"http://joe:{value}@proxy:3128")
    else:
        monkeypatch.setenv(name, value)
    assert given_secrets() == {value}


def test_a_token_changes_with_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    assert given_secrets() == frozenset()
    for value in ("first-token", "second-token"):
        file.write_text(value)
        assert given_secrets() == {value}


@pytest.mark.parametrize("url", ["http://proxy:3128", "http://[proxy", "proxy", "http://joe@proxy"])
def test_proxies_without_a_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", url)
    assert given_secrets() == frozenset()


def test_a_password_is_known_as_it_is_written_and_as_it_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://joe:pass%2Fword@proxy")
    assert given_secrets() == {"pass%2Fword", "pass/word"}


def test_lines_and_tracebacks(log: tuple[logging.Logger, io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    logger, stream = log
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    logger.error("%s with %s", "signed", SECRET, extra={"note": SECRET})
    try:
        raise ValueError(f"x\nx-amz-security-token:cAnArY-session https://host/x?sig=cAnArY {SECRET}")
    except ValueError:
        logger.exception("unforeseen")
    text = stream.getvalue()
    assert "cAnArY" not in text
    assert "signed with ***" in text
    assert "ValueError: x" in text
    assert "https://host/x?***" in text
    assert "test_secrets.py" in text


def test_the_record_itself_stays_as_it_is(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Other handlers have it, too."""
    logger, stream = log
    record = logger.makeRecord("x", logging.ERROR, "x", 1, "token=%s password=%s", ("a", "bcd"), None)
    logger.handle(record)
    assert record.getMessage() == "token=a password=bcd"
    assert "password=***" in stream.getvalue()


def test_json_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    record = logging.LogRecord("x", logging.ERROR, "x", 1, f'"password": "abc", {SECRET}', None, None)
    line = Redacting(JsonFormatter("%(message)s")).format(record)
    assert json.loads(line)["message"] == '"password": "***", ***'
