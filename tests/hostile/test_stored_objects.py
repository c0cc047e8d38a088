"""Objects whose stored form is not what the CRDs promise: a hand in etcd, an older CRD. Others must not notice."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.reconcile.decision import Defaults
from classifier_operator.runtime import gather
from classifier_operator.runtime.bodies import mapping
from classifier_operator.runtime.election.shards import Shard
from classifier_operator.runtime.failures import failed
from classifier_operator.runtime.monitoring.census import Census, Scrape
from classifier_operator.runtime.store import Store
from classifier_operator.runtime.write import leaves_something, news_of
from classifier_operator.training.fetches import Imports
from tests.unit import builders
from tests.unit.fakes import START

KINDS = {Kind.TRAINING: builders.training(), Kind.ENDPOINT: builders.following()}
NAMES = (
    "conditions type Ready reason message lastTransitionTime resources trainingRef name variants modelArtifacts "
    "history import uploads accelerator region status x"
)
WORDS = st.sampled_from([*NAMES.split(), ""])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=5)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)


@settings(max_examples=300)
@given(st.sampled_from(list(Kind)), JSON, JSON, st.booleans())
def test_whatever_is_stored_nobody_else_is_disturbed(kind: Kind, spec: Any, status: Any, is_ours: bool) -> None:
    body = copy.deepcopy(KINDS[kind])
    body["metadata"] |= {"uid": "u", "resourceVersion": "5", "generation": 1}
    body |= {"spec": spec, "status": status}
    key = ObjectKey(kind, "vision", "digits")
    shards = (Shard(1, 2), Shard(2, 2)) if is_ours else (Shard(),)
    for shard in shards:
        store = Store(lambda *_: None, shard)
        store.put(body)
        store.followers(ObjectKey(Kind.TRAINING, "vision", "digits"))
        generate_latest(Scrape(CollectorRegistry(), Census(store.snapshot(), {}, START, with_objects=True)))
        store.put({**body, "metadata": {**body["metadata"], "resourceVersion": "6"}})
        gather.left_at_aws(body)
        leaves_something(mapping(status))
        with suppress(gather.InvalidObjectError):
            gather.training_of(key, body, Defaults(), imports=Imports())
        with suppress(gather.InvalidObjectError):
            gather.endpoint_of(key, body, Defaults(), store=store, testing=None)
        store.drop(key)
    said = failed(mapping(status), "why", generation=1, now=START)
    news_of(mapping(status), said)
    assert said["conditions"][-1]["reason"] == "InternalError"
