"""What a training job does while it is in Training: reads its channels, trains, writes its log and its model.

It starts when the job enters Training and runs in the work pool. The algorithm is `sagemaker_emulator.algorithm`
for images of that name; other images, and all with the setting `training.work` "none", get a tiny artifact at once.
"""

from __future__ import annotations

import io
import itertools
import logging
import tarfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from sagemaker_emulator import channels, timeline, training_states
from sagemaker_emulator.aws import ClientError, split_s3_uri
from sagemaker_emulator.context import Params
from sagemaker_emulator.records import TrainingJob
from sagemaker_emulator.settings import Training
from sagemaker_emulator.world import Scope, Transition, World

logger = logging.getLogger(__name__)
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ALGORITHM = "image-classification"
LOG_BATCH = 1000
METRICS = "/aws/sagemaker/TrainingJobs"
METRICS_BATCH = 500
Epoch = dict[str, float]


@dataclass(frozen=True)
class Result:
    """What the work brought: an artifact and metrics, or the reason why not."""

    artifact: bytes = b""
    metrics: list[Epoch] = field(default_factory=list)
    failure: str = ""


def trains(request: Params, settings: Training) -> bool:
    """Whether the built-in algorithm really runs for this job."""
    image = request["AlgorithmSpecification"].get("TrainingImage", "")
    return settings.work == "algorithm" and image_name(image) == ALGORITHM


def does_work(request: Params, settings: Training) -> bool:
    """Whether the job must stay in Training until something is done; putting a tiny artifact counts."""
    return trains(request, settings) or settings.instant_artifact


def image_name(image: str) -> str:
    """The repository's last name, for example `image-classification`, without registry, tag and digest."""
    return image.rsplit("/", 1)[-1].split("@")[0].split(":")[0]


class TrainingWork:
    """Runs the work of jobs that enter Training."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.listeners.append(self.on_transition)

    def on_transition(self, transition: Transition) -> None:
        """Start the work when a job enters Training, if anything depends on it."""
        job = transition.record
        if not isinstance(job, TrainingJob):
            return
        phases = job.phases
        # An ordered failure has its end planned already: nothing would use the result.
        if phases[transition.index].secondary == "Training" and len(phases) == transition.index + 1:
            self._world.scheduler.pool.submit(lambda: self._run(transition.scope, job))

    def _run(self, scope: Scope, job: TrainingJob) -> None:
        log = LogStream(self._client("logs", scope), f"{job.name}/algo-1-{int(job.created)}")
        try:
            result = self._work(scope, job, log)
        except Exception:
            logger.exception("training %s broke", job.name)
            result = Result(failure="InternalServerError: We encountered an internal error. Please try again.")
        log.flush()
        if not result.failure:
            result = self._uploaded(scope, job, result)
        self._conclude(scope, job, result)

    def _work(self, scope: Scope, job: TrainingJob, log: LogStream) -> Result:
        if not trains(job.request, job.order.settings):
            return Result(artifact=tiny_artifact())
        from sagemaker_emulator import algorithm

        try:
            given = self._channels(scope, job)
            result = algorithm.train(job.request.get("HyperParameters", {}), given, log.write)
        except channels.DataError as error:
            return Result(failure=str(error))
        except algorithm.AlgorithmError as error:
            return Result(failure=error.failure_reason)
        epochs = itertools.groupby(sorted(result.metrics, key=lambda m: m.epoch), key=lambda m: m.epoch)
        return Result(result.artifact, [{m.name: m.value for m in metrics} for _, metrics in epochs])

    def _channels(self, scope: Scope, job: TrainingJob) -> dict[str, Any]:
        from sagemaker_emulator.algorithm.channels import Channel

        s3 = self._client("s3", scope)
        mode = job.request["AlgorithmSpecification"]["TrainingInputMode"]
        return {
            channel["ChannelName"]: Channel(
                content_type=channel.get("ContentType", ""),
                objects=channels.read(s3, channel),
                input_mode=channel.get("InputMode", mode),
            )
            for channel in job.request.get("InputDataConfig", ())
        }

    def _uploaded(self, scope: Scope, job: TrainingJob, result: Result) -> Result:
        """The result, after its artifact is in S3; a bucket that cannot be written to fails the job."""
        path = job.request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        bucket, key = split_s3_uri(f"{path}/{job.name}/output/model.tar.gz")
        try:
            self._client("s3", scope).put_object(Bucket=bucket, Key=key, Body=result.artifact)
        except ClientError as error:
            text = error.response["Error"]["Message"]
            return Result(failure=f"ClientError: Artifact upload failed:Error 7: {text} (s3://{bucket})")
        return result

    def _conclude(self, scope: Scope, job: TrainingJob, result: Result) -> None:
        """Write the rest of the job's timeline, unless it was stopped meanwhile."""
        with scope.lock:
            now = self._world.clock.now()
            if result.failure:
                job.phases = training_states.failed(job.phases, at=now, reason=result.failure)
            else:
                job.phases = training_states.completed(job.phases, ready_at=now, settings=job.order.settings)
                job.metrics = _dated(result.metrics, job.phases)
        self._publish(scope, job)
        self._world.follow(scope, job)

    def _publish(self, scope: Scope, job: TrainingJob) -> None:
        """Put the metrics into CloudWatch, where the SageMaker SDK's analytics look for them."""
        dimensions = [{"Name": "TrainingJobName", "Value": job.name}]
        shown = self._world.clock.shown
        data = [{**metric, "Timestamp": shown(metric["Timestamp"]), "Dimensions": dimensions} for metric in job.metrics]
        for start in range(0, len(data), METRICS_BATCH):
            batch = data[start : start + METRICS_BATCH]
            self._client("cloudwatch", scope).put_metric_data(Namespace=METRICS, MetricData=batch)

    def _client(self, service: str, scope: Scope) -> Any:
        return self._world.moto.client(service, account=scope.key.account, region=scope.key.region)


