"""The operator's typed specs and statuses have the fields that the schema has: none is ignored, none is pruned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import inspect

from classifier_operator.api.names import DATA_KEY, NAME_LENGTH, OBJECT_NAME
from classifier_operator.endpoint.names import CONTENT_TYPE
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.sagemaker.regions import LENGTH as REGION_LENGTH
from classifier_operator.sagemaker.regions import REGION
from classifier_operator.sagemaker.roles import ROLE_ARN
from classifier_operator.training.spec import TrainingSpec, TrainingStatus
from tests.contract.schemas import node, nodes, pattern_of

TRAINING, ENDPOINT = "ClassifierTraining", "ClassifierEndpoint"


@pytest.mark.parametrize(
    ("kind", "root", "type_"),
    [
        pytest.param(TRAINING, "spec", TrainingSpec, id="training-spec"),
        pytest.param(TRAINING, "status", TrainingStatus, id="training-status"),
        pytest.param(ENDPOINT, "spec", EndpointSpec, id="endpoint-spec"),
        pytest.param(ENDPOINT, "status", EndpointStatus, id="endpoint-status"),
    ],
)
def test_every_typed_field_is_in_the_schema(kind: str, root: str, type_: type) -> None:
    assert _fields(type_, root) - {path for path, _ in nodes(kind)} == set()


@pytest.mark.parametrize(
    ("kind", "type_"),
    [pytest.param(TRAINING, TrainingSpec, id="training"), pytest.param(ENDPOINT, EndpointSpec, id="endpoint")],
)
def test_every_field_that_users_write_is_read(kind: str, type_: type) -> None:
    typed = _fields(type_, "spec")
    structs = {path.rpartition(".")[0] for path in typed}
    # Below a field that is typed as a plain mapping, the reader of that mapping answers for its content.
    written = {path for path, _ in nodes(kind) if path.rpartition(".")[0] in structs}

    assert {path for path in written if not path.endswith(("[]", "{}"))} - typed == set()


def _fields(type_: type, path: str) -> set[str]:
    return set(_below(inspect.type_info(type_), path))


def _below(info: inspect.Type, path: str) -> Iterator[str]:
    """Yield the paths of all fields inside a type, lists marked as the schema's paths mark them."""
    if isinstance(info, inspect.StructType):
        for field in info.fields:
            yield f"{path}.{field.encode_name}"
            yield from _below(field.type, f"{path}.{field.encode_name}")
    elif isinstance(info, inspect.UnionType):
        for member in info.types:
            yield from _below(member, path)
    elif isinstance(info, inspect.VarTupleType | inspect.ListType):
        yield from _below(info.item_type, f"{path}[]")


def test_what_the_operator_holds_names_to_is_what_the_schema_does() -> None:
    """It looks at them again: an object of an older CRD may have any."""
    ref = "configMapKeyRef"
    for where in ("spec.classLabels", "spec.smokeTest.image"):
        assert pattern_of(node(ENDPOINT, f"{where}.{ref}.name")) == f"^{OBJECT_NAME}$"
        assert pattern_of(node(ENDPOINT, f"{where}.{ref}.key")) == f"^{DATA_KEY}$"
        assert node(ENDPOINT, f"{where}.{ref}.name")["maxLength"] == NAME_LENGTH
    assert pattern_of(node(ENDPOINT, "spec.smokeTest.contentType")) == f"^{CONTENT_TYPE}$"
    for kind in (TRAINING, ENDPOINT):
        assert pattern_of(node(kind, "spec.region")) == f"^{REGION}$"
        assert node(kind, "spec.region")["maxLength"] == REGION_LENGTH
        assert pattern_of(node(kind, "spec.assumeRoleArn")) == f"^{ROLE_ARN}$"
