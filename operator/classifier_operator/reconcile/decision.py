"""What a decision is made from, and what it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct, structs

from classifier_operator.api.cluster_name import ClusterNames
from classifier_operator.api.kinds import CLUSTER_TAG, GROUP, OBJECT_TAG, UID_TAG, ObjectKey
from classifier_operator.api.ledger import Place, Resource
from classifier_operator.reconcile.calls import Call
from classifier_operator.reconcile.owner import Owner
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.sagemaker import regions, roles
from classifier_operator.sagemaker.refusal_codes import LIMITS
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.views import Sighting, Stranger, Unseen

StatusT = TypeVar("StatusT")

# AWS's limit (Tag.Value); a namespace and a name may be longer together.
TAG_VALUE_LENGTH = 256
# AWS's limit for one resource; three of them are the operator's.
MOST_TAGS = 50


class Meta(Struct, frozen=True, kw_only=True):
    """What decisions need of an object's metadata.

    created: since when there is the object, by the API server's clock; None where that is not known.
    """

    key: ObjectKey
    uid: str
    generation: int = 1
    is_deleted: bool = False
    retrain: str = ""
    adopt: str = ""
    cluster: ClusterNames = ClusterNames()
    created: datetime | None = None

    def all_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the tags of what is made: the spec's, and those by which a resource is known as this object's.

        That of the object is for people, and may be cut.
        """
        return {**self.kept_tags(tags), UID_TAG: self.uid, OBJECT_TAG: self._name}

    def kept_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the tags that change in place: the spec's, and the cluster's where there is room for it."""
        own = {key: value for key, value in tags.items() if not key.lower().startswith(f"{GROUP}/")}
        has_room = len(own) + 3 <= MOST_TAGS
        return {**own, CLUSTER_TAG: self.cluster.name} if self.cluster.name and has_room else own

    @property
    def owner(self) -> Owner:
        """The object as the owner of its resources."""
        return Owner(uid=self.uid, object=self._name, cluster=self.cluster.name)

    @property
    def _name(self) -> str:
        return str(self.key)[:TAG_VALUE_LENGTH]

    def owns(self, owner: Owner) -> bool:
        """Whether a resource with that owner is this object's: an object of another cluster may have the same UID."""
        return owner.uid == self.uid and self.cluster.include(owner.cluster)

    def name_of(self, owner: Owner) -> str:
        """Return what the owner is called in a message about this object; "" for nobody."""
        is_elsewhere = owner.name and not self.cluster.include(owner.cluster)
        return f"{owner.name} of cluster {owner.cluster}" if is_elsewhere else owner.name


class Defaults(Struct, frozen=True, kw_only=True):
    """What fields mean when they are absent: the namespace's annotations over the operator's settings.

    enforced: those that are final, by the names of their annotations (`walls`).
    enforcement_problem: why nobody knows which are, "" where all is well.
    """

    region: str = ""
    role_arn: str = ""
    assume_role_arn: str = ""
    deletion_policy: str = ""
    enforced: frozenset[str] = frozenset()
    enforcement_problem: str = ""


class Seen(Struct, frozen=True, kw_only=True):
    """What the gatherer knows of AWS for one object.

    unproven: what may be somebody else's, for its tags have not been looked at.
    unconfirmed: what was not found once and was there before, or may have been made just before an earlier process
        ended, and the seconds until it has to be asked for again.
    """

    sightings: Mapping[Resource, Sighting] = {}
    unproven: frozenset[Resource] = frozenset()
    unconfirmed: Mapping[Resource, float] = {}
    troubles: Mapping[Resource, Trouble] = {}

    def of(self, resource: Resource) -> Sighting:
        """What is known of a resource."""
        return self.sightings.get(resource, Unseen.UNKNOWN)

    def owner_of(self, resource: Resource) -> Sighting:
        """What is known of a resource, where that it is there is not enough: nothing before its tags were looked at."""
        found = self.of(resource)
        is_known = found is Unseen.ABSENT or isinstance(found, Stranger) or resource not in self.unproven
        return found if is_known else Unseen.UNKNOWN

    def is_gone(self, resource: Resource) -> bool:
        """Whether AWS has said that there is none, often enough that nobody needs to look after it."""
        return self.of(resource) is Unseen.ABSENT and resource not in self.unconfirmed

    def trouble_with(self, *resources: Resource) -> Trouble | None:
        """The trouble with these that lasts longest; trouble with what is no longer wanted does not count."""
        troubles = [self.troubles[one] for one in resources if one in self.troubles]
        return max(troubles, key=lambda trouble: (trouble.is_final, trouble.retry_at), default=None)


