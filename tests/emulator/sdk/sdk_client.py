"""Runs inside the environment that has the SageMaker Python SDK 2.x: a user's script. Prints its findings as JSON.

Input on stdin: {"url", "bucket", "role", "image", "data": a folder with train.rec, validation.rec and test.png}.
"""

import io
import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


def main() -> None:
    given = json.load(sys.stdin)
    os.environ |= {"AWS_ENDPOINT_URL": given["url"], "NO_PROXY": "127.0.0.1", "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
    shown = io.StringIO()
    with redirect_stdout(shown):
        found = work(given)
    json.dump({**found, "shown": shown.getvalue()}, sys.stdout)


def work(given: dict[str, Any]) -> dict[str, Any]:
    import boto3
    import sagemaker  # type: ignore[import-not-found]
    from sagemaker.analytics import TrainingJobAnalytics  # type: ignore[import-not-found]
    from sagemaker.deserializers import JSONDeserializer  # type: ignore[import-not-found]
    from sagemaker.inputs import TrainingInput  # type: ignore[import-not-found]
    from sagemaker.serializers import IdentitySerializer  # type: ignore[import-not-found]

    session = sagemaker.Session(boto3.Session(), default_bucket=given["bucket"])
    data = Path(given["data"])
    for name in ("train", "validation"):
        session.upload_data(str(data / f"{name}.rec"), key_prefix=f"sdk/{name}")
    estimator = sagemaker.estimator.Estimator(
        given["image"],
        given["role"],
        instance_count=1,
        instance_type="ml.p2.xlarge",
        output_path=f"s3://{given['bucket']}/sdk/output",
        sagemaker_session=session,
        hyperparameters={
            "image_shape": "3,16,16",
            "num_classes": 10,
            "num_training_samples": 200,
            "mini_batch_size": 20,
            "epochs": 4,
        },
    )
    channels = {
        name: TrainingInput(f"s3://{given['bucket']}/sdk/{name}/", content_type="application/x-recordio")
        for name in ("train", "validation")
    }
    estimator.fit(channels, logs="All")
    name = estimator.latest_training_job.name
    attached = sagemaker.estimator.Estimator.attach(name, sagemaker_session=session)
    metrics = TrainingJobAnalytics(name, sagemaker_session=session).dataframe()
    predictor = attached.deploy(
        initial_instance_count=1,
        instance_type="ml.m4.xlarge",
        accelerator_type="ml.eia1.large",
        serializer=IdentitySerializer("application/x-image"),
        deserializer=JSONDeserializer(),
    )
    answer = predictor.predict((data / "test.png").read_bytes())
    predictor.update_endpoint(initial_instance_count=2, instance_type="ml.m4.xlarge")
    shown = session.sagemaker_client.describe_endpoint(EndpointName=predictor.endpoint_name)
    predictor.delete_model()
    predictor.delete_endpoint()
    return {
        "version": sagemaker.__version__,
        "artifact": attached.model_data,
        "metrics": sorted(set(metrics["metric_name"])),
        "answer": answer,
        "instances": shown["ProductionVariants"][0]["CurrentInstanceCount"],
    }


if __name__ == "__main__":
    main()
