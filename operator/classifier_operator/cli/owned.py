"""What there is at SageMaker in one account and region, and whose it is by its tags. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from classifier_operator.api.ledger import ResourceType
from classifier_operator.reconcile.account import account_in
from classifier_operator.sagemaker.views import JOB_ENDED

_RUNNING = ("InProgress", "Stopping")
_GONE = frozenset({"ValidationException", "ResourceNotFound", "ResourceNotFoundException"})
# Of each type: its List, the answer's member, and what the summaries' members begin with.
_LISTS = {
    ResourceType.TRAINING_JOB: ("list_training_jobs", "TrainingJobSummaries", "TrainingJob"),
    ResourceType.MODEL: ("list_models", "Models", "Model"),
    ResourceType.ENDPOINT_CONFIG: ("list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
    ResourceType.ENDPOINT: ("list_endpoints", "Endpoints", "Endpoint"),
}


class Listed(NamedTuple):
    """A resource as a List shows it; `status` is "" for what has none."""

    type: ResourceType
    name: str
    arn: str
    region: str
    status: str = ""

    @property
    def account(self) -> str:
        """The account that it is in."""
        return account_in(self.arn)

    @property
    def has_ended(self) -> bool:
        """Whether it is a training job that costs nothing any more."""
        return self.type is ResourceType.TRAINING_JOB and self.status in JOB_ENDED


def listed(client: Any, region: str, *, ended_jobs: bool) -> Iterator[Listed]:
    """Yield all of SageMaker's resources of the four types, without what is being deleted.

    ended_jobs: training jobs that have ended, too; an account may have very many.

    Raises:
        ClientError, BotoCoreError: AWS does not show them.

    """
    for kind, (operation, member, prefix) in _LISTS.items():
        is_of_jobs = kind is ResourceType.TRAINING_JOB
        filters = [{"StatusEquals": status} for status in _RUNNING] if is_of_jobs and not ended_jobs else [{}]
        for one in filters:
            for page in client.get_paginator(operation).paginate(**one, PaginationConfig={"PageSize": 100}):
                yield from _without_leaving(_summaries(kind, region, page[member], prefix))


def tags_of(client: Any, arn: str) -> dict[str, str] | None:
    """Return all tags of a resource; None where it is gone."""
    try:
        pages = list(client.get_paginator("list_tags").paginate(ResourceArn=arn))
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def _summaries(kind: ResourceType, region: str, summaries: list[Mapping[str, Any]], prefix: str) -> Iterator[Listed]:
    for one in summaries:
        yield Listed(kind, one[f"{prefix}Name"], one[f"{prefix}Arn"], region, str(one.get(f"{prefix}Status", "")))


def _without_leaving(found: Iterator[Listed]) -> Iterator[Listed]:
    return (one for one in found if one.status != "Deleting")
