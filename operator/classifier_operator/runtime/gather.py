"""Gather: everything that a decision about one object looks at, as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from classifier_operator.api.cluster_name import NAMELESS, ClusterNames
from classifier_operator.api.conditions import ConditionType, find
from classifier_operator.api.kinds import ADOPT_ANNOTATION, FINALIZER, RETRAIN_ANNOTATION, Kind, ObjectKey
from classifier_operator.api.ledger import Entry, Resource, ResourceType, resources_in
from classifier_operator.endpoint.record import EndpointStatus
from classifier_operator.endpoint.situation import Endpoint
from classifier_operator.endpoint.smoke_test import SmokeTestKey, SmokeTestState
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.endpoint.variants import TrainedModel, asked_for
from classifier_operator.reconcile.account import UNCHECKED, AccountCheck, account_in, is_account
from classifier_operator.reconcile.decision import Defaults, Meta
from classifier_operator.reconcile.past import Found, Past
from classifier_operator.reconcile.tenants import EVERYTHING, Allowance
from classifier_operator.runtime.bodies import mapping, word
from classifier_operator.runtime.store import Body, Store
from classifier_operator.sagemaker.views import JOB_ENDED
from classifier_operator.training.fetches import Imports
from classifier_operator.training.situation import Training
from classifier_operator.training.spec import Output, Resources, TrainingSpec, TrainingStatus

SpecT = TypeVar("SpecT", TrainingSpec, EndpointSpec)

# A number of classes has fewer; a longer text is none.
_DIGITS = 10
NO_TRAINING = TrainingSpec(inputs=(), output=Output(s3_uri=""), resources=Resources(instance_type=""))


class InvalidObjectError(ValueError):
    """The object does not have the shape that its CRD promises; the message carries the field's path."""


def has_finalizer(body: Body) -> bool:
    """Whether the operator holds the object back until it has cleaned up."""
    return FINALIZER in body["metadata"].get("finalizers", ())


def left_behind(body: Body) -> list[str]:
    """What may be left at AWS of an object that is gone without our having let it go: type and name."""
    ledger = body.get("status", {}).get("resources", ()) if has_finalizer(body) else ()
    return [f"{entry.get('type')} {entry.get('name')}" for entry in ledger]


def is_newly_wanted(body: Body) -> bool:
    """Whether somebody has made or changed the object since it was last looked at."""
    observed = body.get("status", {}).get("observedGeneration")
    return bool(observed != body["metadata"].get("generation", 1))


def is_being_deleted(body: Body) -> bool:
    """Whether somebody has asked for the object's deletion."""
    return "deletionTimestamp" in body["metadata"]


def meta_of(key: ObjectKey, body: Body, cluster: ClusterNames = NAMELESS) -> Meta:
    """The metadata that decisions need, with the names of the cluster that the object is in."""
    metadata = body["metadata"]
    annotations = metadata.get("annotations", {})
    return Meta(
        key=key,
        uid=metadata["uid"],
        generation=metadata.get("generation", 1),
        is_deleted=is_being_deleted(body),
        retrain=annotations.get(RETRAIN_ANNOTATION, ""),
        adopt=annotations.get(ADOPT_ANNOTATION, ""),
        cluster=cluster,
        created=_time(word(metadata.get("creationTimestamp"))),
    )


def training_of(
    key: ObjectKey,
    body: Body,
    defaults: Defaults,
    *,
    imports: Imports,
    allowed: Allowance = EVERYTHING,
    cluster: ClusterNames = NAMELESS,
    accounts: AccountCheck = UNCHECKED,
    past: Past = Past.KNOWN,
    found: Found | None = None,
) -> Training:
    """A ClassifierTraining as its decisions see it."""
    return Training(
        meta=meta_of(key, body, cluster),
        spec=_spec_of(body, TrainingSpec, NO_TRAINING),
        status=_converted(body.get("status", {}), TrainingStatus, "status"),
        defaults=defaults,
        imports=imports,
        allowed=allowed,
        accounts=accounts,
        past=past,
        found=found,
    )


def endpoint_of(
    key: ObjectKey,
    body: Body,
    defaults: Defaults,
    *,
    store: Store,
    testing: SmokeTestState | None,
    testable: SmokeTestKey | None = None,
    allowed: Allowance = EVERYTHING,
    cluster: ClusterNames = NAMELESS,
    knows_trainings: bool = True,
    accounts: AccountCheck = UNCHECKED,
    past: Past = Past.KNOWN,
    found: Found | None = None,
) -> Endpoint:
    """A ClassifierEndpoint as its decisions see it."""
    spec = _spec_of(body, EndpointSpec, EndpointSpec())
    names = {asked.training for asked in asked_for(spec)} - {""}
    bodies = {name: store.followed(ObjectKey(Kind.TRAINING, key.namespace, name)) for name in names}
    return Endpoint(
        meta=meta_of(key, body, cluster),
        spec=spec,
        status=_converted(body.get("status", {}), EndpointStatus, "status"),
        defaults=defaults,
        trained={name: _trained(body) for name, body in bodies.items() if body is not None},
        knows_trainings=knows_trainings,
        testing=testing,
        testable=testable,
        allowed=allowed,
        accounts=accounts,
        past=past,
        found=found,
    )


