"""What the API server says of a text that has not the shape of its field: what to write, with an example."""

from __future__ import annotations

from typing import Final

REGION: Final = "must be the name of an AWS region, such as us-east-1"
ROLE_ARN: Final = (
    "must be the ARN of an IAM role, not its name, such as arn:aws:iam::123456789012:role/SageMakerExecution"
)
INSTANCE_TYPE: Final = "must be an instance type of SageMaker, which begins with ml., such as ml.m5.large"
TRAINING: Final = "must be the name of a ClassifierTraining: lower-case letters, digits, - and ., such as caltech256"
CONFIG_MAP: Final = "must be the name of a ConfigMap: lower-case letters, digits, - and ., such as caltech256-labels"
CONFIG_MAP_KEY: Final = "must be a key of a ConfigMap: letters, digits, -, _ and ., such as labels.txt"
ARCHIVE: Final = "must be the address of an archive in S3, such as s3://bucket/output/my-job/output/model.tar.gz"
S3_OBJECT: Final = "must be the address of an object in S3, such as s3://bucket/samples/bathtub.jpg"
S3_PREFIX: Final = "must be a bucket in S3, or a prefix in one, such as s3://bucket/captured"
IMAGE: Final = (
    "must be the address of an image, without spaces, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
)
CONTENT_TYPE: Final = "must be a MIME type, such as application/x-image, image/png or image/jpeg"
KMS_KEY: Final = "must be the ID, ARN or alias of a KMS key, such as alias/classifiers"
SUBNET: Final = "must be the ID of a subnet, such as subnet-0123456789abcdef0"
SECURITY_GROUP: Final = "must be the ID of a security group, such as sg-0123456789abcdef0"
ALARM: Final = "must be the name of a CloudWatch alarm, in one line, such as high-5xx"
VARIANT: Final = "must be letters, digits and dashes, with a letter or a digit at both ends, such as champion"
IMAGE_TAG: Final = "must be the tag of an image, such as 1"
TRAINING_TYPE: Final = "must be an instance type of SageMaker, which begins with ml., such as ml.g4dn.xlarge"
CHANNEL: Final = "must be letters, digits, ., _ and -, such as train"
INPUT: Final = "must be a bucket in S3, or a prefix in one, such as s3://bucket/train"
OUTPUT: Final = "must be a bucket in S3, or a prefix in one, such as s3://bucket/output"
CHECKPOINTS: Final = "must be a bucket in S3, or a prefix in one, such as s3://bucket/checkpoints"
DATA_TYPE: Final = "must be a MIME type, such as application/x-recordio"
ATTRIBUTE: Final = "must be the name of an attribute, in one line, such as source-ref"
URL: Final = (
    "must be an http or https address without spaces, backslashes or a fragment, "
    "such as https://example.org/data/train.rec"
)
SHA256: Final = "must be 64 lower-case hexadecimal digits, as sha256sum prints them"
SHAPE: Final = "must be channels, height and width with commas between, such as 3,224,224"
CHANNELS: Final = "must be channels,height,width, such as 3,224,224: the channels come first, and there are 1, 3 or 4"
STEPS: Final = "must be epochs with commas between, such as 10,20"
PARAMETER: Final = 'must be one line of text, such as "0.5"'
TAG_VALUE: Final = "must be letters, digits, spaces and _.:/=+-@ only, such as vision"
