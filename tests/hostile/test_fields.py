"""Every text of both kinds, hostile in every way, below the CRD: nothing but what is meant is asked for.

What the API server refuses is written past it here. A field that is added to a CRD has to be put into `fields.bases`.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from classifier_operator.adapters.log_lines import TextLines
from classifier_operator.adapters.log_output import Redacting
from classifier_operator.api.kinds import GROUP
from classifier_operator.api.names import is_object_name
from classifier_operator.sagemaker.names import is_name
from classifier_operator.sagemaker.regions import is_region
from tests.contract.schemas import node
from tests.hostile.fields import (
    ENDPOINT,
    OPERATORS_ROLE,
    ROLE,
    TRAINING,
    WAYS,
    Json,
    bases,
    fields,
    has,
    paths_in,
    with_text,
    with_text_after,
)
from tests.hostile.listened import NAME, NAMESPACE, STOLEN, ListenedStage, Parts, Said, listened_parts
from tests.hostile.wire import Request

# The whole text is replaced in these ways as well; in the others they follow what is there.
WHOLE = ("dots", "up", "header")
# Of a choice these are enough: what is none of them goes into JSON alone.
OF_A_CHOICE = ("dots", "header")
# Texts beside the spec: of the object's annotations and of its namespace's.
BESIDE = {
    "adopt": "digits",
    "retrain": "1",
    "namespace region": "us-east-1",
    "namespace role-arn": ROLE,
    "namespace assume-role-arn": OPERATORS_ROLE,
}
# In a status, beside what a life leaves there.
UPLOADING: Json = {
    "import": {
        "bytesDone": 0,
        "bytesTotal": 0,
        "uploads": [
            {
                "s3Uri": "s3://bucket/train/old.rec",
                "source": "0" * 64,
                "region": "us-east-1",
                "assumeRoleArn": OPERATORS_ROLE,
                "uploadId": "an-id",
                "validator": '"1"',
                "size": 10,
                "partSize": 16,
            }
        ],
    }
}
ADOPTED: Json = {"adopted": {"type": "Endpoint", "name": "digits", "region": "us-east-1"}}
_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+ ")
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=\w+/\d{8}/([^/]*)/([a-z0-9-]+)/aws4_request, ")
_NAMES = ("EndpointName", "EndpointConfigName", "ModelName", "TrainingJobName")
_VARIANT = re.compile(r"endpoint/[a-zA-Z0-9-]{1,63}/variant/[a-zA-Z0-9-]{1,63}")
_URLS = re.compile(
    r"https://runtime\.sagemaker\.us-east-1\.amazonaws\.com/endpoints/[a-zA-Z0-9-]{1,63}/invocations"
    r"|https://us-east-1\.console\.aws\.amazon\.com/cloudwatch/home\?region=us-east-1#logsV2:log-groups/[\w$.-]+"
    r"/[\w$.-]+"
)


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    with listened_parts() as parts:
        yield parts


@pytest.fixture(scope="module")
def known_headers(parts: Parts) -> frozenset[str]:
    """The names of the headers that are sent for objects that mean well; each of them comes to its end."""
    lives = asyncio.run(_lived(parts, [(kind, spec, {}) for kind, spec in bases(parts.web.url).values()]))
    for said in lives:
        assert [one["status"] for one in said.status["conditions"]] == ["True"], said.status
    assert {one.path for said in lives for one in said.kubernetes if "configmaps" in one.path} == {
        f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}" for name in ("labels", "sample")
    }
    assert {one.method for said in lives for one in said.aws} == {"POST", "GET", "HEAD", "PUT"}
    assert sum(len(said.web) for said in lives) == 1
    return frozenset(name for said in lives for one in said.aws for name, _ in one.headers)


@pytest.mark.parametrize("kind", [TRAINING, ENDPOINT])
def test_every_text_is_in_a_spec_that_works(kind: str) -> None:
    """Who adds a field has to add it there, so that it is fed with what is hostile."""
    specs = [spec for of, spec in bases("http://x").values() if of == kind]
    assert [str(field) for field in fields(kind) if not any(has(spec, field.path) for spec in specs)] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [TRAINING, ENDPOINT])
def test_a_hostile_text_leads_nowhere_else(
    parts: Parts, known_headers: frozenset[str], log: io.StringIO, kind: str, way: str
) -> None:
    cases = list(_cases(kind, way, parts.web.url))
    lives = asyncio.run(_lived(parts, [(kind, spec, {}) for _, spec in cases]))
    for (name, spec), said in zip(cases, lives, strict=True):
        assert list(_unintended(said, spec, known_headers)) == [], name
    _check(log)


@pytest.mark.parametrize("way", WAYS)
def test_a_hostile_annotation_leads_nowhere_else(
    parts: Parts, known_headers: frozenset[str], log: io.StringIO, way: str
) -> None:
    cases = []
    for name, good in BESIDE.items():
        for text in (f"{good}{WAYS[way]}", WAYS[way]):
            for kind, spec in (bases(parts.web.url)["fetching"], bases(parts.web.url)["tested"]):
                left_out = {"namespace region": "region", "namespace role-arn": "roleArn"}.get(name, "")
                cases.append((kind, {key: value for key, value in spec.items() if key != left_out}, {name: text}))
    lives = asyncio.run(_lived(parts, cases))
    for (_, spec, beside), said in zip(cases, lives, strict=True):
        assert list(_unintended(said, spec, known_headers)) == [], beside
    _check(log)


@pytest.mark.parametrize("way", ["dots", "header"])
@pytest.mark.parametrize("base", ["fetching", "of variants"])
def test_a_hostile_status_leads_nowhere_else(
    parts: Parts, known_headers: frozenset[str], log: io.StringIO, base: str, way: str
) -> None:
    """Nobody but the operator may write it, and a restored backup or a hand may have put anything there."""
    kind, spec = bases(parts.web.url)[base]

    async def lived() -> list[tuple[str, Json, Said]]:
        [said] = await _lived(parts, [(kind, spec, {})])
        more = {**said.status, **(UPLOADING if kind == TRAINING else ADOPTED)}
        others = [path for path in paths_in(more) if path[0] not in said.status]
        statuses = [(path, with_text_after(said.status, path, WAYS[way])) for path in paths_in(said.status)]
        statuses += [(path, with_text_after(more, path, WAYS[way])) for path in others]
        found = []
        for path, status in statuses:
            # An operator that has just been started, and an account that has nothing of the object's any more.
            with parts.stage() as stage:
                found.append((".".join(map(str, path)), status, await stage.resumed(kind, spec, status)))
                await stage.close()
        return found

    lives = asyncio.run(lived())
    assert len(lives) > 15
    for path, status, said in lives:
        # An address that was written over is nothing that the operator reads.
        said.status.pop(path, None)
        # An upload is ended where the status says that it is, by the id that S3 gave it.
        uploads = [one["s3Uri"] for one in status.get("import", {}).get("uploads", ())]
        assert list(_unintended(said, spec, known_headers, uploads)) == [], path
    _check(log)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as text, as people read it."""
    lines, logger = io.StringIO(), logging.getLogger("classifier_operator")
    handler = logging.StreamHandler(lines)
    handler.setFormatter(Redacting(TextLines()))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


