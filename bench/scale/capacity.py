"""What the emulated AWS can do by itself, so that nobody takes its limits for the operator's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable

import aiohttp

from bench.scale.aws import Aws
from bench.scale.cluster import names
from bench.scale.manifests import BUCKET, REGION, ROLE, Json
from bench.scale.site import Figures, Progress

CONNECTIONS = 8
LIST_PAGES = 200
# No client's library in between, and nobody looks at the signature.
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.1",
    "Authorization": f"AWS4-HMAC-SHA256 Credential=FOREIGN/20260101/{REGION}/sagemaker/aws4_request, "
    "SignedHeaders=host, Signature=none",
}


def job(name: str) -> Json:
    """CreateTrainingJob's parameters: a job that nobody's object asked for."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "example.com/somebody:1", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/foreign"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
    }


def send(url: str, operation: str, requests: Iterable[Json]) -> int:
    """Send many requests of one operation; how many there were.

    Raises:
        aiohttp.ClientResponseError: one was refused.

    """
    return asyncio.run(_send(url, operation, requests))


def measure(count: int, progress: Progress) -> Figures:
    """Calls a second and CPU for each, of the operations that a run mostly consists of."""
    found: Figures = {"objects": count}
    with Aws() as aws:
        jobs = names("foreign", count)
        asked: dict[str, list[Json]] = {
            "CreateTrainingJob": [job(name) for name in jobs],
            "DescribeTrainingJob": [{"TrainingJobName": name} for name in jobs],
            "ListTrainingJobs": [{"MaxResults": 100}] * LIST_PAGES,
        }
        for number, (operation, requests) in enumerate(asked.items()):
            progress(number / len(asked), operation)
            began, cpu = time.monotonic(), aws.cpu_seconds
            sent = send(aws.url, operation, requests)
            found[f"{operation} a second"] = sent / (time.monotonic() - began)
            found[f"{operation} CPU ms"] = (aws.cpu_seconds - cpu) / sent * 1000
    return found


async def _send(url: str, operation: str, requests: Iterable[Json]) -> int:
    headers = {**_HEADERS, "X-Amz-Target": f"SageMaker.{operation}"}
    left, sent = iter(requests), 0
    async with aiohttp.ClientSession(headers=headers) as session:

        async def work() -> None:
            nonlocal sent
            for request in left:
                async with session.post(url, data=json.dumps(request)) as answer:
                    answer.raise_for_status()
                    await answer.read()
                    sent += 1

        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return sent
