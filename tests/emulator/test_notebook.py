"""The cells of a notebook, unchanged from what one would run at AWS but for the data, against the emulator."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from image_recordio.digits import digits
from sagemaker_emulator.server import Emulator
from tests.emulator.builders import BUCKET, REGION, ROLE
from tests.emulator.test_training_work import packed

CELLS = Path(__file__).parent / "notebook" / "cells.py"


def cells() -> list[tuple[str, str]]:
    """The title of each cell, and its code, at its own line of the file."""
    text = CELLS.read_text()
    starts = [match.start() for match in re.finditer(r"^# %% ", text, re.MULTILINE)]
    pieces = [text[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    lines = [text.count("\n", 0, start) for start in starts]
    return [
        (piece.splitlines()[0].removeprefix("# %% "), "\n" * line + piece)
        for line, piece in zip(lines, pieces, strict=True)
    ]


@pytest.fixture
def notebook(emulator: Emulator, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A kernel's names, with boto3 as a user has it: pointed at the emulator by its environment alone."""
    data = digits(size=16, per_class=20)
    (tmp_path / "train.rec").write_bytes(packed(data.train[:200]))
    (tmp_path / "validation.rec").write_bytes(packed(data.validation))
    (tmp_path / "test.png").write_bytes(data.train[0].image)
    environment = {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "NO_PROXY": "127.0.0.1",
        "NOTEBOOK_ROLE": ROLE,
        "NOTEBOOK_BUCKET": BUCKET,
        "NOTEBOOK_DATA": str(tmp_path),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    emulator.control.change_settings(elastic_inference={"available": True, "first_call_real_seconds": 0})
    # Where a waiter sleeps, the emulated time passes.
    monkeypatch.setattr("botocore.waiter.time", SimpleNamespace(sleep=emulator.control.advance))
    return {"__name__": "notebook"}


def test_the_cells_run_one_after_the_other(
    notebook: dict[str, Any], emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    found = cells()
    assert len(found) == 11
    for title, code in found:
        # The cells are a file of this folder.
        exec(compile(code, f"{CELLS} ({title})", "exec"), notebook)  # noqa: S102
    assert (notebook["index"], len(notebook["result"])) == (int(digits(size=16, per_class=20).train[0].label), 10)
    assert "Result: label - " in capsys.readouterr().out
    emulator.control.advance(60)
    kinds = {one["kind"] for one in emulator.control.resources()}
    assert "endpoints" not in kinds
