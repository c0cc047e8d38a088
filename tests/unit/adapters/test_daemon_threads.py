"""Threads that are used again, and that nobody waits for."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest

from classifier_operator.adapters.daemon_threads import DaemonThreads


def named(name: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == name]


def test_each_call_has_a_thread_at_once_and_threads_are_used_again() -> None:
    threads, gate = DaemonThreads("at-once"), threading.Barrier(9, timeout=30)
    for _ in range(3):
        calls = [threads.submit(gate.wait) for _ in range(8)]
        gate.wait()
        assert not wait(calls, 30).not_done
    assert len(named("at-once")) <= 16
    assert all(one.daemon for one in named("at-once"))


def test_threads_that_have_nothing_to_do_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.adapters.daemon_threads.IDLE_SECONDS", 0.01)
    threads = DaemonThreads("idle")
    assert threads.submit(lambda: 1).result(30) == 1
    for one in named("idle"):
        one.join(30)
    assert not named("idle")
    assert threads.submit(lambda: 2).result(30) == 2


def test_it_tells_how_many_have_not_finished() -> None:
    threads, go_on = DaemonThreads("finish"), threading.Event()
    call = threads.submit(go_on.wait, 30)
    assert threads.finish(0.0) == 1
    go_on.set()
    assert (call.result(30), threads.finish(30)) == (True, 0)


def test_what_fails_is_told() -> None:
    threads = DaemonThreads("fails")
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result(30)
