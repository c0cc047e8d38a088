import gzip
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.emulator.algorithm.builders import picture, run

from sagemaker_emulator.algorithm import InvalidArtifact, InvalidImage, UnsupportedContentType, load
from sagemaker_emulator.algorithm.checkpoint import pack_arrays, unpack_arrays

ARTIFACT = run().artifact
CLASSIFIER = load(ARTIFACT)
SYMBOL = "image-classification-symbol.json"
PARAMS = "image-classification-0001.params"


def contents(artifact: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(artifact)) as tar:
        return {name: (tar.extractfile(name) or io.BytesIO()).read() for name in tar.getnames()}


def pack(files: Mapping[str, bytes | None]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            if content is not None:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def changed(**known: object) -> bytes:
    """The artifact with other attributes of its graph's input."""
    files = contents(ARTIFACT)
    symbol = json.loads(files[SYMBOL])
    symbol["nodes"][0]["attrs"] |= {f"__{name}__": value for name, value in known.items()}
    return pack({**files, SYMBOL: json.dumps(symbol).encode()})


def rewired() -> bytes:
    """The artifact with another graph."""
    files = contents(ARTIFACT)
    symbol = json.loads(files[SYMBOL])
    symbol["heads"] = [[0, 0, 0]]
    return pack({**files, SYMBOL: json.dumps(symbol).encode()})


def with_array(name: str, array: Any) -> bytes:
    files = contents(ARTIFACT)
    return pack({**files, PARAMS: pack_arrays({**unpack_arrays(files[PARAMS]), name: array})})


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "application/x-image", "Image/PNG; q=1"])
@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_an_image_gives_the_probabilities_of_all_classes(content_type, image_format):
    body, answered = CLASSIFIER.classify(picture(1, (64, 20), image_format), content_type, "")
    assert answered == "application/json"
    assert (len(json.loads(body)), sum(json.loads(body))) == (3, pytest.approx(1, abs=1e-5))


ACCEPTS = {
    "": "application/json",
    "*/*": "application/json",
    "application/json": "application/json",
    "application/jsonlines": "application/jsonlines",
    "text/plain, Application/JsonLines;verbose=true": "application/jsonlines",
}


@pytest.mark.parametrize(("accept", "answered"), ACCEPTS.items(), ids=list(ACCEPTS))
def test_accept_chooses_the_form(accept, answered):
    body, content_type = CLASSIFIER.classify(picture(), "image/png", accept)
    answer = json.loads(body)
    assert content_type == answered
    assert (answer["prediction"] if answered.endswith("lines") else answer) == CLASSIFIER.probabilities(picture())


def huge_png() -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


BROKEN = {
    "nothing": b"",
    "text": b"hello",
    "half a png": picture()[:40],
    "half a jpeg": picture(0, (200, 200), "JPEG")[:500],
    "a gigantic png": huge_png(),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_an_image_is_refused(body):
    with pytest.raises(InvalidImage, match=r"^unable to evaluate payload provided: "):
        CLASSIFIER.classify(body, "application/x-image", "")


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_image_is_classified_or_refused(data):
    image = bytearray(picture(0, (20, 20), data.draw(st.sampled_from(["PNG", "JPEG", "BMP", "WEBP", "TIFF"]))))
    for position in data.draw(st.lists(st.integers(0, len(image) - 1), max_size=4)):
        image[position] = data.draw(st.integers(0, 255))
    try:
        answer = CLASSIFIER.probabilities(bytes(image))
    except InvalidImage:
        return
    assert len(answer) == 3


@pytest.mark.parametrize("content_type", ["", "text/csv", "application/json"])
def test_another_content_type_is_refused(content_type):
    with pytest.raises(UnsupportedContentType, match="is not supported; use application/x-image"):
        CLASSIFIER.classify(picture(), content_type, "")


def test_the_artifact_has_the_real_ones_file_names():
    names = sorted(contents(ARTIFACT))
    assert names == ["image-classification-0001.params", SYMBOL, "model-shapes.json"]
    assert json.loads(contents(ARTIFACT)["model-shapes.json"]) == [{"name": "data", "shape": [1, 3, 8, 8]}]


def test_an_artifact_packed_anew_by_tar_is_loaded():
    anew = pack({f"./{name}": content for name, content in contents(ARTIFACT).items()})
    assert load(anew).probabilities(picture()) == CLASSIFIER.probabilities(picture())


FILES = contents(ARTIFACT)

UNUSABLE = {
    "nothing": (b"", r"not a \.tar\.gz|no readable"),
    "text": (b"hello", r"not a \.tar\.gz"),
    "cut": (ARTIFACT[:-200], r"not a \.tar\.gz"),
    "gzip of text": (gzip.compress(b"x" * 600), r"not a \.tar\.gz"),
    "a bomb": (gzip.compress(b"\0" * (65 << 20)), "unpacks to more than 67108864 bytes"),
    "no description": (pack({**FILES, SYMBOL: None}), "no readable image-classification-symbol.json"),
    "no parameters": (pack({**FILES, PARAMS: None}), "no .params file"),
    "a description that is not JSON": (pack({**FILES, SYMBOL: b"{"}), "no readable"),
    "deep JSON": (pack({**FILES, SYMBOL: b"[" * 100_000}), "no readable"),
    "MXNet's own": (pack({**FILES, SYMBOL: b'{"nodes": []}'}), "not made by this stand-in"),
    "another graph": (rewired(), "the graph has been changed"),
    "parameters cut": (pack({**FILES, PARAMS: FILES[PARAMS][:-4]}), "cut off"),
    "no parameters in the file": (pack({**FILES, PARAMS: b""}), "cut off"),
    "parameters of another kind": (pack({**FILES, PARAMS: b"x" * 600}), "not MXNet's file of arrays"),
    "parameters and more": (pack({**FILES, PARAMS: FILES[PARAMS] + b"x"}), "names are not clear"),
    "parameters that are no numbers": (with_array("arg:mean", np.full((1, 320), np.nan)), "not a finite number"),
    "an array too many": (with_array("arg:more", np.ones(3)), "not this graph's"),
    "an array of another shape": (with_array("arg:mean", np.ones((1, 7))), "not this graph's"),
    "another way to shrink": (with_array("arg:slope_down_weight", np.ones((16, 16))), "has been changed"),
    "other classes": (changed(num_classes="4"), "not this graph's"),
    "no classes": (changed(num_classes="0"), "not this graph's"),
    "negative classes": (changed(num_classes="-3"), "not this graph's"),
    "endless classes": (changed(num_classes="1" + "0" * 30), "not this graph's"),
    "a gigantic shape": (changed(image_shape="3,1000000000,8"), "does not describe"),
    "a shape of words": (changed(image_shape="a,b,c"), "does not describe"),
    "a shape that is none": (changed(image_shape="3,8"), "does not describe"),
    "a number for a shape": (changed(image_shape=3), "does not describe"),
}


@pytest.mark.parametrize(("artifact", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_artifact_that_cannot_be_served_says_why(artifact, message):
    with pytest.raises(InvalidArtifact, match=message):
        load(artifact)


def test_links_in_an_artifact_are_passed_over():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        link = tarfile.TarInfo(SYMBOL)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(InvalidArtifact, match="no readable"):
        load(out.getvalue())


@settings(max_examples=100)
@given(st.binary(max_size=200), st.integers(0, 600))
def test_damaged_parameters_are_refused_or_read(noise, at):
    params = bytearray(FILES[PARAMS])
    params[at : at + len(noise)] = noise
    try:
        unpack_arrays(bytes(params))
    except ValueError:
        return
