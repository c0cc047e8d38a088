"""The file of the allow-list: what is refused at the start, and what a change of it does."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from classifier_operator.adapters.tenants_file import TenantsError, TenantsFile, tenants_of
from classifier_operator.reconcile.tenants import Limit, Tenants, Use

FULL = """
tenants:
- namespaces: [vision, "team-*"]
  regions: [us-east-1]
  roleArns: ["arn:aws:iam::123456789012:role/vision-*"]
  assumeRoleArns: []
  instanceTypes: ["ml.m5.*", ml.g4dn.xlarge]
  acceleratorTypes: []
  buckets: ["vision-*", "shared-data/vision/*"]
- namespaces: ["*"]
"""
REFUSED = {
    "": "is empty; `tenants: []` allows nothing to anybody",
    "# nothing but a comment": "is empty",
    "tenants": "Expected `object`, got `str`",
    "[]": "Expected `object`, got `array`",
    "{}": "Object missing required field `tenants`",
    "tenants:": "tenants: Expected `array`, got `null`",
    "tenants: [x]": "tenants[0]: Expected `object`, got `str`",
    "tenants: [{regions: [a]}]": "tenants[0]: Object missing required field `namespaces`",
    "tenants: [{namespaces: []}]": "tenants[0].namespaces: must name one at least, `*` is all",
    "tenants: [{namespaces: vision}]": "tenants[0].namespaces: Expected `array`, got `str`",
    "tenants: [{namespaces: [a]}, {namespaces: [a], region: [a]}]": "tenants[1]: Object contains unknown field `reg",
    "tenants: []\nrules: 1": "Object contains unknown field `rules`",
    "tenants: [{namespaces: [a], regions: us-east-1}]": "tenants[0].regions: Expected `array`, got `str`",
    # Nothing behind the colon would else be as if the limit was not there.
    "tenants: [{namespaces: [a], regions: }]": "tenants[0].regions: Expected `array`, got `null`",
    "tenants: [{namespaces: [a], regions: [1]}]": "tenants[0].regions[0]: Expected `str`, got `int`",
    "tenants: [{namespaces: [a], roleArns: [b, null]}]": "tenants[0].roleArns[1]: Expected `str`, got `null`",
    "tenants: [{namespaces: [a], roleArns: ['']}]": "tenants[0].roleArns[0]: must not be empty",
    "tenants: [{namespaces: [a], instanceTypes: [' x']}]": "tenants[0].instanceTypes[0]: must not be empty, or begin",
    "tenants: [{namespaces: [a, '']}]": "tenants[0].namespaces[1]: must not be empty",
    "tenants: [{namespaces: [a], assumeRoleArns: [' ']}]": "tenants[0].assumeRoleArns[0]: must not be empty",
    "tenants: [{namespaces: [a], buckets: ['s3://a']}]": "tenants[0].buckets[0]: is a bucket, or a bucket and a prefix",
    "tenants: [{namespaces: [a], buckets: [a, b/]}]": "tenants[0].buckets[1]: what is below a prefix is written with a",
    "tenants: [{namespaces: [a], adopt: legacy}]": "tenants[0].adopt: Expected `array`, got `str`",
    "tenants: [{namespaces: [a], adopt: ['']}]": "tenants[0].adopt[0]: must not be empty",
    "tenants: [{namespaces: [a], regions: [a], regions: [b]}]": "regions is there twice",
    "tenants: {": "is no YAML",
    "tenants: !!python/object:os.system []": "is no YAML",
    "\x00": "is no YAML",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
def test_what_is_no_allow_list_is_refused_with_its_path(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TenantsError) as caught:
        tenants_of(text)
    assert words in str(caught.value)
    file = tmp_path / "tenants.yaml"
    file.write_text(text)
    with pytest.raises(TenantsError):
        TenantsFile(file)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(TenantsError, match="is no YAML"):
        tenants_of(b"tenants: [\xff]")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TenantsError, match="cannot be read: No such file"):
        TenantsFile(tmp_path / "tenants.yaml")


def test_a_whole_file() -> None:
    first, second = tenants_of(FULL).entries or ()
    assert first.patterns_of(Limit.ROLES) == ("arn:aws:iam::123456789012:role/vision-*",)
    assert first.patterns_of(Limit.ASSUMED_ROLES) == ("",)
    assert first.patterns_of(Limit.ACCELERATOR_TYPES) == ()
    assert {limit: second.patterns_of(limit) for limit in Limit} == {**dict.fromkeys(Limit), Limit.ADOPT: ()}


def test_no_file_allows_everything_and_never_changes() -> None:
    file = TenantsFile(None)
    assert not file.refresh()
    assert not file.of("vision").refusal_of([Use(path="x", limit=Limit.REGIONS, value="y")])


def mounted(folder: Path, text: str, version: str) -> Path:
    """The file as the kubelet mounts it: a link to a folder, which is turned to a new one."""
    (folder / version).mkdir()
    (folder / version / "tenants.yaml").write_text(text)
    new = folder / "..data_tmp"
    new.symlink_to(version)
    new.rename(folder / "..data")
    file = folder / "tenants.yaml"
    if not file.is_symlink():
        file.symlink_to("..data/tenants.yaml")
    return file


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = TenantsFile(mounted(tmp_path, "tenants: [{namespaces: [vision]}]", "..1"))
    assert not file.of("vision").refusal_of(())
    assert not file.refresh()
    mounted(tmp_path, "tenants: [{namespaces: [audio]}]", "..2")
    assert file.refresh()
    assert file.of("vision").refusal_of(())
    assert not file.refresh()
    # Other words for the same are no change.
    mounted(tmp_path, "tenants:\n- namespaces: [audio]", "..3")
    assert not file.refresh()


def test_a_broken_file_changes_nothing_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = mounted(tmp_path, "tenants: [{namespaces: [vision]}]", "..1")
    file = TenantsFile(path)
    mounted(tmp_path, "tenants: [{namespaces: vision}]", "..2")
    with caplog.at_level(logging.ERROR):
        assert not file.refresh()
    assert f"stays as it was: {path}: tenants[0].namespaces: Expected `array`" in caplog.text
    assert not file.of("vision").refusal_of(())
    path.unlink()
    assert not file.refresh()
    assert "cannot be read: No such file" in caplog.text
    assert file.of("audio").refusal_of(())
    mounted(tmp_path, "tenants: []", "..3")
    assert file.refresh()


def test_nobody_may_do_anything() -> None:
    assert tenants_of("tenants: []") == Tenants(entries=())