class Subject(Struct, frozen=True, kw_only=True):
    """What a pass is about: which resources count, and what it tries to reach.

    Trouble is forgotten once the identity changes: a corrected spec is tried at once, whatever the back-off was.

    has_accelerator: whether an accelerator is asked for.
    """

    resources: frozenset[Resource]
    identity: str
    has_accelerator: bool = False

    def judged(self, refusal: AwsRefusal) -> AwsRefusal:
        """Return the refusal as it is meant: who asks for no accelerator cannot be refused one."""
        if refusal.kind is not RefusalKind.ACCELERATOR or self.has_accelerator:
            return refusal
        return refusal.meaning(RefusalKind.QUOTA if refusal.code in LIMITS else RefusalKind.UNKNOWN)

    def beside(self, resources: frozenset[Resource]) -> Subject:
        """Return the same with these resources, too."""
        return structs.replace(self, resources=self.resources | resources)


class Decision(Struct, Generic[StatusT], frozen=True, kw_only=True):
    """What to do now, and what the status says once it is done.

    follow: resources that are on the move; the sweeps report each change of theirs.
    guard: resources that ought to stay as they are; the slow sweeps report when they do not.
    transfers: what of it goes on in the background; what is not named here is ended.
    again_after: seconds until the object wants another look of its own accord.
    releases: the finalizer may go, because nothing is left to clean up.
    """

    status: StatusT
    calls: tuple[Call | Any, ...] = ()
    follow: frozenset[Resource] = frozenset()
    guard: frozenset[Resource] = frozenset()
    transfers: frozenset[Any] = frozenset()
    again_after: float | None = None
    releases: bool = False


class SpecError(ValueError):
    """The spec cannot be acted on: which field, and what is wrong with it."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def place_of(region: str, assume_role_arn: str, defaults: Defaults) -> Place:
    """Where an object's calls go.

    Raises:
        SpecError: there is no region, which is never guessed; or what is given by the field or by default, which may be
            the namespace's annotation or of an older CRD, is no name of a region, or no ARN of a role.

    """
    chosen = region or defaults.region
    if not chosen:
        raise SpecError("spec.region", _missing("region", "us-east-1"))
    if problem := regions.problem_of(chosen):
        raise SpecError("spec.region", _by_default("region", region, problem))
    role = assume_role_arn or defaults.assume_role_arn
    if role and (problem := roles.problem_of(role)):
        raise SpecError("spec.assumeRoleArn", _by_default("assume-role-arn", assume_role_arn, problem))
    return Place(chosen, role)


def role_of(role_arn: str, defaults: Defaults) -> str:
    """The execution role that SageMaker gets.

    Raises:
        SpecError: there is none, or what is given is no ARN of a role.

    """
    chosen = role_arn or defaults.role_arn
    if not chosen:
        raise SpecError("spec.roleArn", _missing("role-arn", roles.EXAMPLE))
    if problem := roles.problem_of(chosen):
        raise SpecError("spec.roleArn", _by_default("role-arn", role_arn, problem))
    return chosen


def _missing(annotation: str, example: str) -> str:
    """What to write where there is neither a field nor a default."""
    return (
        f"is not set, and neither is the namespace's annotation {GROUP}/{annotation}, nor the operator's "
        f"--{annotation}: set one of them, such as {example}"
    )


def _by_default(annotation: str, field: str, problem: str) -> str:
    """Say where a value is from that is not in the field."""
    source = "" if field else f"by default, from the namespace's annotation {GROUP}/{annotation} or --{annotation}: "
    return f"{source}{problem}"
