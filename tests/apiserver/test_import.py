"""Data is fetched and then trained on: a source over https, an emulated S3, and an operator that may be killed."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, World, condition, reason_of, training, until
from tests.web_source import WebFile, WebSource

MEBIBYTE = 1024**2
PART = 8 * MEBIBYTE
# Two parts and a half.
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(20 * MEBIBYTE // 4))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "train/digits.rec"
PATH = "/data/digits.rec"
SECRET = "X-Amz-Signature=5f2c9a81"
Start = Callable[..., OperatorProcess]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebSource]:
    """A source that speaks https by the name localhost."""
    with WebSource(tmp_path / "authority") as server:
        yield server


@pytest.fixture
def run(start: Start, web: WebSource) -> Start:
    """Start an operator that trusts the source's certificate, and is allowed to fetch from its host."""
    return lambda *options: start("--import-allow", "localhost", *options, environment={"SSL_CERT_FILE": str(web.ca)})


def importing(web: WebSource, url: str = "", sha256: str = "", **changes: Any) -> dict[str, Any]:
    """A training whose channel train is fetched."""
    source = {"url": url or f"{web.named_url}{PATH}?{SECRET}", **({"sha256": sha256} if sha256 else {})}
    train, validation = training()["spec"]["inputs"]
    return training(inputs=[{**train, "source": source}, validation], **changes)


def held(web: WebSource, **how: Any) -> WebFile:
    """The file, of which no more than two parts and a bit come before it is told to go on."""
    return web.put(PATH, CONTENT, holds_after=2 * PART + MEBIBYTE, **how)


def uploads(world: World) -> list[str]:
    """The keys of uploads that are under way."""
    return [one["Key"] for one in world.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]


def stored(world: World) -> bytes:
    body: bytes = world.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    return body


def keys(world: World) -> list[str]:
    return [one["Key"] for one in world.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]


def half_done(world: World) -> dict[str, Any]:
    """The status once two parts are in S3 and it says so."""
    status: dict[str, Any] = until(
        lambda: (status := world.status("ctrain", "digits")).get("import", {}).get("bytesDone") == 2 * PART and status,
        "two parts to be in S3",
        state=lambda: world.status("ctrain", "digits"),
    )
    assert status["import"]["bytesTotal"] == len(CONTENT)
    assert reason_of(status, "Reconciling") == "Importing"
    assert uploads(world) == [KEY]
    return status


def test_data_is_fetched_and_then_trained_on(world: World, web: WebSource, run: Start) -> None:
    operator = run()
    file = held(web)
    world.apply(importing(web, sha256=SHA256))
    status = half_done(world)
    assert f"fetching {web.named_url}{PATH} to s3://{BUCKET}/{KEY}" in condition(status, "Reconciling")["message"]
    assert world.calls("CreateTrainingJob") == 0
    file.go_on.set()
    status = world.wait_for("ctrain", "digits", "Completed")
    assert status["import"] == {"bytesDone": len(CONTENT), "bytesTotal": len(CONTENT)}
    assert stored(world) == CONTENT
    assert uploads(world) == []
    assert world.events("digits")[:2] == ["Importing", "Starting"]
    events = world.kubectl("get", "events.events.k8s.io", "-o", "yaml")
    told = f"{status}{events}{operator.log.read_text()}{operator.get('/metrics')}"
    assert SECRET not in told
    assert "X-Amz" not in told


def test_a_second_run_finds_its_data_in_place(world: World, web: WebSource, run: Start) -> None:
    run()
    web.put(PATH, CONTENT)
    world.apply(importing(web))
    first = world.wait_for("ctrain", "digits", "Completed")
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    until(lambda: world.status("ctrain", "digits")["jobName"] != first["jobName"], "another run")
    world.wait_for("ctrain", "digits", "Completed")
    assert len(web.asked) == 1


