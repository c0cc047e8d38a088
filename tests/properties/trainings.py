"""Lives of a ClassifierTraining."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from classifier_operator.api.kinds import RETRAIN_ANNOTATION
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.ports import SourceUnavailableError
from tests.properties.account import Described, Key, of_object
from tests.properties.faked import FakedAccount
from tests.properties.lives import REFUSALS, Body, Life
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.world import Stage

OUTPUTS = st.sampled_from(["s3://bucket/output", "s3://bucket/other", "s3://bucket/third"])
VALUES = st.sampled_from(["", "1", "2"])
JOB_OUTCOMES = st.sampled_from(
    [
        ("Completed", "Completed", ""),
        ("Failed", "Failed", "InternalServerError: We encountered an internal error. Please try again."),
        ("Failed", "Failed", "CapacityError: Unable to provision requested ML compute capacity."),
        ("Failed", "Failed", "ClientError: the data is bad"),
        ("Stopped", "MaxRuntimeExceeded", ""),
    ]
)
SOURCES = {"https://a.example/x.rec": b"one file of some bytes", "https://b.example/x.rec": b"another one" * 5}
# Tries of one run: the first, and `retry.attempts` more.
TRIES = 3


class TrainingEdits(Life):
    """A ClassifierTraining that its user edits."""

    has_forgotten = False

    @invariant()
    def it_is_known_whether_something_was_forgotten(self) -> None:
        self.has_forgotten |= self.is_forgetful

    def first(self) -> Body:
        return builders.training()

    def content(self, body: Body) -> Any:
        spec = body["spec"]
        if spec.get("suspend"):
            return None
        retrain = body["metadata"].get("annotations", {}).get(RETRAIN_ANNOTATION, "")
        return spec["output"], spec["region"], retrain

    def ask_for_something_new(self) -> None:
        self.edit(lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "new"}))
        self.change(output={"s3Uri": "s3://bucket/new"}, suspend=False)

    def can_be_found(self, status: Body) -> bool:
        regions = {one["region"] for one in status.get("resources", ())} | {self.spec["region"]}
        return {key[0].region for key in self.own()} <= regions

    def may_stay(self, found: dict[Key, Described], policy: str) -> bool:
        """What is retained runs on; what was stopped, or had ended, is kept but for the policy Delete."""
        if policy == "Delete":
            return not found
        return policy == "Retain" or all(one["TrainingJobStatus"] != "InProgress" for one in found.values())

    @rule(output=OUTPUTS)
    def job_changes(self, output: str) -> None:
        self.change(output={"s3Uri": output})

    @rule(value=VALUES)
    def is_retrained(self, value: str) -> None:
        self.edit(lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: value}))

    @rule(policy=st.sampled_from(["Stop", "Delete", "Retain"]))
    def deletion_policy_changes(self, policy: str) -> None:
        self.change(deletionPolicy=policy)

    def settled(self) -> None:
        assert self.condition("Reconciling") is None, self.status
        running = [name for (_, _, name), one in self.own().items() if one["TrainingJobStatus"] == "InProgress"]
        assert running == []
        if self.spec.get("suspend"):
            assert self.condition("Ready") == ("False", "Suspended")
        elif self.condition("Stalled") is None:
            self.is_as_asked()
        else:
            self.is_excused()

    def is_excused(self) -> None:
        """Nothing has failed in this life; but who has stopped a job may be forgotten."""
        assert self.has_forgotten, self.status
        assert self.condition("Stalled") == ("True", "JobStopped"), self.status

    def is_as_asked(self) -> None:
        status, spec = self.status, self.spec
        assert self.condition("Ready") == ("True", "Completed"), status
        assert (self.condition("Reconciling"), self.condition("Stalled")) == (None, None)
        assert status["observedGeneration"] == self.body["metadata"]["generation"]
        key = (Place(spec["region"]), "TrainingJob", status["jobName"])
        job = self.own()[key]
        assert job["OutputDataConfig"]["S3OutputPath"] == spec["output"]["s3Uri"]
        assert job["TrainingJobStatus"] == status["jobStatus"] == "Completed"
        assert status["modelArtifacts"]["jobName"] == status["jobName"]
        assert status["modelArtifacts"]["s3Uri"] == job["ModelArtifacts"]["S3ModelArtifacts"]
        # More than these, where a run of before is taken up again: nobody remembers which tags it was made with.
        assert spec.get("tags", {}).items() <= self.account.tags(key).items()

    def own(self) -> dict[Key, Described]:
        return of_object(self.account, self.uid)


class TrainingLife(TrainingEdits):
    """The same, with jobs that fail and calls that are refused for longer."""

    def __init__(self, make: Any) -> None:
        self.has_failed = False
        super().__init__(make)

    @rule(refusal=REFUSALS, times=st.integers(1, 4))
    def aws_refuses(self, refusal: tuple[str, str, int], times: int) -> None:
        code, words, status = refusal
        self.account.refuse("*", code, words, status=status, times=times)

    @rule(outcome=JOB_OUTCOMES)
    def next_job_ends(self, outcome: tuple[str, str, str]) -> None:
        self.account.next_job(*outcome)
        self.has_failed |= outcome[0] != "Completed"

    def is_excused(self) -> None:
        stalled = self.condition("Stalled")
        assert stalled is not None
        if self.has_forgotten and stalled[1] == "JobStopped":
            return
        assert self.has_failed, self.status
        assert stalled[1] in ("JobFailed", "MaxRuntimeExceeded"), self.status
        job = self.own()[Place(self.spec["region"]), "TrainingJob", self.status["jobName"]]
        assert job["TrainingJobStatus"] == self.status["jobStatus"]

    def teardown(self) -> None:
        super().teardown()
        assert self.account.effects()["CreateTrainingJob"] <= TRIES * (self.asked + 1)


class CountedTraining(TrainingEdits):
    """Nothing fails, and no job is started that was not asked for."""

    may_go_back_unseen = False

    def teardown(self) -> None:
        super().teardown()
        assert self.account.effects()["CreateTrainingJob"] <= self.asked


class SourcedTraining(TrainingLife):
    """With data that is fetched first, from sources that break off, stay away and change; S3 is the fake one."""

    def __init__(self, make: Callable[[], tuple[Stage, FakedAccount]]) -> None:
        super().__init__(make)
        # The base class knows an account that may be the emulator's.
        self.s3 = cast(FakedAccount, self.account).s3

    def first(self) -> Body:
        self.stage.sources.files |= {url: FakeFile(content) for url, content in SOURCES.items()}
        return builders.training()

    def content(self, body: Body) -> Any:
        content = super().content(body)
        return content and (*content, body["spec"]["inputs"])

    def can_be_found(self, status: Body) -> bool:
        """Whose an upload is that has parts, only the status knows."""
        return super().can_be_found(status) and self.s3.uploads == {}

    @rule(url=st.sampled_from(["", *SOURCES]))
    def source_changes(self, url: str) -> None:
        train, validation = builders.training_spec()["inputs"]
        self.change(inputs=[{**train, "source": {"url": url}} if url else train, validation])

    @rule(url=st.sampled_from(list(SOURCES)), what=st.sampled_from(["breaks", "is away", "changes"]))
    def source_has_a_bad_day(self, url: str, what: str) -> None:
        file = self.stage.sources.files[url]
        if what == "breaks":
            file.breaks_after.append(20)
        elif what == "is away":
            file.refuses.append(SourceUnavailableError("answered 503"))
        else:
            file.validator += "+"

    def is_as_asked(self) -> None:
        super().is_as_asked()
        if "source" in self.spec["inputs"][0]:
            # Both have the same place: a run that is asked for again has had its data before the other came.
            assert self.s3.objects["s3://bucket/train/x.rec"][0] in SOURCES.values()

    def settled(self) -> None:
        super().settled()
        assert self.s3.uploads == {}

    def teardown(self) -> None:
        super().teardown()
        importer = self.stage.operator.importer
        assert self.s3.uploads == {}
        assert (dict(importer._jobs), dict(importer._ended), importer._tasks) == ({}, {}, set())