async def _lived(parts: Parts, lives: Sequence[tuple[str, Json, Mapping[str, str]]]) -> list[Said]:
    """The lives of objects, one after the other, in a world of their own."""
    with parts.stage() as stage:
        try:
            return [await _life(stage, kind, spec, beside) for kind, spec, beside in lives]
        finally:
            await stage.close()


async def _life(stage: ListenedStage, kind: str, spec: Json, beside: Mapping[str, str]) -> Said:
    own = {f"{GROUP}/{name}": text for name, text in beside.items() if not name.startswith("namespace ")}
    stage.cluster.namespaces[NAMESPACE] = {
        f"{GROUP}/{name.removeprefix('namespace ')}": text
        for name, text in beside.items()
        if name.startswith("namespace ")
    }
    return await stage.lived(kind, spec, own)


def _cases(kind: str, way: str, web: str) -> Iterator[tuple[str, Json]]:
    """Each text of a kind that is hostile in that way, in a spec that works otherwise."""
    specs = [spec for of, spec in bases(web).values() if of == kind]
    for field in fields(kind):
        if way not in OF_A_CHOICE and "enum" in node(kind, field.path.removesuffix("{key}")):
            continue
        spec = next(spec for spec in specs if has(spec, field.path))
        yield f"{field} + {way}", with_text(spec, field.path, WAYS[way], after=True)
        if way in WHOLE:
            yield f"{field} = {way}", with_text(spec, field.path, WAYS[way], after=False)