@pytest.mark.parametrize("ends", ["killed", "stopped"])
def test_an_operator_that_ends_in_the_middle_is_gone_on_from(
    world: World, web: WebSource, run: Start, ends: str
) -> None:
    operator = run()
    file = held(web)
    world.apply(importing(web))
    half_done(world)
    if ends == "killed":
        operator.kill()
    else:
        assert operator.stop() == 0
    assert uploads(world) == [KEY]
    file.holds_after = None
    file.go_on.set()
    run()
    world.wait_for("ctrain", "digits", "Completed")
    assert stored(world) == CONTENT
    assert uploads(world) == []
    assert [asked.headers.get("Range") for asked in web.asked] == [None, f"bytes={2 * PART}-"]
    assert web.asked[1].sent == len(CONTENT) - 2 * PART
    assert world.calls("CreateTrainingJob") == 1


def test_with_a_hash_a_restart_reads_all_and_sends_what_is_missing(world: World, web: WebSource, run: Start) -> None:
    operator = run()
    file = held(web)
    world.apply(importing(web, sha256=SHA256))
    half_done(world)
    operator.kill()
    file.holds_after = None
    file.go_on.set()
    operator = run()
    world.wait_for("ctrain", "digits", "Completed")
    assert stored(world) == CONTENT
    assert [asked.headers.get("Range") for asked in web.asked] == [None, None]
    assert re.search(r'aws_calls_total\{.*operation="UploadPart",outcome="ok".*\} 1.0', operator.get("/metrics"))
    assert operator.metric("import_bytes_total") < len(CONTENT)


def test_a_source_that_changed_meanwhile_is_fetched_anew(world: World, web: WebSource, run: Start) -> None:
    operator = run()
    file = held(web)
    world.apply(importing(web))
    half_done(world)
    operator.kill()
    file.go_on.set()
    web.put(PATH, CONTENT[::-1], etag='"2"')
    run()
    world.wait_for("ctrain", "digits", "Completed")
    assert stored(world) == CONTENT[::-1]
    assert uploads(world) == []


def test_deletion_in_the_middle_leaves_nothing(world: World, web: WebSource, run: Start) -> None:
    run()
    held(web)
    world.apply(importing(web))
    half_done(world)
    world.delete("ctrain", "digits")
    assert uploads(world) == []
    assert KEY not in keys(world)
    assert world.remaining() == []


def test_deletion_while_the_operator_is_away_leaves_nothing(world: World, web: WebSource, run: Start) -> None:
    operator = run()
    held(web)
    world.apply(importing(web))
    half_done(world)
    operator.kill()
    world.kubectl("delete", "ctrain", "digits", "--wait=false")
    run()
    until(lambda: not world.exists("ctrain", "digits"), "it to be gone")
    assert uploads(world) == []
    assert KEY not in keys(world)


def test_an_edit_in_the_middle_leaves_nothing(world: World, web: WebSource, run: Start) -> None:
    run()
    held(web)
    world.apply(importing(web))
    half_done(world)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    assert uploads(world) == []
    assert KEY not in keys(world)


def test_a_suspended_import_goes_on_where_it_was(world: World, web: WebSource, run: Start) -> None:
    run()
    file = held(web)
    world.apply(importing(web))
    half_done(world)
    world.patch_spec("ctrain", "digits", {"suspend": True})
    world.wait_for("ctrain", "digits", "Suspended")
    file.holds_after = None
    file.go_on.set()
    world.patch_spec("ctrain", "digits", {"suspend": False})
    world.wait_for("ctrain", "digits", "Completed")
    assert stored(world) == CONTENT
    assert web.asked[1].headers["Range"] == f"bytes={2 * PART}-"


def test_what_passes_by_itself_is_waited_for(world: World, web: WebSource, run: Start) -> None:
    run()
    ends: deque[int] = deque([PART + MEBIBYTE])
    web.put(PATH, CONTENT, statuses=deque([503] * 3), ends_after=ends)
    world.apply(importing(web, sha256=SHA256))
    words = f"{PATH} answered 503 Service Unavailable"
    until(lambda: words in str(world.status("ctrain", "digits")), "the answer to be told")
    assert reason_of(world.status("ctrain", "digits"), "Reconciling") == "Importing"
    world.wait_for("ctrain", "digits", "Completed")
    assert stored(world) == CONTENT
    assert web.asked[-1].headers["Range"] == f"bytes={PART}-"


