"""What was measured, and when: results may be put together of measurements of several days and revisions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from control_plane.catalog import REPOSITORY

# So much of a revision is unique, and can be read.
_LENGTH = 10
# Results are written while others are still measured, and change nothing that is.
_SOURCES = ("--", ".", ":!bench/results")


@dataclass(frozen=True)
class Origin:
    """The revision that was checked out when a measurement began, whether files differed from it, and the moment.

    The revision is empty where it was not recorded.
    """

    revision: str
    is_dirty: bool
    date: str

    @property
    def label(self) -> str:
        """The revision as a reader needs it."""
        return self.revision[:_LENGTH] + (" with changes" if self.revision and self.is_dirty else "")


def here_and_now() -> Origin:
    """Of what is measured from now on; without a revision outside of a repository."""
    return Origin(
        revision=_git("rev-parse", "HEAD"),
        is_dirty=bool(_git("status", "--porcelain", "--untracked-files=no", *_SOURCES)),
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def revisions_of(origins: Iterable[Origin]) -> str:
    """Which revisions these are, in words; nothing where none is known."""
    labels = {one.label for one in origins}
    known = sorted(labels - {""})
    if not known:
        return ""
    if len(labels) == 1:
        return f"revision {known[0]}"
    others = ", others not recorded" if "" in labels else ""
    return f"several revisions ({', '.join(known)}{others})"


def days_of(dates: Iterable[str]) -> str:
    """The day of these moments, or the first and the last one; nothing where there are none."""
    days = sorted({date[:10] for date in dates})
    if not days:
        return ""
    return f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip()
