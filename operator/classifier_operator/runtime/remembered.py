"""Answers of AWS that are kept for as long as a search takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.pacing.limits import Caller
from classifier_operator.runtime.ports import Cloud
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind


class Remembered:
    """AWS, of which the same is not asked twice."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._answers: dict[bytes, dict[str, Any] | AwsRefusal] = {}

    async def call(
        self, place: Place, operation: str, params: Mapping[str, Any], *, turn: Caller | Priority = Priority.NORMAL
    ) -> dict[str, Any]:
        """Ask, unless it has been answered; that there is no such thing is an answer, too."""
        asked = msgspec.json.encode((place, operation, params), order="sorted")
        if asked not in self._answers:
            try:
                self._answers[asked] = await self._cloud.call(place, operation, params, turn=turn)
            except AwsRefusal as refusal:
                if refusal.kind is not RefusalKind.NOT_FOUND:
                    raise
                self._answers[asked] = refusal
        answer = self._answers[asked]
        if isinstance(answer, AwsRefusal):
            raise answer
        return answer
