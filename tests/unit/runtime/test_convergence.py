"""Whatever users, AWS and the machine do, in whatever order: in the end it is as the last spec says.

Random sequences of edits, outcomes, refusals, lost answers, kills and deletions run against the controller and the
fakes; then everything calms down, and the world is compared with the specs.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.world import World

from classifier_operator.api.kinds import RETRAIN_ANNOTATION
from classifier_operator.runtime.ports import SourceUnavailableError

OUTPUTS = st.sampled_from(["s3://bucket/output", "s3://bucket/other", "s3://bucket/third"])
ARTIFACTS = st.sampled_from(["s3://bucket/1", "s3://bucket/2", "s3://bucket/bad"])
TAGS = st.sampled_from([{}, {"team": "a"}, {"team": "b", "cost": "1"}])
JOB_OUTCOMES = st.sampled_from(
    [
        ("Completed", "Completed", ""),
        ("Failed", "Failed", "InternalServerError: We encountered an internal error. Please try again."),
        ("Failed", "Failed", "CapacityError: Unable to provision requested ML compute capacity."),
        ("Failed", "Failed", "ClientError: the data is bad"),
        ("Stopped", "MaxRuntimeExceeded", ""),
    ]
)
REFUSALS = st.sampled_from(
    [
        ("ThrottlingException", "Rate exceeded", 400),
        ("InternalFailure", "", 500),
        ("ResourceLimitExceeded", "The account-level service limit is 0 Instances", 400),
        ("AccessDeniedException", "not authorized", 400),
        ("ValidationException", "Could not assume role arn.", 400),
    ]
)
SOURCES = {"https://a.example/x.rec": b"one file of some bytes", "https://b.example/x.rec": b"another one" * 5}
EXAMPLES = int(os.environ.get("UNIT_EXAMPLES", "150"))
SMOKE_TEST = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}

settings.register_profile(
    "bounded", deadline=None, phases=[Phase.generate], derandomize=True, suppress_health_check=list(HealthCheck)
)


class Life(RuleBasedStateMachine):
    """What both machines can do."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.world.cloud.objects["s3://bucket/image.png"] = b"image"
        self.key = self.world.cluster.create(self.first())
        self.asked = 1

    def first(self) -> dict[str, Any]:
        raise NotImplementedError

    def run(self, rounds: int, *, progress: bool) -> None:
        self.loop.run_until_complete(self.world.run(rounds, progress=progress))

    def change(self, **fields: Any) -> None:
        self.world.cluster.edit(self.key, lambda body: body["spec"].update(fields))
        self.asked += 1

    @rule(progress=st.booleans())
    def time_passes(self, progress: bool) -> None:
        self.run(1, progress=progress)

    @rule()
    def operator_looks(self) -> None:
        self.loop.run_until_complete(self.world.look())

    @rule()
    def operator_restarts(self) -> None:
        self.world.restart()

    @rule(points=st.integers(1, 12))
    def operator_is_killed(self, points: int) -> None:
        self.world.points.kill_at = self.world.points.passed + points
        self.run(1, progress=False)
        self.world.points.kill_at = None

    @rule(refusal=REFUSALS, times=st.integers(1, 4))
    def aws_refuses(self, refusal: tuple[str, str, int], times: int) -> None:
        code, words, status = refusal
        self.world.cloud.refuse("*", code, words, status=status, times=times)

    @rule()
    def an_answer_is_lost(self) -> None:
        self.world.cloud.refuse("*", "ConnectionClosedError", "", status=0, after=True)

    @rule(tags=TAGS)
    def tags_change(self, tags: dict[str, str]) -> None:
        self.change(tags=tags)

    @rule(suspend=st.booleans())
    def is_suspended(self, suspend: bool) -> None:
        self.change(suspend=suspend)

    def teardown(self) -> None:
        try:
            self.world.cloud.calm()
            self.world.points.kill_at = None
            self.run(10, progress=True)
            self.settled()
            self.world.cluster.delete(self.key)
            self.run(5, progress=True)
            assert not self.world.cluster.objects
            assert self.world.cloud.running() == []
            assert self.world.cloud.s3.uploads == {}
            self.nothing_is_remembered()
        finally:
            self.loop.close()

    def settled(self) -> None:
        raise NotImplementedError

    def condition(self, kind: str) -> tuple[str, str] | None:
        return self.world.cluster.condition(self.key, kind)

    def nothing_is_remembered(self) -> None:
        operator = self.world.operator
        assert not operator.inventory.followed() | operator.inventory.guarded()
        assert len(operator.troubles) == 0
        assert not operator.queue.delayed
        assert not operator.importer._jobs
        assert not operator.importer._ended
        assert not operator.importer._tasks


