"""Reads Lists of AWS page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.pacing.limits import Caller
from classifier_operator.runtime.remembered import Remembered
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.answers import next_token, reading, structures

Turn = Caller | Priority

_PAGE_SIZE = 100
NEWEST_FIRST: Mapping[str, Any] = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": _PAGE_SIZE}
_ITEMS = {
    "ListTrainingJobs": "TrainingJobSummaries",
    "ListEndpoints": "Endpoints",
    "ListEndpointConfigs": "EndpointConfigs",
    "ListModels": "Models",
}


async def pages(
    cloud: Remembered, place: Place, operation: str, query: Mapping[str, Any], turn: Turn
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield all items of a List; a page may be empty and not be the last one.

    Raises:
        AwsRefusal: AWS does not tell.
        NotYetError: it is not the caller's turn.

    """
    asked = dict(query)
    while True:
        page = await cloud.call(place, operation, asked, turn=turn)
        with reading(operation):
            items, token = structures(page, _ITEMS[operation]), next_token(page)
        for item in items:
            yield item
        if not token:
            return
        asked = {**query, "NextToken": token}
