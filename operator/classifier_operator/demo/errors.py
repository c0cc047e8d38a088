"""What ends a demo early."""

from __future__ import annotations


class DemoError(Exception):
    """Something did not go as it should; the message says what."""
