"""A hand has written a status: nothing of anybody else's is changed or used, and nothing of the object's is lost."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from classifier_operator.api.kinds import FINALIZER, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.tenants import Tenant, Tenants
from tests.hostile.test_lost_state import make_theirs, put_back, ready, running_or_not, there
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.training.test_importing import break_off, importing, uploads
from tests.unit.world import World as Fakes

PLACE = Place(builders.REGION)
TIGHT = Tenants(entries=(Tenant(namespaces=("vision",), buckets=("bucket",)),))
Status = dict[str, Any]


@pytest.fixture
def fakes() -> Fakes:
    """A cluster and an AWS account in memory."""
    return Fakes()


def write(fakes: Fakes, key: ObjectKey, change: Callable[[Status], Any], *, is_down: bool = False) -> None:
    """Write what looks like the operator's next status; the operator is not running meanwhile, if it is down."""
    status = copy.deepcopy(fakes.cluster.status(key))
    status["revision"] += 1000
    change(status)
    fakes.cluster.edit(key, put_back(status))
    if is_down:
        fakes.restart()


@running_or_not
async def test_the_tags_of_anothers_are_not_changed(fakes: Fakes, is_down: bool) -> None:
    """Of a job that has ended nothing is asked any more, and its ARN is read from the status."""
    theirs = await ready(fakes, builders.endpoint("theirs", tags={"team": "theirs"}))
    arn = fakes.cluster.status(theirs)["endpointArn"]
    before = dict(fakes.cloud.tags_of(fakes.cluster.status(theirs)["endpointName"], "Endpoint"))
    key = await ready(fakes, builders.training(tags={"team": "mine"}))
    job = fakes.cloud.names("TrainingJob")[0]

    def steal(status: Status) -> None:
        status.update(jobArn=arn, tags={"team": "mine"})

    write(fakes, key, steal, is_down=is_down)
    fakes.cluster.edit(key, lambda body: body["spec"].update(tags={"owner": "me"}))
    await fakes.run(4)
    assert fakes.cloud.tags_of(fakes.cluster.status(theirs)["endpointName"], "Endpoint") == before
    assert fakes.cloud.tags_of(job, "TrainingJob")["team"] == "mine"


@running_or_not
async def test_the_upload_of_another_is_not_ended(fakes: Fakes, is_down: bool) -> None:
    """S3 does not say whose an upload is."""
    theirs = importing(fakes)
    await break_off(fakes, theirs)
    (upload,) = uploads(fakes, theirs)
    thief = builders.training("thief", suspend=True)
    thief["metadata"]["namespace"] = "audio"
    key = fakes.cluster.create(thief)
    await fakes.look()
    assert fakes.cloud.s3.uploads
    write(fakes, key, lambda status: status.update({"import": {"uploads": [upload]}}), is_down=is_down)
    await fakes.look()
    fakes.cluster.delete(key)
    await fakes.look()
    assert key not in fakes.cluster.objects
    assert fakes.cloud.count("AbortMultipartUpload") == 0


async def test_an_upload_that_its_object_alone_names_is_ended(fakes: Fakes) -> None:
    key = importing(fakes)
    await break_off(fakes, key)
    assert fakes.cloud.s3.uploads
    fakes.cluster.delete(key)
    await fakes.run(2)
    assert (key in fakes.cluster.objects, fakes.cloud.s3.uploads) == (False, {})


@running_or_not
async def test_no_endpoint_is_made_under_a_name_that_may_not_be_adopted(fakes: Fakes, is_down: bool) -> None:
    fakes.allow(TIGHT)
    key = fakes.cluster.create(builders.endpoint(suspend=True))
    await fakes.run(2)
    adopted = {"type": "Endpoint", "name": "production", "region": builders.REGION}
    write(fakes, key, lambda status: status.update(adopted=adopted), is_down=is_down)
    fakes.cluster.edit(key, lambda body: body["spec"].update(suspend=False))
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert there(fakes) == set()


@running_or_not
async def test_nobodys_configuration_is_not_gone_back_to_where_it_may_not_be_adopted(
    fakes: Fakes, is_down: bool
) -> None:
    fakes.allow(TIGHT)
    make_theirs(fakes)
    fakes.cloud.objects["s3://bucket/image.png"] = b"image"
    fakes.cloud.bad_artifacts.add("s3://bucket/bad")
    key = await ready(fakes, builders.endpoint())
    test = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}
    bad = {"artifactS3Uri": "s3://bucket/bad"}
    fakes.cluster.edit(key, lambda body: body["spec"].update(smokeTest=test, model=bad))
    await fakes.look()
    write(fakes, key, lambda status: status["update"].update(previousEndpointConfigName="theirs"), is_down=is_down)
    await fakes.run(4)
    assert fakes.cluster.condition(key, "Stalled") == ("True", "SmokeTestFailed")
    (mine,) = [name for name in fakes.cloud.names("Endpoint") if name != "production"]
    assert fakes.cloud.resources[PLACE, "Endpoint", mine]["EndpointConfigName"] != "theirs"


@pytest.mark.parametrize("suspend", [False, True], ids=["to run", "suspended"])
async def test_uploads_to_a_bucket_that_may_not_be_used_are_not_looked_for(fakes: Fakes, suspend: bool) -> None:
    """A finalizer on an object without a status makes it look as if its status had been lost."""
    fakes.allow(TIGHT)
    source = {"url": "https://h/x.rec"}
    fakes.sources.files = {source["url"]: FakeFile(b"0123456789")}
    body = builders.training(suspend=suspend)
    body["spec"]["inputs"][0].update(s3Uri="s3://theirs/data", source=source)
    body["metadata"]["finalizers"] = [FINALIZER]
    key = fakes.cluster.create(body)
    await fakes.run(2)
    fakes.cluster.delete(key)
    await fakes.run(4)
    assert key not in fakes.cluster.objects
    assert {operation for operation, _ in fakes.cloud.log} <= {"ListTrainingJobs"}
