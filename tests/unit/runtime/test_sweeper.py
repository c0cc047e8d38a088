"""The state of what moves is read by the cheapest calls, and a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.fakes import START, FakeClock

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.act import Executor
from classifier_operator.runtime.inventory import CONFIRMED_AFTER_SECONDS, Inventory
from classifier_operator.runtime.looks import AT_ONCE, PAGE_TRIES, Group, Looks, Occasion
from classifier_operator.runtime.sweeper import Sweeper
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.sagemaker.refusals import AwsRefusal
from classifier_operator.sagemaker.views import JobView, Unseen

PLACE = Place("us-east-1")
KEY = ObjectKey(Kind.TRAINING, "vision", "digits")


def job(number: int) -> Resource:
    return Resource(PLACE, ResourceType.TRAINING_JOB, f"job-{number}")


class Pages:
    """A SageMaker that lists jobs, so many on a page."""

    def __init__(self, jobs: int, size: int = 2) -> None:
        self.calls: list[tuple[str, str]] = []
        self.queries: list[Mapping[str, Any]] = []
        self.refusals: dict[str, AwsRefusal] = {}
        self.refusals_of_page: dict[int, list[AwsRefusal]] = {}
        self.on_page: Callable[[int], None] = lambda _: None
        names = [f"job-{number}" for number in range(jobs)]
        self._pages = [names[at : at + size] for at in range(0, jobs, size)] or [[]]
        self._known = set(names)

    async def call(
        self,
        _: Place,
        operation: str,
        params: Mapping[str, Any],
        *,
        turn: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        name = params.get("TrainingJobName", "")
        self.calls.append((operation, name))
        if operation in self.refusals or name in self.refusals:
            raise self.refusals.get(operation) or self.refusals[name]
        if operation == "ListTrainingJobs":
            self.queries.append(params)
            at = int(params.get("NextToken", "0"))
            self.on_page(at)
            if self.refusals_of_page.get(at):
                raise self.refusals_of_page[at].pop()
            token = {"NextToken": str(at + 1)} if at + 1 < len(self._pages) else {}
            return {"TrainingJobSummaries": [_summary(one) for one in self._pages[at]], **token}
        if name not in self._known:
            raise classify(operation, "ValidationException", "Requested resource not found.")
        return _summary(name)

    async def account(self, region: str) -> str:
        raise NotImplementedError

    def withdraw(self, name: Hashable) -> None:
        """Nobody waits here."""

    async def invoke(self, *_: Any, **__: Any) -> bytes:
        raise AssertionError

    async def call_s3(self, *_: Any) -> dict[str, Any]:
        raise AssertionError

    async def read_object(self, *_: Any) -> bytes:
        raise AssertionError


def _summary(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:{name}",
        "TrainingJobStatus": "InProgress",
        "CreationTime": START,
    }


class Setting:
    """A sweeper over so many jobs."""

    def __init__(self, jobs: int, size: int = 2) -> None:
        self.cloud = Pages(jobs, size)
        self.told: list[ObjectKey] = []
        self.clock = FakeClock()
        self.inventory = Inventory(changed=self.told.append, clock=self.clock.monotonic)
        executor = Executor(self.cloud, self.inventory, self.clock)
        self.looks = Looks(self.cloud, self.inventory, executor, self.clock, looked=lambda resource, refusal: None)
        self.sweeper = Sweeper(
            self.inventory,
            self.looks,
            self.clock,
            interval=5,
            guard_interval=300,
            age=lambda key: 0.0,
            oldest_age=lambda: 0.0,
            observe=lambda seconds: None,
        )

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.cloud.calls]

    @property
    def described(self) -> list[str]:
        return [name for operation, name in self.cloud.calls if operation == "DescribeTrainingJob"]

    def care_for(self, *numbers: int) -> None:
        for number in numbers:
            key = ObjectKey(Kind.ENDPOINT, "vision", f"job-{number}")
            self.inventory.watch(key, follow=frozenset(), guard=frozenset({job(number)}))

    def is_seen(self, number: int) -> bool:
        return isinstance(self.inventory.get(job(number)), JobView)


async def test_one_job_is_described() -> None:
    setting = Setting(1)
    await setting.sweeper.sweep([job(0)])
    assert setting.operations == ["DescribeTrainingJob"]


async def test_many_jobs_are_listed() -> None:
    setting = Setting(100, size=100)
    setting.care_for(*range(50))
    await setting.sweeper.sweep([job(number) for number in range(50)])
    assert setting.operations == ["ListTrainingJobs"]
    assert all(isinstance(setting.inventory.get(job(number)), JobView) for number in range(50))


async def test_paging_stops_when_all_are_found() -> None:
    setting = Setting(100)
    await setting.sweeper.sweep([job(0), job(1), job(2)])
    assert setting.operations == ["ListTrainingJobs"] * 2


async def test_what_no_list_names_is_described() -> None:
    setting = Setting(3)
    setting.care_for(*range(10))
    await setting.sweeper.sweep([job(0), job(9)])
    assert setting.cloud.calls[-1] == ("DescribeTrainingJob", "job-9")
    setting.clock.seconds += CONFIRMED_AFTER_SECONDS
    await setting.sweeper.sweep([job(9)])
    assert setting.inventory.get(job(9)) is Unseen.ABSENT


async def test_a_list_that_costs_more_than_describing_is_not_asked_again() -> None:
    setting = Setting(40)
    await setting.sweeper.sweep([job(38), job(39)])
    setting.cloud.calls.clear()
    await setting.sweeper.sweep([job(38), job(39)])
    assert setting.operations == ["DescribeTrainingJob"] * 2


async def test_a_list_reaches_from_the_newest_to_the_oldest_that_is_missed() -> None:
    setting = Setting(4)
    setting.care_for(*range(2))
    await setting.sweeper.sweep([job(0), job(1)])
    await setting.sweeper.sweep([job(0), job(1)])
    first, second = setting.cloud.queries
    assert not {"CreationTimeAfter", "CreationTimeBefore"} & first.keys()
    assert second["CreationTimeAfter"] == START - timedelta(minutes=2)
    assert second["CreationTimeBefore"] == START + timedelta(seconds=10)
    assert second["MaxResults"] == 100


@pytest.mark.parametrize("operation", ["ListTrainingJobs", "DescribeTrainingJob"])
async def test_throttling_changes_nothing(operation: str) -> None:
    setting = Setting(0)
    setting.cloud.refusals[operation] = classify(operation, "ThrottlingException", "Rate exceeded")
    setting.inventory.watch(KEY, follow=frozenset({job(0), job(1)}), guard=frozenset())
    await setting.sweeper.sweep(setting.inventory.followed())
    assert setting.told == []
    assert setting.inventory.get(job(0)) is Unseen.UNKNOWN
    assert len(setting.cloud.calls) <= 2


async def test_a_list_that_is_not_allowed_is_replaced_by_describing() -> None:
    setting = Setting(2)
    setting.care_for(*range(10))
    setting.cloud.refusals["ListTrainingJobs"] = classify("ListTrainingJobs", "AccessDeniedException", "no")
    await setting.sweeper.sweep([job(0), job(1)])
    assert isinstance(setting.inventory.get(job(1)), JobView)


async def test_one_that_is_not_allowed_does_not_hide_the_others() -> None:
    setting = Setting(1)
    setting.care_for(*range(10))
    setting.cloud.refusals["job--1"] = classify("DescribeTrainingJob", "AccessDeniedException", "no")
    setting.cloud.refusals["ListTrainingJobs"] = classify("ListTrainingJobs", "AccessDeniedException", "no")
    await setting.sweeper.sweep([job(-1), job(0)])
    assert isinstance(setting.inventory.get(job(0)), JobView)


def only_described(jobs: int) -> Setting:
    setting = Setting(jobs)
    setting.cloud.refusals["ListTrainingJobs"] = classify("ListTrainingJobs", "AccessDeniedException", "no")
    return setting


AWAY = classify("DescribeTrainingJob", "InternalFailure", "x", 500)
BUSY = classify("DescribeTrainingJob", "ThrottlingException", "Rate exceeded")


async def test_some_that_aws_cannot_show_do_not_hide_the_others() -> None:
    setting = only_described(50)
    setting.care_for(*range(50))
    broken = {0, 5, 6, 17, 49}
    for number in broken:
        setting.cloud.refusals[f"job-{number}"] = AWAY
    await setting.sweeper.sweep([job(number) for number in range(50)])
    assert {number for number in range(50) if not setting.is_seen(number)} == broken


async def test_where_aws_is_away_few_are_asked_for() -> None:
    setting = only_described(50)
    setting.cloud.refusals["DescribeTrainingJob"] = AWAY
    await setting.sweeper.sweep([job(number) for number in range(50)])
    assert len(setting.described) < 2 * AT_ONCE


@pytest.mark.parametrize("refusal", [AWAY, BUSY], ids=["away", "busy"])
async def test_what_was_left_out_comes_first_the_next_time(refusal: AwsRefusal) -> None:
    setting = only_described(20)
    setting.cloud.refusals["DescribeTrainingJob"] = refusal
    jobs = [job(number) for number in range(20)]
    for _ in jobs:
        await setting.sweeper.sweep(jobs)
    assert set(setting.described) == {one.name for one in jobs}


async def test_what_was_left_out_comes_first_though_it_is_looked_at_no_more() -> None:
    setting = only_described(20)
    setting.cloud.refusals["DescribeTrainingJob"] = BUSY
    jobs = sorted(job(number) for number in range(20))
    await setting.sweeper.sweep(jobs)
    asked = len(setting.described)
    del setting.cloud.refusals["DescribeTrainingJob"], jobs[asked]
    await setting.sweeper.sweep(jobs)
    assert setting.described[asked:] == [one.name for one in jobs[asked:] + jobs[:asked]]


async def test_that_aws_refuses_is_to_hear_of_it() -> None:
    setting = only_described(2)
    setting.cloud.refusals["DescribeTrainingJob"] = AWAY
    setting.clock.seconds = 1000
    await setting.sweeper.sweep([job(0), job(1)])
    assert setting.looks.heard_at == 1000


@pytest.mark.parametrize("refusal", [AWAY, BUSY], ids=["away", "busy"])
async def test_a_page_that_is_refused_now_and_then_is_asked_for_again(refusal: AwsRefusal) -> None:
    setting = Setting(10)
    setting.care_for(*range(10))
    setting.cloud.refusals_of_page = {1: [refusal], 4: [refusal] * (PAGE_TRIES - 1)}
    await setting.sweeper.sweep([job(number) for number in range(10)])
    assert set(setting.operations) == {"ListTrainingJobs"}
    assert all(setting.is_seen(number) for number in range(10))


async def test_a_list_that_is_refused_for_long_waits_for_the_next_sweep() -> None:
    setting = Setting(10)
    setting.cloud.refusals_of_page = {3: [AWAY] * 100}
    await setting.sweeper.sweep([job(number) for number in range(10)])
    assert setting.operations == ["ListTrainingJobs"] * (3 + PAGE_TRIES)


async def test_a_list_that_begins_before_it_is_known_what_there_is_names_what_is_known_later() -> None:
    setting = Setting(12)
    setting.care_for(2, 4, 5, 6, 7, 11)
    setting.inventory.is_growing = True

    def know_more(page: int) -> None:
        if page == 2:
            # Two that have been named, one that is still to be, and one that no List names.
            setting.care_for(0, 3, 9, 50)
            setting.inventory.is_growing = False

    setting.cloud.on_page = know_more
    await setting.looks.at(Group(PLACE, ResourceType.TRAINING_JOB, Occasion.GUARD), setting.inventory.guarded)
    assert [number for number in range(12) if setting.is_seen(number)] == [0, 2, 3, 4, 5, 6, 7, 9, 11]
    assert setting.operations.count("ListTrainingJobs") == 6
    assert setting.described == ["job-50"]


async def test_places_are_swept_apart() -> None:
    setting = Setting(1)
    elsewhere = Resource(Place("eu-west-1"), ResourceType.TRAINING_JOB, "job-0")
    await setting.sweeper.sweep([job(0), elsewhere])
    assert setting.operations == ["DescribeTrainingJob"] * 2


async def test_nothing_to_look_at_is_no_call() -> None:
    setting = Setting(5)
    await setting.sweeper.sweep([])
    assert setting.operations == []
