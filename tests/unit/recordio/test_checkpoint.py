"""The emulator's artifact in real MXNet 1.9.1: a checkpoint that loads, and answers as the emulator does."""

import tarfile
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_recordio import Record, RecordWriter
from sagemaker_emulator.algorithm import Channel, load, train

CASES: dict[str, tuple[str, dict[str, str]]] = {
    "color": ("3,32,32", {}),
    "gray": ("1,28,28", {}),
    "not-square": ("3,40,24", {}),
    "smaller-than-the-grid": ("3,8,8", {}),
    "several-classes": ("3,32,32", {"multi_label": "1"}),
}


def pictures(count: int, side: int, seed: int) -> list[tuple[int, Any]]:
    """Noise of a color and a slope that tell the class, as numbers from 0 to 255."""
    chance = np.random.default_rng(seed)
    made = []
    for number in range(count):
        label = number % 3
        noise = chance.integers(0, 120, (side, side, 3))
        noise[:, :, label] += 100
        made.append((label, np.clip(noise + np.arange(side)[:, None, None] * label, 0, 255).astype(np.uint8)))
    return made


def png(pixels: Any) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def artifact_of(shape: str, settings: dict[str, str]) -> bytes:
    channels: dict[str, Channel] = {}
    for name, seed in (("train", 1), ("validation", 2)):
        out = BytesIO()
        writer = RecordWriter(out)
        for number, (label, pixels) in enumerate(pictures(24, 40, seed)):
            hot = tuple(float(label == each) for each in range(3))
            writer.write(Record(hot if settings else float(label), number, png(pixels)))
        channels[name] = Channel("application/x-recordio", [("a.rec", out.getvalue())])
    hyperparameters = {"num_classes": "3", "num_training_samples": "24", "mini_batch_size": "4", "epochs": "3"}
    return train({**hyperparameters, "image_shape": shape, **settings}, channels, lambda line: None).artifact


@pytest.mark.parametrize(("shape", "settings"), CASES.values(), ids=CASES)
def test_mxnet_loads_the_artifact_and_answers_the_same(mxnet, tmp_path, shape, settings):
    artifact = artifact_of(shape, settings)
    with tarfile.open(fileobj=BytesIO(artifact)) as tar:
        tar.extractall(tmp_path, filter="data")
    (params,) = tmp_path.glob("image-classification-*.params")
    channels, height, width = map(int, shape.split(","))
    images = [Image.fromarray(pixels).resize((width, height)) for _, pixels in pictures(12, 48, 3)]
    if channels == 1:
        images = [image.convert("L") for image in images]
    data = np.stack([np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1) for image in images])
    np.save(tmp_path / "images.npy", data)
    answer = mxnet.run(
        "predict",
        symbol=str(tmp_path / "image-classification-symbol.json"),
        params=str(params),
        images=str(tmp_path / "images.npy"),
    )
    ours = [load(artifact).probabilities(png(np.asarray(image))) for image in images]
    np.testing.assert_allclose(answer["probabilities"], ours, atol=1e-5)
    assert {"arg:hidden_weight", "arg:output_bias"} <= set(answer["names"])
