"""The CreateTrainingJob request that a spec asks for, and the names of its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.api.numbers import number_text
from classifier_operator.reconcile.calls import tag_list
from classifier_operator.reconcile.decision import Defaults, Meta, SpecError, place_of, role_of
from classifier_operator.sagemaker.images import UnknownImageError, UnknownRegionError, image_uri
from classifier_operator.sagemaker.names import aws_name, content_hash
from classifier_operator.training.fetches import Fetch, fetches_of
from classifier_operator.training.spec import Input, Network, TrainingSpec

# The algorithm's own spelling where the rule "camelCase to snake_case" does not give it.
_SPELLINGS = {"beta1": "beta_1", "beta2": "beta_2"}
# What the algorithm's switches take for yes and no (its hyperparameter table).
_SWITCHES = {
    "earlyStopping": ("True", "False"),
    "multiLabel": ("1", "0"),
    "usePretrainedModel": ("1", "0"),
    "useWeightedLoss": ("1", "0"),
}
# Lists of numbers, in which blanks say nothing.
_LISTS = frozenset({"imageShape", "lrSchedulerStep"})


class Wanted(Struct, frozen=True, kw_only=True):
    """The run that the spec asks for: its request without a name, and what tells it from every other run.

    fetches: the files that have to be in S3 before it starts.
    """

    place: Place
    image: str
    request: dict[str, Any]
    fetches: tuple[Fetch, ...] = ()
    tags: dict[str, str]
    run: str
    meta: Meta

    def job(self, attempt: int) -> Resource:
        """The run's job of that attempt."""
        namespace, name = self.meta.key.namespace, self.meta.key.name
        return Resource(self.place, ResourceType.TRAINING_JOB, aws_name(namespace, name, self.run, str(attempt)))

    @property
    def params(self) -> dict[str, Any]:
        """The whole request but for the name."""
        return {**self.request, "Tags": tag_list(self.meta.all_tags(self.tags))}


def wanted_run(meta: Meta, spec: TrainingSpec, defaults: Defaults) -> Wanted:
    """The run that a spec asks for.

    Tags are no part of what tells runs apart: they change in place. The value of the retrain annotation is.

    Raises:
        SpecError: a field cannot be acted on.

    """
    place = place_of(spec.region, spec.assume_role_arn, defaults)
    image = spec.algorithm.image or _looked_up(spec, place)
    request = _request(spec, role_of(spec.role_arn, defaults), image)
    fetches = fetches_of(spec, place)
    # Where a file comes from is not sent, but other data is another run.
    content = [request, *({"object": fetch.s3_uri, "source": fetch.source} for fetch in fetches)]
    run = content_hash(meta.uid, meta.retrain, place.region, place.assume_role_arn, *content)
    return Wanted(
        place=place, image=image, request=request, fetches=fetches, tags=meta.kept_tags(spec.tags), run=run, meta=meta
    )


def hyperparameters(given: Mapping[str, Any]) -> dict[str, str]:
    """Hyperparameters as the algorithm takes them: snake_case names, every value a string.

    A value may stand in quotes or not. Text is sent as it is written, because names come from what is sent and an
    object that was stored must not become another run; a number is sent as JSON writes it, so that 0.1 is "0.1".

    Raises:
        SpecError: a value is neither text, a number nor a truth value.

    """
    known = {_spelling(name): _text(name, value) for name, value in given.items() if name != "extra"}
    extra = {name: _text(f"extra.{name}", value) for name, value in (given.get("extra") or {}).items()}
    return {name: text for name, text in (known | extra).items() if text is not None}


def _looked_up(spec: TrainingSpec, place: Place) -> str:
    try:
        return image_uri(place.region, name=spec.algorithm.name, version=spec.algorithm.version)
    except UnknownRegionError as error:
        raise SpecError("spec.region", str(error)) from error
    except UnknownImageError as error:
        raise SpecError("spec.algorithm", str(error)) from error


def _request(spec: TrainingSpec, role_arn: str, image: str) -> dict[str, Any]:
    parts = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": spec.algorithm.input_mode},
        "RoleArn": role_arn,
        "HyperParameters": hyperparameters(spec.hyperparameters),
        "InputDataConfig": [_channel(channel) for channel in sorted(spec.inputs, key=lambda one: one.name)],
        "OutputDataConfig": _present(S3OutputPath=spec.output.s3_uri, KmsKeyId=spec.output.kms_key_id),
        "ResourceConfig": _resources(spec),
        "StoppingCondition": _stopping(spec),
        "Environment": spec.environment,
        "EnableNetworkIsolation": spec.network.isolated,
        "EnableInterContainerTrafficEncryption": spec.network.encrypt_traffic,
        "EnableManagedSpotTraining": spec.spot is not None,
        "VpcConfig": vpc_config(spec.network),
    }
    if spec.spot is not None and spec.spot.checkpoint_s3_uri:
        parts["CheckpointConfig"] = {"S3Uri": spec.spot.checkpoint_s3_uri}
    return _present(**parts)


def vpc_config(network: Network) -> dict[str, Any]:
    """VpcConfig, empty where no subnets are given; both lists are sets to AWS, so they are sorted."""
    if not network.subnets:
        return {}
    return {"SecurityGroupIds": sorted(network.security_group_ids), "Subnets": sorted(network.subnets)}


def _channel(channel: Input) -> dict[str, Any]:
    source = _present(
        S3DataType=channel.s3_data_type,
        S3Uri=channel.s3_uri,
        S3DataDistributionType=channel.distribution,
        AttributeNames=list(channel.attribute_names),
    )
    shuffle = {} if channel.shuffle_seed is None else {"Seed": channel.shuffle_seed}
    return _present(
        ChannelName=channel.name,
        DataSource={"S3DataSource": source},
        ContentType=channel.content_type,
        CompressionType=channel.compression,
        RecordWrapperType=channel.record_wrapper,
        InputMode=channel.input_mode,
        ShuffleConfig=shuffle,
    )


def _resources(spec: TrainingSpec) -> dict[str, Any]:
    resources = spec.resources
    return _present(
        InstanceType=resources.instance_type,
        InstanceCount=resources.instance_count,
        VolumeSizeInGB=resources.volume_size_gb,
        VolumeKmsKeyId=resources.volume_kms_key_id,
        KeepAlivePeriodInSeconds=resources.keep_alive_period_seconds,
    )


def _stopping(spec: TrainingSpec) -> dict[str, Any]:
    wait = spec.spot.max_wait_seconds if spec.spot else None
    return _present(MaxRuntimeInSeconds=spec.stopping.max_runtime_seconds, MaxWaitTimeInSeconds=wait)


def _present(**parts: Any) -> dict[str, Any]:
    """Only what says something: an absent field and an empty one are the same request."""
    return {name: value for name, value in parts.items() if value not in (None, "", [], {}, False)}


def _spelling(name: str) -> str:
    return _SPELLINGS.get(name) or re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _text(name: str, value: Any) -> str | None:
    """A value as text, None where none is given: YAML's empty value is one that the API server keeps."""
    if value is None:
        return None
    if not isinstance(value, str | int | float):
        raise SpecError(f"spec.hyperparameters.{name}", "must be text, a number, true or false")
    text = number_text(value) if isinstance(value, float) else str(value)
    if name in _SWITCHES:
        yes, no = _SWITCHES[name]
        return {"true": yes, "1": yes, "false": no, "0": no}.get(text.lower(), text)
    return text.replace(" ", "") if name in _LISTS else text
