"""Half trainings, half endpoints, by the hundred and by the thousand: how costs grow, and what all costs at rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.scale.aws import LISTS, Stages
from bench.scale.capacity import job, send
from bench.scale.cluster import names
from bench.scale.figures import most_in, percentile
from bench.scale.manifests import ARTIFACT, ENDPOINTS, ROLE, TRAININGS, endpoint, training
from bench.scale.site import TRAIL_SECONDS, Account, Figures, Progress, Site
from bench.scale.targets import MOST_LISTS
from bench.scale.watcher import Watcher

# Ten thousand shall be there within minutes.
STAGES = Stages(5, 5, 5, 5)
CREATING_SECONDS = 10.0
PATIENCE_SECONDS = 1500.0
PAGE = 100
READS = ("Describe", "List", "Get")
SCALE_CALL = "UpdateEndpointWeightsAndCapacities"
CHANGES = 10


@dataclass(frozen=True)
class Work:
    """So many objects, half of each kind, and how long what is measured of them afterwards takes.

    quiet: seconds in which nothing happens but that `movers` trainings run; two of the operator's guard intervals in
    all. foreign: other people's jobs, which come between, and as many endpoints of theirs, which come after our own.
    restart: seconds after a restart in which everything is counted.
    """

    objects: int
    quiet: float = 300.0
    movers: int = 5
    few_foreign: int = 10
    many_foreign: int = 10_000
    restart: float = 60.0
    changes: int = CHANGES
    stages: Stages = field(default=STAGES)
    creating: float = CREATING_SECONDS


class Population:
    """The objects, as a context manager: made and settled at the block's beginning."""

    def __init__(self, work: Work, progress: Progress) -> None:
        self.work = work
        self.progress = progress
        self.growth: Figures = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.site = stack.enter_context(Site(self.work.stages, creating=self.work.creating))
            self.operator = stack.enter_context(self.site.running())
            self.trainings = stack.enter_context(Watcher(self.site.cluster, TRAININGS))
            self.endpoints = stack.enter_context(Watcher(self.site.cluster, ENDPOINTS))
            self.growth = self._grow()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def settled(self) -> Figures:
        """A quiet time with few jobs of other people."""
        # They are on the move nearly all the time, and at rest behind it.
        self.site.aws.set_stages(Stages(5, 5, max(1.0, self.work.quiet - 30), 5))
        return self._quiet("few", self.work.few_foreign)

    def among_many(self) -> Figures:
        """The same with many of them."""
        return self._quiet("many", self.work.many_foreign)

    def restarted(self) -> Figures:
        """What a restart reads and writes, and how long it takes until everything has been looked at."""
        began = time.time()
        self.operator.stop()
        counts, writes, number = (
            self.site.aws.control.counts(),
            self.site.cluster.writes(),
            self.site.aws.control.last_call(),
        )
        started = time.time()
        self.operator.start()
        self._until(lambda: self.operator.get("/readyz") == "ok", "the operator to be ready")
        ready = time.time() - started
        self._until(self._is_idle, "the queue to be empty")
        idle = time.time() - started
        looked = self._until_looked_at(number, started)
        self._pass_time(started + self.work.restart, "restarted")
        spent = {name: count - counts.get(name, 0) for name, count in self.site.aws.control.counts().items()}
        reads = sum(count for name, count in spent.items() if name.rpartition(".")[2].startswith(READS))
        return {
            "seconds to stop": started - began,
            "seconds to be ready": ready,
            "seconds to an empty queue": idle,
            "caught up s": max(idle, looked),
            MOST_LISTS: most_in(self.site.aws.moments(LISTS, number), 1.0),
            "AWS reads": reads,
            "AWS writes": sum(spent.values()) - reads,
            "Kubernetes writes": self.site.cluster.writes() - writes,
        }

    def changed(self) -> Figures:
        """How soon the change of a spec makes the call that it asks for."""
        waits = []
        for number, name in enumerate(names("endpoint", self.work.objects // 2)[: self.work.changes]):
            self.progress(number / self.work.changes, f"{number} of {self.work.changes} changes")
            before, number_before = self._count(SCALE_CALL), self.site.aws.control.last_call()
            answered = self.site.cluster.patch(ENDPOINTS, name, {"spec": {"instanceCount": 2}})
            self._until(lambda before=before: self._count(SCALE_CALL) > before, "the change to reach AWS")  # type: ignore[misc]
            waits.append(max(0.0, self.site.aws.moments([SCALE_CALL], number_before)[0] - answered))
        time.sleep(TRAIL_SECONDS)
        self._until_settled(self.work.objects // 2, self.work.objects // 2)
        return {"median s": percentile(waits, 0.5), "worst s": max(waits), "changes": len(waits)}

    def _grow(self) -> Figures:
        half = self.work.objects // 2
        account = Account(self.site, self.operator)
        trainings = [training(name) for name in names("training", half)]
        endpoints = [endpoint(name) for name in names("endpoint", half)]
        self.site.cluster.create([one for pair in zip(trainings, endpoints, strict=True) for one in pair])
        self._until_settled(half, half)
        time.sleep(TRAIL_SECONDS)
        return {"objects": 2 * half, **account.figures(2 * half)}

    def _until_settled(self, trainings: int, endpoints: int) -> None:
        def reached() -> bool:
            counts = self.endpoints.counts()
            done = self.trainings.counts()["Ready"], min(counts["Ready"], counts["InService"])
            self.progress(sum(done) / (trainings + endpoints), f"{done[0]} trainings, {done[1]} endpoints settled")
            return done[0] >= trainings and done[1] >= endpoints

        self.endpoints.wait(reached, PATIENCE_SECONDS, "all to be settled")

    def _quiet(self, name: str, foreign: int) -> Figures:
        """A while in which some trainings run, other people's jobs between them, and their endpoints behind ours."""
        movers = names(f"mover-{name}", self.work.movers)
        half = len(movers) // 2
        self.site.cluster.create([training(one) for one in movers[:half]])
        self._until(lambda: self._moving(movers) >= half, "the first of them to run")
        self._crowd(f"foreign-{name}", foreign)
        self.site.cluster.create([training(one) for one in movers[half:]])
        self._until(lambda: self._moving(movers) >= len(movers), "all of them to run")
        account = Account(self.site, self.operator)
        self._pass_time(time.time() + self.work.quiet, f"quiet, {foreign} jobs of others")
        figures = account.figures(self.work.objects)
        self._until_settled(len(self.trainings.resources), self.work.objects // 2)
        return {"objects": self.work.objects, "others": foreign, **figures}

    def _moving(self, movers: list[str]) -> int:
        return sum(bool(self.trainings.seen.get(self.trainings.resources.get(name, ""))) for name in movers)

    def _crowd(self, prefix: str, count: int) -> None:
        """Other people's jobs and endpoints, by calls of their own; they count for nothing."""
        client = self.site.aws.client("sagemaker")
        container = {"Image": "example.com/somebody:1", "ModelDataUrl": ARTIFACT}
        client.create_model(ModelName=prefix, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        variant = {"VariantName": "AllTraffic", "ModelName": prefix, "InstanceType": "ml.m5.large"}
        client.create_endpoint_config(
            EndpointConfigName=prefix, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
        )
        crowd = names(prefix, count)
        send(self.site.aws.url, "CreateTrainingJob", [job(name) for name in crowd])
        asked = [{"EndpointName": name, "EndpointConfigName": prefix} for name in crowd]
        send(self.site.aws.url, "CreateEndpoint", asked)

    def _pass_time(self, end: float, text: str) -> None:
        began = time.time()
        while (now := time.time()) < end:
            self.progress((now - began) / (end - began), text)
            time.sleep(min(1.0, end - now))

    def _is_idle(self) -> bool:
        return self.operator.metric("queue_depth") == 0 and self.operator.metric("queue_working") == 0

    def _until_looked_at(self, number: int, started: float) -> float:
        """Seconds from the start until each of our endpoints has been shown by AWS; the whole time if not."""
        wanted = self.work.objects // 2 + self.work.few_foreign
        end = started + self.work.restart
        while time.time() < end:
            lists = self.site.aws.control.calls("ListEndpoints", number)
            shown = {call["resource"] for call in self.site.aws.control.calls("DescribeEndpoint", number)}
            if len(lists) * PAGE + len(shown) >= wanted:
                return max(self.site.aws.moments(["ListEndpoints", "DescribeEndpoint"], number)) - started
            time.sleep(0.5)
        return self.work.restart

    def _count(self, operation: str) -> int:
        return self.site.aws.control.counts().get(operation, 0)

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
            time.sleep(0.05)


def grown(work: Work, progress: Progress) -> Figures:
    """What it takes to have that many settled."""
    with Population(work, progress) as population:
        return population.growth