def _unintended(said: Said, spec: Json, known_headers: frozenset[str], uploads: Sequence[str] = ()) -> Iterator[str]:
    """What was asked for, or said, that is nothing of the object's."""
    yield from (str(one) for one in said.kubernetes if not _is_meant_of_kubernetes(one, spec))
    for one in said.aws:
        if not _is_meant_of_aws(one, spec, known_headers) and not _is_of_upload(one, uploads):
            yield str(one)
    yield from (str(one) for one in said.web if not _is_meant_of_web(one, spec))
    text = json.dumps(said.status)
    if STOLEN in text:
        yield f"stolen: {text}"
    for name in ("url", "logUrl"):
        if said.status.get(name) and not _URLS.fullmatch(said.status[name]):
            yield f"{name} {said.status[name]}"


def _is_meant_of_kubernetes(request: Request, spec: Json) -> bool:
    refs = (spec.get("classLabels", {}), spec.get("smokeTest", {}).get("image", {}))
    names = {ref["configMapKeyRef"]["name"] for ref in refs if "configMapKeyRef" in ref}
    plural = "classifiertrainings" if "output" in spec else "classifierendpoints"
    own = f"/apis/classifiers.sagemaker.dev/v1alpha1/namespaces/{NAMESPACE}/{plural}/{NAME}"
    meant = {
        own,
        f"{own}/status",
        f"/api/v1/namespaces/{NAMESPACE}",
        f"/api/v1/namespaces/{NAMESPACE}/events",
        *(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}" for name in names if is_object_name(name)),
    }
    # Such names need no encoding, so what is sent is what is meant, to the letter.
    return request.target in meant


def _is_meant_of_aws(request: Request, spec: Json, known_headers: frozenset[str]) -> bool:
    scope = _SCOPE.match(request.header("authorization"))
    if scope is None or not is_region(scope[1]) or not known_headers.issuperset(name for name, _ in request.headers):
        return False
    if scope[2] == "s3":
        return _is_meant_of_s3(request, spec)
    if request.target != "/":
        given = spec.get("smokeTest", {}).get("contentType", "application/x-image")
        _, first, name, last = request.target.split("/")
        return (first, last, request.header("content-type")) == ("endpoints", "invocations", given) and is_name(name)
    if scope[2] == "sts":
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        return [value for key, value in form if key == "Action"] == ["AssumeRole"]
    body = json.loads(request.body)
    return all(map(is_name, _named(body))) and (
        "ResourceId" not in body or bool(_VARIANT.fullmatch(body["ResourceId"]))
    )


def _named(value: Any) -> Iterator[str]:
    """The names of resources in a request's body."""
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key in _NAMES)
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _named(one)


def _is_meant_of_s3(request: Request, spec: Json) -> bool:
    """An image, or what an input is fetched to, by its very key."""
    image = spec.get("smokeTest", {}).get("image", {}).get("s3Uri", "")
    meant = {image.removeprefix("s3:/")}
    for one in spec.get("inputs", ()):
        if "source" in one:
            name = unquote(re.split("[?#]", one["source"]["url"])[0].rpartition("/")[2])
            meant.add(f"{one['s3Uri'].removeprefix('s3:/').removesuffix('/')}/{name}")
    asked = unquote(request.path)
    query = dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    if "prefix" in query:
        asked = f"{asked}/{query['prefix']}"
    return asked in meant and not {".", ".."}.intersection(asked.split("/"))


def _is_of_upload(request: Request, uploads: Sequence[str]) -> bool:
    """Whether an upload is looked at or ended."""
    is_listing = request.method == "GET" and "prefix=" in request.target
    asked = unquote(request.path)
    if is_listing:
        asked = f"{asked}/{dict(parse_qsl(request.target.partition('?')[2]))['prefix']}"
    is_meant = is_listing or (request.method in ("DELETE", "GET") and "uploadId=" in request.target)
    return is_meant and f"s3:/{asked}" in uploads


def _is_meant_of_web(request: Request, spec: Json) -> bool:
    urls = [urlsplit(one["source"]["url"]) for one in spec.get("inputs", ()) if "source" in one]
    meant = {(url.netloc, unquote(f"{url.path}?{url.query}" if url.query else url.path)) for url in urls}
    return (request.header("host"), unquote(request.target)) in meant


def _check(log: io.StringIO) -> None:
    """Each line is a record, or goes on with one."""
    lines = log.getvalue().splitlines()
    assert lines
    assert [line for line in lines if not _RECORD.match(line) and not line.startswith("    ")] == []
