"""What the two kinds are called, and the key by which the operator refers to one object."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

GROUP = "classifiers.sagemaker.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/finalizer"
RETRAIN_ANNOTATION = f"{GROUP}/retrain"
ADOPT_ANNOTATION = f"{GROUP}/adopt"
# Of a namespace: which of its defaults are final.
ENFORCE_ANNOTATION = f"{GROUP}/enforce"

UID_TAG = f"{GROUP}/uid"
OBJECT_TAG = f"{GROUP}/object"
CLUSTER_TAG = f"{GROUP}/cluster"
NAMESPACE_TAG = f"{GROUP}/namespace"


class Kind(StrEnum):
    """The kinds that this operator serves."""

    TRAINING = "ClassifierTraining"
    ENDPOINT = "ClassifierEndpoint"

    @property
    def plural(self) -> str:
        """The resource's name in URLs and RBAC rules."""
        return f"{self.value.lower()}s"


class ObjectKey(NamedTuple):
    """One object of the cluster."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.namespace}/{self.name}"
