"""A stand-in for SageMaker's built-in image-classification algorithm: what its container does, in process.

It takes the same hyperparameters and channels, refuses what the algorithm refuses in the same manner, logs
in the same style, and leaves an artifact that can be served. The model is a small network on shrunken
images, not a ResNet: good enough to tell digits apart in seconds on one core, and no measure of what the
real one reaches.

Knows nothing of AWS: bytes in, bytes out. Jobs, S3, logs and endpoints are the emulator's.
"""

from sagemaker_emulator.algorithm.artifact import InvalidArtifact
from sagemaker_emulator.algorithm.channels import Channel
from sagemaker_emulator.algorithm.errors import AlgorithmError, FailureKind, InvalidImage, UnsupportedContentType
from sagemaker_emulator.algorithm.serving import Classifier, load
from sagemaker_emulator.algorithm.training import Metric, TrainingResult, train

__all__ = [
    "AlgorithmError",
    "Channel",
    "Classifier",
    "FailureKind",
    "InvalidArtifact",
    "InvalidImage",
    "Metric",
    "TrainingResult",
    "UnsupportedContentType",
    "load",
    "train",
]
