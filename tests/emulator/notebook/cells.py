"""The cells of a notebook that trains an image classifier, serves it with an accelerator, asks it, and takes it down.

Steps and calls are those of AWS's example for Elastic Inference; words and values are our own. test_notebook.py runs
the cells one after the other, as a notebook does.
"""

# %% Where things are
import json
import os
import time

import boto3
import numpy as np

role = os.environ["NOTEBOOK_ROLE"]
bucket = os.environ["NOTEBOOK_BUCKET"]
data = os.environ["NOTEBOOK_DATA"]
region = boto3.Session().region_name
training_image = f"811284229777.dkr.ecr.{region}.amazonaws.com/image-classification:1"

# %% Put the data into S3
for channel in ("train", "validation"):
    with open(f"{data}/{channel}.rec", "rb") as file:
        boto3.resource("s3").Bucket(bucket).put_object(Key=f"digits/{channel}/{channel}.rec", Body=file)

# %% What to train
prefix = "DEMO-digits"
job_name = prefix + time.strftime("-%Y-%m-%d-%H-%M-%S", time.gmtime())
training_params = {
    "TrainingJobName": job_name,
    "AlgorithmSpecification": {"TrainingImage": training_image, "TrainingInputMode": "File"},
    "RoleArn": role,
    "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/{prefix}/output"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.p2.xlarge", "VolumeSizeInGB": 50},
    "HyperParameters": {
        "image_shape": "3,16,16",
        "num_layers": "18",
        "num_training_samples": "200",
        "num_classes": "10",
        "mini_batch_size": "20",
        "epochs": "8",
        "learning_rate": "0.1",
    },
    "StoppingCondition": {"MaxRuntimeInSeconds": 360000},
    "InputDataConfig": [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": f"s3://{bucket}/digits/{name}/",
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
            "ContentType": "application/x-recordio",
            "CompressionType": "None",
        }
        for name in ("train", "validation")
    ],
}

# %% Train, and wait
sagemaker = boto3.client(service_name="sagemaker")
sagemaker.create_training_job(**training_params)
status = sagemaker.describe_training_job(TrainingJobName=job_name)["TrainingJobStatus"]
assert status == "InProgress"
sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=job_name)

# %% How it ended
training_info = sagemaker.describe_training_job(TrainingJobName=job_name)
assert training_info["TrainingJobStatus"] == "Completed"

# %% Make a model
sage = boto3.Session().client(service_name="sagemaker")
model_name = "DEMO-digits-model-" + time.strftime("-%Y-%m-%d-%H-%M-%S", time.gmtime())
model_data = sage.describe_training_job(TrainingJobName=job_name)["ModelArtifacts"]["S3ModelArtifacts"]
created_model = sage.create_model(
    ModelName=model_name,
    ExecutionRoleArn=role,
    PrimaryContainer={"Image": training_image, "ModelDataUrl": model_data},
)
assert created_model["ModelArn"].endswith(f":model/{model_name.lower()}")

# %% Configure an endpoint with an accelerator
endpoint_config_name = prefix + "-epc-" + time.strftime("-%Y-%m-%d-%H-%M-%S", time.gmtime())
created_config = sage.create_endpoint_config(
    EndpointConfigName=endpoint_config_name,
    ProductionVariants=[
        {
            "InstanceType": "ml.m4.xlarge",
            "InitialInstanceCount": 1,
            "ModelName": model_name,
            "AcceleratorType": "ml.eia1.large",
            "VariantName": "AllTraffic",
        }
    ],
)
assert created_config["EndpointConfigArn"].endswith(f":endpoint-config/{endpoint_config_name.lower()}")

# %% Make the endpoint
endpoint_name = prefix + "-ep-" + time.strftime("-%Y-%m-%d-%H-%M-%S", time.gmtime())
created_endpoint = sagemaker.create_endpoint(EndpointName=endpoint_name, EndpointConfigName=endpoint_config_name)
assert created_endpoint["EndpointArn"].endswith(f":endpoint/{endpoint_name.lower()}")

# %% Wait for it
assert sagemaker.describe_endpoint(EndpointName=endpoint_name)["EndpointStatus"] == "Creating"
sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint_name)
assert sagemaker.describe_endpoint(EndpointName=endpoint_name)["EndpointStatus"] == "InService"

# %% Ask it
runtime = boto3.Session().client(service_name="runtime.sagemaker")
with open(f"{data}/test.png", "rb") as file:
    payload = bytearray(file.read())
response = runtime.invoke_endpoint(EndpointName=endpoint_name, ContentType="application/x-image", Body=payload)
result = json.loads(response["Body"].read())
index = int(np.argmax(result))
print(f"Result: label - {index}, probability - {result[index]}")

# %% Take it down
sage.delete_endpoint(EndpointName=endpoint_name)
