"""Names that become parts of a request are looked at again: an object of an older CRD may have any."""

from __future__ import annotations

import msgspec
import pytest

from classifier_operator.endpoint.names import check_names
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.reconcile.decision import SpecError


def spec_of(**fields: object) -> EndpointSpec:
    return msgspec.convert(fields, EndpointSpec)


def ref(name: str = "labels", key: str = "labels.txt") -> dict[str, object]:
    return {"configMapKeyRef": {"name": name, "key": key}}


def smoke_test(image: dict[str, object], **fields: object) -> EndpointSpec:
    return spec_of(smokeTest={"image": image, **fields})


@pytest.mark.parametrize(
    "name", ["../../victim/configmaps/db", "..", ".", "", "a/b", "a%2fb", "A", "a\n", "é", "a" * 254]
)
def test_a_config_map_has_a_plain_name(name: str) -> None:
    for spec, field in (
        (spec_of(classLabels=ref(name)), "spec.classLabels"),
        (smoke_test(ref(name)), "spec.smokeTest.image"),
    ):
        with pytest.raises(SpecError, match=rf"^{field}\.configMapKeyRef\.name: '.* is no name of a ConfigMap$"):
            check_names(spec)


@pytest.mark.parametrize("key", ["..", ".", "", "..a", "a/b", "a\n", "%2e", "a" * 254])
def test_a_key_is_a_file_s_name(key: str) -> None:
    for spec, field in (
        (spec_of(classLabels=ref(key=key)), "spec.classLabels"),
        (smoke_test(ref(key=key)), "spec.smokeTest.image"),
    ):
        with pytest.raises(SpecError, match=rf"^{field}\.configMapKeyRef\.key: '"):
            check_names(spec)


@pytest.mark.parametrize("key", ["a/../b", "../b", "a/.", "a/./b", "a\nb", "a\0b", "a\x7fb"])
def test_an_image_s_key_is_not_resolved(key: str) -> None:
    with pytest.raises(SpecError, match=r"^spec\.smokeTest\.image\.s3Uri: must have no "):
        check_names(smoke_test({"s3Uri": f"s3://bucket/{key}"}))


@pytest.mark.parametrize("kind", ["image/png\r\nX-A: b", "image/png\n x", "", " ", "image/png ", "image/pñg", "a\0"])
def test_a_content_type_is_one_header(kind: str) -> None:
    with pytest.raises(SpecError, match=r"^spec\.smokeTest\.contentType: "):
        check_names(smoke_test({"s3Uri": "s3://bucket/x.png"}, contentType=kind))


@pytest.mark.parametrize("least", ["0.3\n", "x", "1e999", "0,3", "..", "nan"])
def test_a_probability_is_a_number(least: str) -> None:
    with pytest.raises(SpecError, match=r"^spec\.smokeTest\.expect\.minProbability: '"):
        check_names(smoke_test({"s3Uri": "s3://bucket/x.png"}, expect={"minProbability": least}))


@pytest.mark.parametrize(
    ("given", "least"),
    [(0.3, "0.3"), ("0.3", "0.3"), (1, "1"), (0.0, "0"), (1e-7, "1e-7"), (".5", ".5"), ("2e-1", "2e-1"), (None, "")],
)
def test_a16_a_probability_may_stand_in_quotes_or_not(given: object, least: str) -> None:
    spec = smoke_test({"s3Uri": "s3://bucket/x.png"}, expect={"label": "cat", "minProbability": given})
    check_names(spec)
    assert spec == smoke_test({"s3Uri": "s3://bucket/x.png"}, expect={"label": "cat", "minProbability": least})
    assert spec.smoke_test is not None
    assert spec.smoke_test.expect is not None
    assert spec.smoke_test.expect.least == least


@pytest.mark.parametrize("name", ["a/b", "..", "a\r\nX: b", "-a", "a" * 64])
def test_a_variant_has_a_plain_name(name: str) -> None:
    with pytest.raises(SpecError, match=r"^spec\.variants: '"):
        check_names(spec_of(variants=[{"name": name, "instanceType": "ml.m5.large"}]))


def test_what_the_schema_takes_is_taken() -> None:
    check_names(
        spec_of(
            variants=[{"name": "a-1", "instanceType": "ml.m5.large"}],
            classLabels=ref("a.b-c", ".a..b"),
            smokeTest={"image": {"s3Uri": "s3://b/a b/?x#/..a/%2e%2e/a..b"}, "contentType": "a/b; c=d"},
        )
    )
    check_names(spec_of(classLabels={"values": ["../x"]}))
