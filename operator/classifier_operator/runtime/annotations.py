"""Logs annotations with the operator's prefix that it does not know: a misspelt one would be ignored silently."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from difflib import get_close_matches
from typing import Any

from classifier_operator.api.kinds import ADOPT_ANNOTATION, ENFORCE_ANNOTATION, GROUP, RETRAIN_ANNOTATION, Kind
from classifier_operator.runtime.bodies import mapping

logger = logging.getLogger(__name__)

OF_OBJECTS = {Kind.TRAINING: frozenset({RETRAIN_ANNOTATION}), Kind.ENDPOINT: frozenset({ADOPT_ANNOTATION})}
_DEFAULTS = ("region", "role-arn", "assume-role-arn", "deletion-policy")
OF_NAMESPACES = frozenset({*(f"{GROUP}/{name}" for name in _DEFAULTS), ENFORCE_ANNOTATION})
# So many are named of one object or namespace.
_NAMED = 5


class UnknownAnnotations:
    """Remembers which unknown annotations of each object or namespace have been logged."""

    def __init__(self) -> None:
        self._logged: dict[Hashable, tuple[object, frozenset[str]]] = {}

    def note(self, whose: Hashable, body: Mapping[str, Any], known: frozenset[str]) -> None:
        """Log what is unknown: once for each generation, and again where something else is.

        whose: the object's key, or the name of the namespace; it is what the log says.
        """
        metadata = mapping(body.get("metadata"))
        names = (str(name) for name in mapping(metadata.get("annotations")))
        unknown = frozenset(name for name in names if name.lower().startswith(f"{GROUP}/") and name not in known)
        if not unknown:
            self._logged.pop(whose, None)
            return
        told = metadata.get("generation"), unknown
        if self._logged.get(whose) == told:
            return
        self._logged[whose] = told
        words = ", ".join(_described(name, known) for name in sorted(unknown)[:_NAMED])
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        logger.warning("%s: unknown annotations, which are ignored: %s%s", whose, words, more)

    def forget(self, whose: Hashable) -> None:
        """The object or the namespace is gone."""
        self._logged.pop(whose, None)


def _described(name: str, known: frozenset[str]) -> str:
    """Quote the name, and say which one may be meant."""
    meant = get_close_matches(name.partition("/")[2].lower(), [one.partition("/")[2] for one in sorted(known)], n=1)
    return f"{name!r} (is {meant[0]} meant?)" if meant else repr(name)