class TrainingLife(Life):
    """A ClassifierTraining."""

    def first(self) -> dict[str, Any]:
        self.world.sources.files |= {url: FakeFile(content) for url, content in SOURCES.items()}
        return builders.training()

    @rule(output=OUTPUTS)
    def job_changes(self, output: str) -> None:
        self.change(output={"s3Uri": output})

    @rule(url=st.sampled_from(["", *SOURCES]))
    def source_changes(self, url: str) -> None:
        train, validation = builders.training_spec()["inputs"]
        self.change(inputs=[{**train, "source": {"url": url}} if url else train, validation])

    @rule(url=st.sampled_from(list(SOURCES)), what=st.sampled_from(["breaks", "is away", "changes"]))
    def source_has_a_bad_day(self, url: str, what: str) -> None:
        file = self.world.sources.files[url]
        if what == "breaks":
            file.breaks_after.append(20)
        elif what == "is away":
            file.refuses.append(SourceUnavailableError("answered 503"))
        else:
            file.validator += "+"

    @rule(value=st.sampled_from(["", "1", "2"]))
    def is_retrained(self, value: str) -> None:
        self.world.cluster.edit(self.key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: value}))
        self.asked += 1

    @rule(outcome=JOB_OUTCOMES)
    def next_job_ends(self, outcome: tuple[str, str, str]) -> None:
        self.world.cloud.job_outcomes.append(outcome)

    @invariant()
    def one_job_costs_money(self) -> None:
        jobs = self.world.cloud.running()
        assert len(jobs) <= self.asked

    def settled(self) -> None:
        spec, status = self.world.cluster.objects[self.key]["spec"], self.world.cluster.status(self.key)
        assert self.world.cloud.running() == []
        assert self.condition("Reconciling") is None
        if spec.get("suspend"):
            assert self.condition("Ready") == ("False", "Suspended")
        elif self.condition("Ready") == ("True", "Completed"):
            self.has_its_data(spec)
            (job,) = [one for (_, _, name), one in self.world.cloud.resources.items() if name == status["jobName"]]
            assert job["OutputDataConfig"]["S3OutputPath"] == spec["output"]["s3Uri"]
            assert status["modelArtifacts"]["jobName"] == status["jobName"]
            assert spec.get("tags", {}).items() <= self.world.cloud.tags_of(status["jobName"]).items()
        else:
            assert self.condition("Stalled") is not None
        # Each wish at most once, and twice more where AWS failed it.
        assert len(self.world.cloud.names("TrainingJob")) <= 3 * self.asked

    def has_its_data(self, spec: dict[str, Any]) -> None:
        assert self.world.cloud.s3.uploads == {}
        source = spec["inputs"][0].get("source")
        if source is not None:
            assert self.world.cloud.s3.objects["s3://bucket/train/x.rec"][0] == SOURCES[source["url"]]


class EndpointLife(Life):
    """A ClassifierEndpoint with a model of its own and a smoke test."""

    def __init__(self) -> None:
        super().__init__()
        self.world.cloud.bad_artifacts.add("s3://bucket/bad")
        self.has_failed = False

    def first(self) -> dict[str, Any]:
        return builders.endpoint(smokeTest=SMOKE_TEST)

    @rule(artifact=ARTIFACTS)
    def model_changes(self, artifact: str) -> None:
        self.change(model={"artifactS3Uri": artifact})

    @rule(count=st.integers(1, 3))
    def is_scaled(self, count: int) -> None:
        self.change(instanceCount=count)

    @rule(reason=st.sampled_from(["", "alarm"]))
    def next_update_is_rolled_back(self, reason: str) -> None:
        self.world.cloud.update_outcomes.append((False, reason))

    @precondition(lambda self: not self.has_failed)
    @rule()
    def endpoint_fails(self) -> None:
        self.world.cloud.endpoint_outcomes.append(("Failed", "The container did not pass the ping health check."))
        self.has_failed = True

    @rule()
    def somebody_deletes_the_endpoint(self) -> None:
        for key in [key for key in self.world.cloud.resources if key[1] == "Endpoint"]:
            del self.world.cloud.resources[key]

    @invariant()
    def there_is_at_most_one(self) -> None:
        assert len(self.world.cloud.names("Endpoint")) <= 1

    def settled(self) -> None:
        spec = self.world.cluster.objects[self.key]["spec"]
        assert self.condition("Reconciling") is None
        if spec.get("suspend"):
            assert self.condition("Ready") == ("False", "Suspended")
            assert self.world.cloud.running() == []
        elif self.condition("Stalled") is None:
            assert self.condition("Ready") == ("True", "InService")
            self.serves(spec)

    def serves(self, spec: dict[str, Any]) -> None:
        one = self.world.cloud.one("Endpoint")
        model = self.world.cloud.one("Model")
        self.world.cloud.one("EndpointConfig")
        assert one["EndpointStatus"] == "InService"
        assert model["PrimaryContainer"]["ModelDataUrl"] == spec["model"]["artifactS3Uri"]
        assert one["ProductionVariants"][0]["DesiredInstanceCount"] == spec.get("instanceCount", 1)
        assert spec["model"]["artifactS3Uri"] not in self.world.cloud.bad_artifacts


TestTraining = TrainingLife.TestCase
TestTraining.settings = settings(settings.get_profile("bounded"), max_examples=EXAMPLES, stateful_step_count=30)
TestEndpoint = EndpointLife.TestCase
TestEndpoint.settings = settings(settings.get_profile("bounded"), max_examples=EXAMPLES, stateful_step_count=30)
