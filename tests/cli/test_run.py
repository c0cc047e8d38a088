"""The options of `run` that can contradict each other are refused before anything is started."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from classifier_operator.cli import main


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--import-allow", "https://example.org"], "'https://example.org' is no host name, .suffix, IP address"),
        (["--import-allow", "10.0.0.0/33"], "'10.0.0.0/33' is no host name"),
        (["--import-max-bytes", str(1024**4)], "with 2 files at a time, at most 251658240000 bytes each fit"),
        (["--import-concurrency", "7"], "is not in the range 1<=x<=6"),
        (["--import-max-bytes", "0"], "is not in the range x>=1"),
    ],
    ids=["no host", "no network", "too large", "too many", "nothing"],
)
def test_import_options_that_make_no_sense(options: list[str], words: str) -> None:
    done = CliRunner().invoke(main, ["run", *options])
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())


def test_the_allow_list_can_be_set_in_the_environment() -> None:
    done = CliRunner(env={"CLASSIFIER_OPERATOR_RUN_IMPORT_ALLOW": "files.internal a/b"}).invoke(main, ["run"])
    assert "'a/b' is no host name" in done.output


_LAST_WORDS = """
import warnings
from classifier_operator.cli.run import _set_up_logging
_set_up_logging("json", "info")
warnings.warn("this is old", DeprecationWarning, stacklevel=1)
raise ValueError("and this was not foreseen")
"""


def test_what_python_itself_prints_is_a_line_of_the_log_too() -> None:
    done = subprocess.run([sys.executable, "-Wdefault", "-c", _LAST_WORDS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    warning, error = [json.loads(line) for line in done.stderr.splitlines()]
    assert "DeprecationWarning: this is old" in warning["message"]
    assert (error["level"], error["message"]) == ("CRITICAL", "ended by an unforeseen error")
    assert "ValueError: and this was not foreseen" in error["traceback"]
