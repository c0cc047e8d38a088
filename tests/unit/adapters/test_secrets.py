"""Secrets that the process was given, and those that it holds."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from classifier_operator.adapters.secrets import given_secrets, hide_those_of, known_secrets

NAMES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    *(
        name
        for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "CLASSIFIER_OPERATOR_RUN_IMPORT_PROXY")
        for name in (proxy, proxy.lower())
    ),
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


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


def test_what_somebody_holds_is_known_for_as_long_as_they_exist() -> None:
    class Session:
        def secrets(self) -> frozenset[str]:
            return frozenset({"of-a-session"})

    session = Session()
    hide_those_of(session)
    assert "of-a-session" in known_secrets()
    del session
    gc.collect()
    assert "of-a-session" not in known_secrets()
