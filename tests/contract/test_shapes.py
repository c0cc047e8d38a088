"""Which texts may hold anything: a field that reaches a path, an address or a header has a shape instead."""

from __future__ import annotations

import re

import pytest

from tests.contract.api_server import ApiServer
from tests.contract.manifests import API_VERSION
from tests.hostile.fields import ENDPOINT, TRAINING, bases, fields, has, with_text

# They go into a request's JSON, and nowhere else. AWS takes any text there, or tells classes apart by it.
FREE = {
    TRAINING: {"spec.environment{}", "spec.hyperparameters.extra{key}"},
    ENDPOINT: {"spec.classLabels.values[]", "spec.smokeTest.expect.label"},
}
LINES = "\n../x"


@pytest.mark.parametrize("kind", [TRAINING, ENDPOINT])
def test_only_these_texts_may_hold_anything(api: ApiServer, kind: str) -> None:
    specs = [spec for of, spec in bases("https://example.org").values() if of == kind]
    taken = set()
    for field in fields(kind):
        spec = next(spec for spec in specs if has(spec, field.path))
        changed = with_text(spec, field.path, LINES, after=True)
        manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "lines"}, "spec": changed}
        refused = {_shape(cause.field) for cause in api.try_create(manifest).causes}
        if not refused.intersection({_shape(field.path), _shape(re.sub(r"\{key\}$", "", field.path))}):
            taken.add(field.path)
    assert taken == FREE[kind]


def _shape(path: str) -> str:
    """The path of a value, whichever item or key it is of.

    The API server writes `alarms[0]`, and `tags[team]` where a rule was broken, else `tags.team`.
    """
    path = re.sub(r"\[[^\]]*\]", "[]", path.replace("{}", ".*"))
    return re.sub(r"\b(environment|tags|extra)(\.[^.]+|\[\])$", r"\1.*", path)
