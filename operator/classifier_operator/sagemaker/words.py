"""Cuts the user's own names out of AWS's texts, so that only AWS's words are matched.

AWS quotes in a refusal what it was asked for: names, ARNs, addresses in S3, images. A user may call an endpoint
"accelerator" or a folder "capacity", and a text that quotes such a name says nothing of accelerators or capacity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from classifier_operator.api.cut import cut

# A text is matched by its beginning: AWS's own texts are shorter, and what a container has said may be of any length.
TEXT_LIMIT = 4096
# What AWS calls Elastic Inference, in small letters.
ACCELERATORS = ("accelerator", "elastic inference", "ml.eia")
# Members of requests whose values are AWS's words, not the user's.
_OF_AWS = frozenset({"AcceleratorType", "InstanceType"})
# A value that is an ordinary word may stand in AWS's own sentence: only what cannot be one is cut out wherever it is.
_IS_A_NAME = re.compile(r"[^A-Za-z]")
_LEAST_NAME = 3
_MOST_DEPTH = 12

# Each pattern is linear: no part of it can match what the part after it begins with.
_NAMES = re.compile(
    r"""
      (?P<kept>
        (?<=\blimit\ )'[^']*'                   # a quota, which AWS calls by a name of its own
      | (?<=\bquota\ )'[^']*'
      | "your\ invocation\ timed\ out[^"]*"     # what AWS says itself in place of a container
      | "amazon\ sagemaker\ could\ not[^"]*"
      )
    | "[^"]*"                                   # what AWS puts in quotes
    | (?<!\w)'[^']*'(?!\w)                      # the same, but no apostrophe within a word
    | \b[a-z][a-z0-9+.-]{0,15}://[^\s"']*       # URIs
    | \barn:[a-z-]{1,20}:[^\s"']*               # ARNs
    | \b[0-9]{1,12}\.dkr\.ecr[^\s"']*           # images
    | (?<=\bvariant\ )(?!"|')[^\s"'.,;:]+       # a variant's name, which AWS does not quote in every text
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What is left of what was quoted: the quotes themselves are part of AWS's words.
_QUOTED = '""'
_NAMED = "*"


def without_names(text: str, names: tuple[str, ...] = ()) -> str:
    """Return AWS's own words, in small letters, with `""` in place of what they quote and `*` in place of names.

    names: what the request had in it, the user's own names among it (`names_in`).
    """
    words = cut(text, TEXT_LIMIT)
    for name in names:
        words = re.sub(re.escape(name), _NAMED, words, flags=re.IGNORECASE)
    return _NAMES.sub(lambda found: found["kept"] or _QUOTED, words).lower()


def names_in(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of a request that AWS may quote as they are, the longest first."""
    found = {one for one in _strings(request) if len(one) >= _LEAST_NAME and _IS_A_NAME.search(one)}
    return tuple(sorted(found, key=lambda one: (-len(one), one)))


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in _OF_AWS:
                yield from _strings(one, depth + 1)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one, depth + 1)