class LogStream:
    """A job's CloudWatch Logs stream; lines are kept and written in batches.

    Their times are real ones: CloudWatch Logs drops lines that are hours ahead of its own clock.
    """

    def __init__(self, logs: Any, name: str) -> None:
        self._logs = logs
        self._name = name
        self._lines: list[tuple[int, str]] = []
        self._made = False

    def write(self, line: str) -> None:
        """Add a line, which gets the algorithm's `[date level thread]` in front."""
        now = time.time()
        level = "ERROR" if line.startswith(("Customer Error", "Algorithm Error")) else "INFO"
        date = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(now))
        self._lines.append((int(now * 1000), f"[{date} {level} {threading.get_ident()}] {line}"))
        if len(self._lines) >= LOG_BATCH:
            self.flush()

    def flush(self) -> None:
        if not self._lines:
            return
        self._make()
        events = [{"timestamp": at, "message": line} for at, line in self._lines]
        self._lines.clear()
        self._logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=self._name, logEvents=events)

    def _make(self) -> None:
        if self._made:
            return
        for make, names in (
            (self._logs.create_log_group, {"logGroupName": LOG_GROUP}),
            (self._logs.create_log_stream, {"logGroupName": LOG_GROUP, "logStreamName": self._name}),
        ):
            try:
                make(**names)
            except self._logs.exceptions.ResourceAlreadyExistsException:
                continue
        self._made = True


def _dated(epochs: list[Epoch], phases: training_states.Timeline) -> list[Params]:
    """The metrics, each at its epoch's end: epochs share the time in Training equally.

    None if the job was stopped meanwhile.
    """
    spans = timeline.spans(phases)
    trained = next(((p.at, end) for p, end in spans if p.secondary == "Training" and p.status == "InProgress"), None)
    start, end = trained or (0.0, None)
    if end is None:
        return []
    step = (end - start) / len(epochs) if epochs else 0.0
    return [
        {"MetricName": name, "Value": value, "Timestamp": start + step * number}
        for number, metrics in enumerate(epochs, start=1)
        for name, value in metrics.items()
    ]


def tiny_artifact() -> bytes:
    """The smallest model.tar.gz there is: a valid archive without a model that could classify."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        content = b"instant training: no model\n"
        entry = tarfile.TarInfo("README")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