REFUSALS = {
    "loopback": ("https://127.0.0.1:{port}/x", (), "NotAllowed", "127.0.0.1 is not an address of the public internet"),
    "metadata": ("https://169.254.169.254/x", (), "NotAllowed", "169.254.169.254 is not an address"),
    "mapped": ("https://[::ffff:a9fe:a9fe]/x", (), "NotAllowed", "is not an address of the public internet"),
    "decimal": ("https://2130706433/x", (), "NotAllowed", "neither a name nor an IP address in its usual notation"),
    "http": ("http://localhost:{port}/x", (), "NotAllowed", "only https is allowed"),
    "redirect": ("https://localhost:{port}/inside", (), "NotAllowed", "redirects to where the operator may not go"),
    "down": (
        "https://localhost:{port}/down",
        (),
        "NotAllowed",
        "redirects to where the operator may not go: only https",
    ),
    "size": (
        "https://localhost:{port}/x",
        ("--import-max-bytes", "1000"),
        "NotAllowed",
        "--import-max-bytes allows 1000",
    ),
    "missing": ("https://localhost:{port}/nothing", (), "InvalidSpec", "/nothing answered 404 Not Found"),
    "loop": ("https://localhost:{port}/loop", (), "InvalidSpec", "more than 5 redirects"),
    "packed": ("https://localhost:{port}/packed", (), "InvalidSpec", "is sent with a Content-Encoding"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_source_that_is_refused_stalls_with_the_reason(world: World, web: WebSource, run: Start, name: str) -> None:
    url, options, reason, words = REFUSALS[name]
    run(*options)
    web.put("/x", b"x" * 1001)
    web.put("/packed", b"x", headers={"Content-Encoding": "gzip"})
    web.put("/inside", redirect="https://10.0.0.1/x")
    web.put("/down", redirect=f"http://localhost:{web.port}/x")
    web.put("/loop", redirect="/loop")
    world.apply(importing(web, url.format(port=web.port)))
    status = world.wait_for("ctrain", "digits", reason, of="Stalled")
    stalled = condition(status, "Stalled")["message"]
    assert words in stalled
    assert stalled.startswith("spec.inputs[train].source.url: ")
    assert "Reconciling" not in {one["type"] for one in status["conditions"]}
    assert uploads(world) == []
    assert world.calls("CreateTrainingJob") == 0
    world.delete("ctrain", "digits")


def test_a_file_that_is_not_what_was_promised_never_appears(world: World, web: WebSource, run: Start) -> None:
    run()
    web.put(PATH, CONTENT)
    world.apply(importing(web, sha256="0" * 64))
    status = world.wait_for("ctrain", "digits", "InvalidSpec", of="Stalled")
    assert f"SHA-256 is {SHA256}, expected {'0' * 64}" in condition(status, "Stalled")["message"]
    assert KEY not in keys(world)
    assert uploads(world) == []
    world.apply(importing(web, sha256=SHA256))
    world.wait_for("ctrain", "digits", "Completed")


def test_a_bucket_that_does_not_exist_is_waited_for(world: World, web: WebSource, run: Start) -> None:
    run()
    web.put(PATH, CONTENT)
    manifest = importing(web)
    manifest["spec"]["inputs"][0]["s3Uri"] = f"s3://{BUCKET}-nowhere/train"
    world.apply(manifest)
    status = world.wait_for("ctrain", "digits", "WaitingForData")
    message = condition(status, "Reconciling")["message"]
    assert "NoSuchBucket" in message
    assert f"s3://{BUCKET}-nowhere/train/digits.rec" in message


def test_http_and_private_addresses_where_the_settings_allow_them(world: World, start: Start) -> None:
    start("--import-allow-http", "--import-allow", "127.0.0.0/8")
    with WebSource() as web:
        web.put(PATH, CONTENT)
        world.apply(importing(web, f"{web.url}{PATH}"))
        world.wait_for("ctrain", "digits", "Completed")
    assert stored(world) == CONTENT
