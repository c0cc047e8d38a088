"""Paths of the Kubernetes API: made of segments here, and nowhere else.

Each segment is percent-encoded, so it stays one segment whatever it holds. What Kubernetes takes for no name in a path
(`IsValidPathSegmentName`) is refused: `.` and `..`, which cannot be encoded (RFC 3986, 6.2.2.2) and which clients,
proxies and servers resolve, and `/` and `%`, which some proxies decode before they pass a path on.
"""

from __future__ import annotations

from typing import NewType
from urllib.parse import quote

# Made by `path_of` and `below` alone. Whatever sends a request takes this type and no plain text.
ApiPath = NewType("ApiPath", str)
_SHOWN = 64


class PathError(ValueError):
    """A segment leads to something else than what it names; the message quotes it."""


def path_of(*segments: str) -> ApiPath:
    """The path of these segments: `path_of("api", "v1", "namespaces", name)`.

    Raises:
        PathError: a segment is empty, `.` or `..`, has `/` or `%` in it, or is no Unicode text.

    """
    return below(ApiPath(""), *segments)


def below(path: ApiPath, *segments: str) -> ApiPath:
    """The path that goes on with these segments; raises PathError as `path_of` does."""
    return ApiPath(path + "".join(f"/{_encoded(segment)}" for segment in segments))


def _encoded(segment: str) -> str:
    if segment in ("", ".", "..") or "/" in segment or "%" in segment:
        raise PathError(f"{segment[:_SHOWN]!r} is no name of anything in the Kubernetes API")
    try:
        return quote(segment, safe="")
    except UnicodeEncodeError as error:
        raise PathError(f"{segment[:_SHOWN]!r} is no Unicode text") from error
