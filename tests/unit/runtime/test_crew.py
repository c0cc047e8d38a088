"""Seats for passes."""

from __future__ import annotations

import asyncio

import pytest

from classifier_operator.runtime.crew import Crew


async def begun(crew: Crew, name: str) -> None:
    async with asyncio.timeout(5):
        await crew.sit()
    crew.begin(name)


async def test_so_many_are_worked_on_at_a_time() -> None:
    crew = Crew(2)
    await begun(crew, "a")
    await begun(crew, "b")
    third = asyncio.ensure_future(crew.sit())
    await asyncio.sleep(0)
    assert not third.done()
    crew.end("a")
    await third


async def test_one_that_waits_for_long_gives_its_seat_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.crew.PATIENCE_SECONDS", 0.0)
    crew = Crew(1)
    await begun(crew, "hangs")
    with crew.waiting("hangs"):
        await begun(crew, "another")
    with crew.waiting("hangs"):
        # Its seat is not given away twice.
        await asyncio.sleep(0.01)
    crew.end("hangs")
    third = asyncio.ensure_future(crew.sit())
    await asyncio.sleep(0.01)
    assert not third.done()
    crew.end("another")
    await third


async def test_one_that_waits_for_a_moment_keeps_it() -> None:
    crew = Crew(1)
    await begun(crew, "a")
    with crew.waiting("a"):
        await asyncio.sleep(0)
    second = asyncio.ensure_future(crew.sit())
    await asyncio.sleep(0.01)
    assert not second.done()
    crew.end("a")
    await second
