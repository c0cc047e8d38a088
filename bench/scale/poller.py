"""What our operator is compared with: the smallest that does the job, asking AWS for each object every 30 s.

It takes the operator's own arguments as far as it needs them. It makes what a spec asks for, says what AWS says, and
no more: nothing survives a lost answer, an edit, a deletion or a failure.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
import kopf
from aiohttp import web
from botocore.exceptions import ClientError

GROUP, VERSION = "classifiers.sagemaker.dev", "v1alpha1"
SECONDS = float(os.environ.get("POLLER_SECONDS", "30"))
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"


@cache
def _aws(region: str) -> Any:
    return boto3.client("sagemaker", region_name=region)


@kopf.timer(GROUP, VERSION, "classifiertrainings", interval=SECONDS, initial_delay=0)
def train(spec: kopf.Spec, status: kopf.Status, name: str, patch: kopf.Patch, **_: Any) -> None:
    if status.get("jobStatus") in ("Completed", "Failed", "Stopped"):
        return
    aws = _aws(spec["region"])
    if not status.get("jobName"):
        _made(aws.create_training_job, **_job(name, spec))
    job = aws.describe_training_job(TrainingJobName=name)
    patch.status.update(
        {"jobName": name, "jobStatus": job["TrainingJobStatus"], "secondaryStatus": job["SecondaryStatus"]}
    )


@kopf.timer(GROUP, VERSION, "classifierendpoints", interval=SECONDS, initial_delay=0)
def serve(spec: kopf.Spec, status: kopf.Status, name: str, patch: kopf.Patch, **_: Any) -> None:
    aws = _aws(spec["region"])
    if not status.get("endpointName"):
        container = {"Image": IMAGE, "ModelDataUrl": spec["model"]["artifactS3Uri"]}
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": spec["instanceType"]}
        variant["InitialInstanceCount"] = spec["instanceCount"]
        _made(aws.create_model, ModelName=name, ExecutionRoleArn=spec["roleArn"], PrimaryContainer=container)
        _made(aws.create_endpoint_config, EndpointConfigName=name, ProductionVariants=[variant])
        _made(aws.create_endpoint, EndpointName=name, EndpointConfigName=name)
    # One that is in service may be so no longer: a poller looks for ever. Models and configurations have no state.
    endpoint = aws.describe_endpoint(EndpointName=name)
    patch.status.update({"endpointName": name, "endpointStatus": endpoint["EndpointStatus"]})


def _made(create: Callable[..., object], **params: Any) -> None:
    """Make it, unless an earlier attempt did."""
    try:
        create(**params)
    except ClientError as error:
        if "already exist" not in str(error):
            raise


def _job(name: str, spec: kopf.Spec) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": spec["roleArn"],
        "InputDataConfig": [
            {
                "ChannelName": one["name"],
                "ContentType": one["contentType"],
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": one["s3Uri"]}},
            }
            for one in spec["inputs"]
        ],
        "OutputDataConfig": {"S3OutputPath": spec["output"]["s3Uri"]},
        "ResourceConfig": {
            "InstanceType": spec["resources"]["instanceType"],
            "InstanceCount": 1,
            "VolumeSizeInGB": 50,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": spec["stopping"]["maxRuntimeSeconds"]},
        "HyperParameters": {"num_classes": str(spec["hyperparameters"]["numClasses"])},
    }


@kopf.on.startup()
async def _listen(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Be healthy where the operator would be; sixteen threads, as it has."""
    settings.execution.max_workers = 16
    settings.posting.enabled = False
    app = web.Application()
    app.router.add_get("/healthz", _ok)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[sys.argv.index("--health-port") + 1])).start()


async def _ok(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


if __name__ == "__main__":
    asyncio.run(kopf.operator(clusterwide=True))
