"""Owns what the demo has to know of the manifest that it applies: names, where the data goes, which image is tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from classifier_operator.api.kinds import Kind
from classifier_operator.demo.errors import DemoError
from classifier_operator.endpoint.spec import EndpointSpec, KeyRef
from classifier_operator.training.spec import TrainingSpec


@dataclass(frozen=True)
class Example:
    """One ClassifierTraining and the ClassifierEndpoint that serves its model."""

    path: Path
    training_name: str
    training: TrainingSpec
    endpoint_name: str
    endpoint: EndpointSpec

    @property
    def names(self) -> Mapping[Kind, str]:
        """Both objects' names."""
        return {Kind.TRAINING: self.training_name, Kind.ENDPOINT: self.endpoint_name}

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes' names as the endpoint says them; none where it names none."""
        return self.endpoint.class_labels.names if self.endpoint.class_labels else ()

    @property
    def sample(self) -> KeyRef | None:
        """The ConfigMap's key in which the smoke test looks for its image."""
        return self.endpoint.smoke_test.image.config_map_key_ref if self.endpoint.smoke_test else None

    @property
    def sample_class(self) -> int:
        """The class that the smoke test expects."""
        test = self.endpoint.smoke_test
        label = test.expect.name if test and test.expect else ""
        return self.labels.index(label) if label in self.labels else 0

    def channel(self, name: str) -> str:
        """A channel's address in S3; raises DemoError if the training has none of that name."""
        for given in self.training.inputs:
            if given.name == name:
                return given.s3_uri
        raise DemoError(f"{self.path}: the ClassifierTraining has no input named {name}")


def read_example(path: Path) -> Example:
    """Read the manifest; raises DemoError if it is not one training and one endpoint."""
    try:
        documents = [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]
        training, endpoint = (_only(documents, kind) for kind in (Kind.TRAINING, Kind.ENDPOINT))
        return Example(
            path=path,
            training_name=training["metadata"]["name"],
            training=msgspec.convert(training["spec"], TrainingSpec),
            endpoint_name=endpoint["metadata"]["name"],
            endpoint=msgspec.convert(endpoint["spec"], EndpointSpec),
        )
    except OSError as error:
        raise DemoError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, LookupError, TypeError, ValueError) as error:
        raise DemoError(f"{path} is no manifest that the demo can use: {error}") from error


def _only(documents: list[dict[str, Any]], kind: Kind) -> dict[str, Any]:
    found = [one for one in documents if one["kind"] == kind]
    if len(found) != 1:
        raise ValueError(f"it must have one {kind}, and has {len(found)}")
    return found[0]
