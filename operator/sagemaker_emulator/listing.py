"""The List operations' common part: order, pages, tokens and filters.

ListTrainingJobs takes a page first and filters it afterwards (documented; pages can be empty and
still have a NextToken). Bounds on the creation time limit what is paged through, since records come in that order.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Any, Generic, TypeVar

from sagemaker_emulator import errors
from sagemaker_emulator.context import Context, Params
from sagemaker_emulator.store import Record, Table

R = TypeVar("R", bound=Record)
DEFAULT_PAGE = 10
Cursor = tuple[str, int]


@dataclass(frozen=True)
class Listing(Generic[R]):
    """How one kind is listed.

    operation: the List operation's name.
    result: the answer's member that holds the summaries.
    summary: one record's summary.
    status: a record's status, for StatusEquals and sorting.
    modified: a record's LastModifiedTime.
    accepts: whether a record passes the kind's own filters.
    descending: the order where SortOrder is absent, as botocore's model documents it.
    """

    operation: str
    result: str
    summary: Callable[[R, float], Params]
    status: Callable[[R, float], str] = lambda _record, _now: ""
    modified: Callable[[R, float], float] = lambda record, _now: record.created
    accepts: Callable[[R, Params, float], bool] = lambda _record, _params, _now: True
    descending: bool = True

    def answer(self, context: Context, table: Table[R], params: Params) -> Params:
        """The page that `params` ask for."""
        late = self.operation in context.settings.filter_after_paging
        found = self._candidates(context, table, params)
        if not late:
            found = (r for r in found if self._passes(context, r, params))
        size = params.get("MaxResults", DEFAULT_PAGE)
        page = list(islice(found, size))
        token = self._token(page[-1], params, context.now) if len(page) == size and _has_more(found) else None
        if late:
            page = [r for r in page if self._passes(context, r, params)]
        return {self.result: [self.summary(r, context.now) for r in page], "NextToken": token}

    def _candidates(self, context: Context, table: Table[R], params: Params) -> Iterator[R]:
        cursor = self._cursor(params)
        ordered = (
            self._by_creation(context, table, params, cursor)
            if _sort_by(params) == "CreationTime"
            else self._by_key(context, table, params, cursor)
        )
        before = params.get("CreationTimeBefore")
        visible_until = context.now - context.settings.consistency.list_seconds
        return (
            r
            for r in ordered
            if r.created <= visible_until
            and r.exists(context.now)
            and (before is None or context.shown(r.created) < before)
        )

    def _by_creation(self, context: Context, table: Table[R], params: Params, cursor: Cursor | None) -> Iterable[R]:
        after = params.get("CreationTimeAfter", 0.0)
        if self._is_descending(params):
            newest = table.newest_first(below=cursor[1] if cursor else None)
            return takewhile(lambda r: context.shown(r.created) > after, newest)
        return (r for r in table.oldest_first(above=cursor[1] if cursor else 0) if context.shown(r.created) > after)

    def _by_key(self, context: Context, table: Table[R], params: Params, cursor: Cursor | None) -> Iterable[R]:
        after = params.get("CreationTimeAfter", 0.0)
        descending = self._is_descending(params)
        keyed = [
            ((self._sort_key(r, params, context.now), r.number), r) for r in table if context.shown(r.created) > after
        ]
        if cursor is not None:
            keyed = [(k, r) for k, r in keyed if (k < cursor if descending else k > cursor)]
        return (r for _, r in sorted(keyed, key=lambda pair: pair[0], reverse=descending))

    def _sort_key(self, record: R, params: Params, now: float) -> str:
        if _sort_by(params) == "CreationTime":
            return ""
        return self.status(record, now) if _sort_by(params) == "Status" else record.name

    def _passes(self, context: Context, record: R, params: Params) -> bool:
        now = context.now
        if params.get("NameContains", "") not in record.name:
            return False
        if "StatusEquals" in params and self.status(record, now) != params["StatusEquals"]:
            return False
        return self._is_modified_within(context, record, params) and self.accepts(record, params, now)

    def _is_modified_within(self, context: Context, record: R, params: Params) -> bool:
        if "LastModifiedTimeAfter" not in params and "LastModifiedTimeBefore" not in params:
            return True
        modified = context.shown(self.modified(record, context.now))
        return bool(
            params.get("LastModifiedTimeAfter", 0.0) < modified < params.get("LastModifiedTimeBefore", float("inf"))
        )

    def _token(self, last: R, params: Params, now: float) -> str:
        state = [_sort_by(params), self._is_descending(params), self._sort_key(last, params, now), last.number]
        return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()

    def _cursor(self, params: Params) -> Cursor | None:
        token = params.get("NextToken")
        if not token:
            return None
        try:
            sort_by, descending, key, number = json.loads(base64.urlsafe_b64decode(token.encode()))
        except (ValueError, TypeError):
            raise errors.bad_token() from None
        if (sort_by, descending) != (_sort_by(params), self._is_descending(params)):
            raise errors.bad_token()
        return str(key), int(number)

    def _is_descending(self, params: Params) -> bool:
        return bool(params.get("SortOrder", "Descending" if self.descending else "Ascending") == "Descending")


def _sort_by(params: Params) -> str:
    return str(params.get("SortBy", "CreationTime"))


def _has_more(rest: Iterator[Any]) -> bool:
    return next(rest, None) is not None
