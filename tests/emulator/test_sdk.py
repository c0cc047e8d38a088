"""The SageMaker Python SDK 2.x as a real client of the emulator, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_recordio.digits import digits
from sagemaker_emulator.server import EmulatorProcess
from tests.emulator.builders import ALGORITHM, BUCKET, ROLE, client
from tests.emulator.sdk.environment import installed_sdk, run
from tests.emulator.test_training_work import packed

# The SDK's waiters and its fit() poll in real time, some of them every 30 s.
SPEED = "300"


@pytest.fixture(scope="module")
def python() -> Path:
    return installed_sdk()


@pytest.mark.timeout(600)
def test_fit_attach_deploy_predict_update_delete(python: Path, tmp_path: Path) -> None:
    data = digits(size=16, per_class=20)
    (tmp_path / "train.rec").write_bytes(packed(data.train[:200]))
    (tmp_path / "validation.rec").write_bytes(packed(data.validation))
    (tmp_path / "test.png").write_bytes(data.train[0].image)
    with EmulatorProcess("--speed", SPEED) as emulator:
        emulator.control.change_settings(elastic_inference={"available": True, "first_call_real_seconds": 0})
        client("s3", emulator.url).create_bucket(Bucket=BUCKET)
        given = {"url": emulator.url, "bucket": BUCKET, "role": ROLE, "image": ALGORITHM, "data": str(tmp_path)}
        found = run(python, given)
        left = {one["kind"] for one in emulator.control.resources()}
    assert found["version"].startswith("2.")
    assert found["artifact"].endswith("/output/model.tar.gz")
    assert found["metrics"] == ["train:accuracy", "validation:accuracy"]
    assert "Training - Training image download completed. Training in progress." in found["shown"]
    assert "Validation-accuracy" in found["shown"]
    assert (len(found["answer"]), sum(found["answer"])) == (10, pytest.approx(1.0, abs=1e-3))
    assert found["instances"] == 2
    assert "models" not in left
