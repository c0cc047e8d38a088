"""A Kubernetes operator for SageMaker image classifiers."""

__version__ = "0.1.0"