def own_region(body: Body, defaults: Defaults) -> str:
    """Where the operator's own identity acts for the object, or did; "" where it does not, or nobody says where."""
    spec, ledger = mapping(body.get("spec")), _ledger(body)
    if not (spec.get("assumeRoleArn") or defaults.assume_role_arn):
        return word(spec.get("region")) or defaults.region
    return next((one.place.region for one in ledger if not one.place.assume_role_arn), "")


def names_own_resources(body: Body) -> bool:
    """Whether the status names something that the operator's own identity has made, or was about to make."""
    return any(not one.place.assume_role_arn for one in _ledger(body))


def recorded_account(body: Body) -> str:
    """The account in which the operator's own identity has made what the status names; "" where it names nothing.

    A status that was written before accounts were recorded tells it by the ARN of its job or endpoint.
    """
    own = [one for one in _ledger(body) if not one.place.assume_role_arn]
    status = mapping(body.get("status"))
    if not own:
        return ""
    if is_account(recorded := word(status.get("account"))):
        return recorded
    for kind, name, arn in _NAMED:
        named = [one for one in own if (one.type, one.name) == (kind, word(status.get(name)))]
        if named and (account := account_in(word(status.get(arn)))):
            return account
    return ""


def account_of_role(body: Body, defaults: Defaults) -> str:
    """The account of the execution role, which is in that of whoever passes it; "" where none is named."""
    return account_in(word(mapping(body.get("spec")).get("roleArn")) or defaults.role_arn)


def with_account(status: dict[str, Any], account: str) -> dict[str, Any]:
    """The status with the account in which the operator's own identity has made, or makes, what it names."""
    others = {name: value for name, value in status.items() if name != "account"}
    is_own = any(not entry.get("assumeRoleArn") for entry in status.get("resources", ()))
    known = account or status.get("account", "")
    return {**others, "account": known} if is_own and known else others


_NAMED = (
    (ResourceType.TRAINING_JOB, "jobName", "jobArn"),
    (ResourceType.ENDPOINT, "endpointName", "endpointArn"),
)


def _ledger(body: Body) -> list[Resource]:
    """What the status names; nothing of one that a hand in etcd has spoilt."""
    status = mapping(body.get("status"))
    try:
        return resources_in(msgspec.convert(status.get("resources", ()), tuple[Entry, ...]))
    except msgspec.ValidationError:
        return []


def left_at_aws(body: Body) -> tuple[frozenset[Resource], frozenset[Resource]]:
    """What an earlier process is known to have made at AWS for the object: the job, if it may run still; the endpoint.

    What is in the ledger alone may be a stranger's, of that name: whose it is has to be asked first.
    """
    status, ledger = mapping(body.get("status")), _ledger(body)

    def made(kind: ResourceType, name: str, arn: str) -> frozenset[Resource]:
        named = {(kind, word(status.get(name)))} if status.get(arn) else set()
        return frozenset(one for one in ledger if (one.type, one.name) in named)

    jobs, endpoints = (made(*named) for named in _NAMED)
    is_over = word(status.get("jobStatus")) in JOB_ENDED
    return frozenset() if is_over else jobs, endpoints


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _trained(body: Body) -> TrainedModel:
    status = _converted(body.get("status", {}), TrainingStatus, "status")
    ready = find(status.conditions, ConditionType.READY)
    message = ready.message if ready is not None else "the operator has not looked at it yet"
    good, classes = status.model_artifacts, _classes(body)
    if good is None:
        return TrainedModel(message=message, classes=classes)
    return TrainedModel(
        artifact=good.s3_uri,
        image=good.image or status.image,
        job_name=good.job_name,
        message=message,
        classes=classes,
    )


def _classes(body: Body) -> int:
    """How many classes a training's spec asks for, as a number or as text; 0 where it does not say."""
    text = str(mapping(mapping(body.get("spec")).get("hyperparameters")).get("numClasses", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0


def _spec_of(body: Body, kind: type[SpecT], nothing: SpecT) -> SpecT:
    """The spec; of one that does not fit, deletion needs nothing but the policy, and must not wait for a better one."""
    spec = body.get("spec", {})
    try:
        converted: SpecT = _converted(spec, kind, "spec")
    except InvalidObjectError:
        if not is_being_deleted(body):
            raise
        return structs.replace(nothing, deletion_policy=word(mapping(spec).get("deletionPolicy")))
    return converted


def _converted(value: Any, kind: Any, path: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidObjectError(str(error).replace("`$", f"`{path}")) from error
