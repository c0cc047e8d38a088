"""What to say when a command needs packages that only the extra `emulator` installs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import click


@contextmanager
def emulator_extra(*later: str) -> Iterator[None]:
    """Imports that fail in the body, and packages missing `later`, become an error that says what to install."""
    try:
        for name in later:
            if find_spec(name) is None:
                raise ModuleNotFoundError(name=name)
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"this command needs the package {error.name}, which the extra 'emulator' brings: "
            "pip install 'classifier-operator[emulator]'"
        ) from error
