"""Tell users of a command what it needs beyond the operator's own distribution, and where to get it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import click

# What the demo is made of is in no distribution.
_OF_THE_CHECKOUT = ("classifier_operator.demo", "control_plane")


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


def require_checkout() -> None:
    """Refuse to go on outside of a checkout, where there is no demo. Raises ClickException."""
    if any(find_spec(name) is None for name in _OF_THE_CHECKOUT):
        raise click.ClickException("the demo is not installed with the operator: run `make demo` in a checkout of it")
