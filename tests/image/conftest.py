"""One image for all tests of a run, and the control plane and the emulated AWS that it works with."""

from __future__ import annotations

import json

import pytest

from control_plane.locks import exclusive
from tests.image.workshop import Release, Workshop

TAG = "localhost/classifier-operator:test"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workshop:
    """Where the image has been built. Whichever process comes first builds it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "image-workshop"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock, exclusive(lock):
        workshop = Workshop(folder)
        if not workshop.has(TAG):
            workshop.release(TAG)
    return workshop


@pytest.fixture(scope="session")
def released(workshop: Workshop) -> Release:
    """What was recorded of its release."""
    found: Release = json.loads((workshop.folder / "image.json").read_text())
    return found
