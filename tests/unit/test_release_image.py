"""The release of the image, with a builder that only notes what it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tools.release_image import ROOT, ReleaseError, Tool, clean_revision, main, release

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PUSHED = f"sha256:{'fedcba9876543210' * 4}"
BASE = "docker.io/library/python:3.13-slim"
PINNED = f"docker.io/library/python@{DIGEST}"
TAG = "registry.example:5000/classifier-operator:0.1.0"

# Says what the real ones say to these commands.
BUILDER = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__)
with (here.parent / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
words = " ".join(sys.argv[1:])
if "fail" in here.parent.name and "build" in sys.argv:
    sys.exit("no space left on device")
if "--digestfile" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--digestfile") + 1]).write_text({pushed!r})
elif "--version" in sys.argv:
    print(here.name, "version 1.0")
elif "inspect" in sys.argv:
    image = sys.argv[-1]
    digest = {pushed!r} if image == {tag!r} else {digest!r}
    local = "local" in here.parent.name
    print("" if local else digest if here.name == "buildah" else image.rpartition(":")[0] + "@" + digest)
"""


def builder(folder: Path, name: str) -> Tool:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(BUILDER.format(python=sys.executable, pushed=PUSHED, digest=DIGEST, tag=TAG))
    path.chmod(0o755)
    return Tool((str(path),))


def calls(tool: Tool) -> list[list[str]]:
    text = (Path(tool.command[0]).parent / "calls").read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", ["buildah", "podman", "docker"])
def test_the_base_is_pinned_by_the_digest_that_the_registry_has_now(name: str, tmp_path: Path) -> None:
    tool = builder(tmp_path / "well", name)
    record = release(tool, base=BASE, tag=TAG, revision="abc", push=True, options=["--squash"])
    assert record == {
        "image": {"name": TAG, "digest": PUSHED},
        "version": "0.1.0",
        "revision": "abc",
        "base": {"name": BASE, "digest": DIGEST},
        "builder": f"{name} version 1.0",
    }
    found = calls(tool)
    assert found[0][0] == "pull"
    assert BASE in found[0]
    (build,) = [one for one in found if one[0] == "build"]
    given = {one.removeprefix("--build-arg=") for one in build if one.startswith("--build-arg=")}
    assert given == {
        f"BASE_IMAGE={PINNED}",
        f"BASE_NAME={BASE}",
        f"BASE_DIGEST={DIGEST}",
        "VERSION=0.1.0",
        "REVISION=abc",
    }
    assert {"--squash", "--no-cache", str(ROOT)} <= set(build)
    assert ("--timestamp" in build) is (name != "docker")
    assert [one[0] for one in found if one[0] == "push"] == ["push"]


def test_nothing_is_pushed_unasked(tmp_path: Path) -> None:
    tool = builder(tmp_path / "well", "buildah")
    record = release(tool, base=BASE, tag=TAG, revision="abc", push=False)
    assert record["image"] == {"name": TAG, "digest": None}
    assert [one for one in calls(tool) if one[0] == "push"] == []


def test_a_local_base_is_not_asked_for(tmp_path: Path) -> None:
    tool = builder(tmp_path / "well", "buildah")
    record = release(tool, base=BASE, tag=TAG, revision="abc", push=False, is_local_base=True)
    assert record["base"] == {"name": BASE, "digest": DIGEST}
    assert [one for one in calls(tool) if one[0] == "pull"] == []


@pytest.mark.parametrize("name", ["localhost:5000/python", "registry.example:5000/a/python", "python"])
@pytest.mark.parametrize("version", ["", ":3.13", f"@{DIGEST}", f":3.13@{DIGEST}"])
def test_the_digest_takes_the_place_of_a_tag_or_a_digest(name: str, version: str, tmp_path: Path) -> None:
    tool = builder(tmp_path / "well", "buildah")
    release(tool, base=name + version, tag=TAG, revision="abc", push=False)
    (build,) = [one for one in calls(tool) if one[0] == "build"]
    assert f"--build-arg=BASE_IMAGE={name}@{DIGEST}" in build


@pytest.mark.parametrize("name", ["buildah", "podman"])
def test_a_base_without_a_digest_is_not_released(name: str, tmp_path: Path) -> None:
    """An image that was made here and is in no registry: nobody could look it up."""
    tool = builder(tmp_path / "local", name)
    with pytest.raises(ReleaseError, match=f"no digest of {BASE} is known"):
        release(tool, base=BASE, tag=TAG, revision="abc", push=False)
    assert [one for one in calls(tool) if one[0] == "build"] == []


def test_the_record_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    tool = builder(tmp_path / "well", "buildah")
    record = tmp_path / "release" / "image.json"
    options = ["--tool", f"{tool.command[0]} --log-level error", "--tag", TAG, "--revision", "abc"]
    assert main([*options, "--record", str(record), "--", "--network", "host"]) == 0
    assert json.loads(record.read_text())["base"]["digest"] == DIGEST
    assert all(one[:2] == ["--log-level", "error"] for one in calls(tool))
    (build,) = [one for one in calls(tool) if "build" in one]
    assert build[build.index("--network") + 1] == "host"


@pytest.mark.parametrize(
    ("folder", "words"), [("fail", "buildah build: no space left on device"), ("", "No such file or directory")]
)
def test_what_goes_wrong_is_said_and_nothing_recorded(
    folder: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = builder(tmp_path / "fail", "buildah") if folder else Tool((str(tmp_path / "buildah"),))
    record = tmp_path / "image.json"
    options = ["--tool", tool.command[0], "--tag", TAG, "--revision", "abc", "--record", str(record)]
    assert main(options) == 1
    assert words in capsys.readouterr().err
    assert not record.exists()


def test_a_release_is_made_of_what_is_committed(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)
    assert len(clean_revision(tmp_path)) == 40
    (tmp_path / "file").write_text("x")
    with pytest.raises(ReleaseError, match="file"):
        clean_revision(tmp_path)
