"""AddTags, ListTags and DeleteTags, for every kind of resource. Keys are unique on a resource."""

from __future__ import annotations

from typing import Any

from sagemaker_emulator import endpoint_configs, endpoints, errors, models, training_jobs
from sagemaker_emulator.context import Context, Params
from sagemaker_emulator.store import Record, ScopeKey, Table

LIMIT = 50


def add(context: Context, params: Params) -> Params:
    """AddTags: new keys are added, known ones get the new value."""
    changes = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    if any(key.lower().startswith("aws:") for key in changes):
        # The text is unconfirmed.
        raise errors.validation("aws: prefixed tag key names are not allowed for external use.")
    with context.scope.lock:
        record = _find(context, params["ResourceArn"])
        merged = {**record.tags, **changes}
        if len(merged) > LIMIT:
            raise errors.too_many_tags(LIMIT)
        record.tags = merged
        return {"Tags": _as_list(merged)}


def list_tags(context: Context, params: Params) -> Params:
    """ListTags."""
    with context.scope.lock:
        record = _find(context, params["ResourceArn"])
        late = context.now < record.tagged + context.settings.consistency.tags_seconds
        tags = [] if late else _as_list(record.tags)
    start = _start(params)
    size = min(params.get("MaxResults", LIMIT), context.settings.tags_page)
    more = str(start + size) if len(tags) > start + size else None
    return {"Tags": tags[start : start + size], "NextToken": more}


def delete(context: Context, params: Params) -> Params:
    """DeleteTags: keys that are not there are no error."""
    with context.scope.lock:
        record = _find(context, params["ResourceArn"])
        record.tags = {key: value for key, value in record.tags.items() if key not in params["TagKeys"]}
    return {}


def found(context: Context, arn: str) -> Record | None:
    """The resource of an ARN of the caller's own account and region, if there is one."""
    *_, region, account, resource = arn.split(":", 5)
    kind, _, name = resource.partition("/")
    table = _tables(context).get(kind)
    if table is None or ScopeKey(account, region) != context.key:
        return None
    # By its name first: that costs nothing, and names rarely have capital letters.
    record: Record | None = table.get(name, context.now) or table.with_arn(context.key.arn(kind, name), context.now)
    return record


def _find(context: Context, arn: str) -> Record:
    record = found(context, arn)
    if record is None:
        raise errors.tagged_resource_not_found(arn)
    return record


def _tables(context: Context) -> dict[str, Table[Any]]:
    scope = context.scope
    return {
        training_jobs.KIND: scope.jobs,
        models.KIND: scope.models,
        endpoint_configs.KIND: scope.configs,
        endpoints.KIND: scope.endpoints,
    }


def _start(params: Params) -> int:
    token = params.get("NextToken") or "0"
    if not token.isdigit():
        raise errors.bad_token()
    return int(token)


def _as_list(tags: dict[str, str]) -> list[Params]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
