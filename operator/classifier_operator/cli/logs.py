"""`classifier-operator logs`: what a training job has written to CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from classifier_operator.api.kinds import Kind
from classifier_operator.cli import clients
from classifier_operator.cli.kubectl_options import ObjectName
from classifier_operator.cli.objects import Objects, cluster_options, connect, headline

GROUP = "/aws/sagemaker/TrainingJobs"
POLL_SECONDS = 2.0
# CloudWatch may show an event that late, so that far back is read again.
OVERLAP_MILLISECONDS = 60_000

_ENDED = ("Completed", "Failed", "Stopped", "Deleting")


@click.command(name="logs")
@click.argument("training", type=ObjectName(Kind.TRAINING))
@cluster_options
@clients.role_option
@click.option("--follow", "-f", is_flag=True, help="Go on until the job ends.")
@click.option("--timestamps", is_flag=True, help="Begin each line with its time.")
def command(
    *,
    training: str,
    namespace: str,
    kubeconfig: Path | None,
    assume_role_arn: str | None,
    follow: bool,
    timestamps: bool,
) -> None:
    """Print the log of the last job of the ClassifierTraining named TRAINING.

    The call is yours: your AWS credentials, or the role's, need logs:FilterLogEvents.
    """
    objects = connect(kubeconfig, namespace)
    body = _started(objects, training, follow=follow)
    status = body["status"]
    log = JobLog(clients.client_for("logs", body, status["jobName"], assume_role_arn), status["jobName"])

    def is_over() -> bool:
        now = objects.read(Kind.TRAINING, training).get("status", {})
        return now.get("jobName") != status["jobName"] or now.get("jobStatus") in _ENDED

    for event in log.follow(is_over) if follow else log.read():
        click.echo(_line(event, timestamps=timestamps))
    if not log.is_found:
        click.echo(f"{status['jobName']} has not written anything yet", err=True)


class JobLog:
    """The events of all of a job's streams, in order of time."""

    def __init__(self, client: Any, job_name: str) -> None:
        self._client = client
        self._prefix = f"{job_name}/"
        self._seen: dict[str, int] = {}
        self.is_found = False

    def read(self) -> Iterator[dict[str, Any]]:
        """The events that were not there the last time."""
        start = max(self._seen.values(), default=OVERLAP_MILLISECONDS) - OVERLAP_MILLISECONDS
        # Older ones will not be read again.
        self._seen = {name: at for name, at in self._seen.items() if at >= start}
        for event in self._events(start):
            if event["eventId"] not in self._seen:
                self._seen[event["eventId"]] = event["timestamp"]
                self.is_found = True
                yield event

    def follow(
        self, is_over: Callable[[], bool], sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[dict[str, Any]]:
        """The events as they come, until the job is over."""
        over = False
        while not over:
            # Asked first, so that what the job wrote last is read after its end.
            over = is_over()
            yield from self.read()
            if not over:
                sleep(POLL_SECONDS)

    def _events(self, start: int) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, logStreamNamePrefix=self._prefix, startTime=start
        )
        with clients.explained():
            try:
                for page in pages:
                    # Asked of AWS already, but moto, and so the emulator, sends those of other streams too.
                    yield from (one for one in page["events"] if one["logStreamName"].startswith(self._prefix))
            except self._client.exceptions.ResourceNotFoundException:
                # The account's first job has made no log group yet.
                return


def _started(objects: Objects, name: str, *, follow: bool) -> dict[str, Any]:
    """A training once it has a job."""
    while not (body := objects.read(Kind.TRAINING, name)).get("status", {}).get("jobName"):
        if not follow:
            raise click.ClickException(
                f"ClassifierTraining {objects.namespace}/{name} has no job yet: {headline(body)}"
            )
        time.sleep(POLL_SECONDS)
    return body


def _line(event: dict[str, Any], *, timestamps: bool) -> str:
    if not timestamps:
        return str(event["message"])
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
    return f"{at} {event['message']}"
