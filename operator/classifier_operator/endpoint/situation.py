"""What decisions about a ClassifierEndpoint look at: the object, what it asks for, and what AWS says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property

from msgspec import Struct, structs

from classifier_operator.api.conditions import Reason, Verdict, rfc3339, working
from classifier_operator.api.ledger import Resource, ResourceType, resources_in
from classifier_operator.endpoint import status as report
from classifier_operator.endpoint.deployment import Deployment, deployment_of
from classifier_operator.endpoint.names import check_names
from classifier_operator.endpoint.record import EndpointStatus, RolledBack, SmokeTestStatus, Update
from classifier_operator.endpoint.smoke_test import SmokeTestKey, SmokeTestState, test_hash
from classifier_operator.endpoint.spec import EndpointSpec
from classifier_operator.endpoint.variants import Asked, Source, TrainedModel, asked_for, hardware_of, source_of
from classifier_operator.reconcile.account import UNCHECKED, AccountCheck
from classifier_operator.reconcile.decision import Decision, Defaults, Meta, Seen, place_of
from classifier_operator.reconcile.past import Found, Past
from classifier_operator.reconcile.tenants import EVERYTHING, Allowance
from classifier_operator.reconcile.trouble import Trouble
from classifier_operator.reconcile.walls import is_beyond, refusal_of
from classifier_operator.sagemaker.views import EndpointView, Sighting, Unseen

EndpointDecision = Decision[EndpointStatus]


class Endpoint(Struct, frozen=True, kw_only=True, dict=True):
    """A ClassifierEndpoint as decisions see it.

    trained: those of its trainings that exist, by name.
    knows_trainings: all trainings of the namespace are known; if not, one that is absent may exist all the same.
    testable: the smoke test of which it is known that what it needs is there and fits.
    """

    meta: Meta
    spec: EndpointSpec
    status: EndpointStatus
    defaults: Defaults = Defaults()
    trained: Mapping[str, TrainedModel] = {}
    knows_trainings: bool = True
    testing: SmokeTestState | None = None
    testable: SmokeTestKey | None = None
    allowed: Allowance = EVERYTHING
    accounts: AccountCheck = UNCHECKED
    past: Past = Past.KNOWN
    found: Found | None = None

    @cached_property
    def wanted(self) -> Deployment | None:
        """The deployment that the spec asks for; None while a variant has no model to serve. Raises SpecError."""
        return wanted_deployment(self)

    @cached_property
    def wall(self) -> str:
        """Why the spec says what the namespace has made final; "" where it does not."""
        return refusal_of(self.spec, self.defaults, policy="Delete")


_SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})


class Situation(Struct, frozen=True, kw_only=True):
    """Everything that the rules look at, gathered once."""

    meta: Meta
    spec: EndpointSpec
    status: EndpointStatus
    wanted: Deployment
    seen: Seen
    now: datetime
    defaults: Defaults = Defaults()
    testing: SmokeTestState | None = None
    testable: SmokeTestKey | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The tags that are kept on everything that serves."""
        return self.meta.kept_tags(self.spec.tags)

    @property
    def sighting(self) -> Sighting:
        """What AWS says of the endpoint."""
        return self.seen.of(self.wanted.endpoint)

    @property
    def view(self) -> EndpointView | None:
        """The endpoint, if AWS has described or listed it."""
        return self.sighting if isinstance(self.sighting, EndpointView) else None

    @property
    def serves(self) -> bool:
        """Whether something serves that had been found good: an update must not take that away."""
        return report.was_ready(self.status) and serve(self.own or self.follow, self.seen, self.defaults)

    @property
    def refusal_in_place(self) -> Trouble | None:
        """The final refusal of other counts or weights: what serves goes on as it is, and all else is done to it."""
        trouble = self.seen.trouble_with(self.wanted.endpoint)
        is_one = trouble is not None and trouble.is_beside_the_rest and trouble.is_pausing(self.now)
        return trouble if is_one else None

    @property
    def is_made(self) -> bool:
        """Whether the status knows this very endpoint: it is not that of another region."""
        return bool(self.status.endpoint_arn) and self.status.endpoint_name == self.wanted.endpoint.name

    @property
    def update(self) -> Update | None:
        """The update to what is wanted, if it is on record; one to something else tells nothing of it."""
        update = self.status.update
        return update if update is not None and update.endpoint_config_name == self.wanted.config.name else None

    @property
    def follow(self) -> frozenset[Resource]:
        """The endpoint, to be watched while it moves."""
        return frozenset({self.wanted.endpoint})

    @property
    def own(self) -> frozenset[Resource]:
        """The endpoint that has been made, be it in another region: whatever else is wrong, Ready stays true to it."""
        return made_for(self.status)

    def says(self, verdict: Verdict, status: EndpointStatus | None = None) -> EndpointStatus:
        """The status with that verdict."""
        return report.with_conditions(status or self.status, self.meta, verdict, self.now)

    def refuses(self, kind: Reason, words: str) -> RolledBack:
        """What is wanted was refused: it is not tried again."""
        return RolledBack(endpoint_config_name=self.wanted.config.name, kind=kind, reason=words, time=rfc3339(self.now))

    def busy(self, reason: Reason, message: str) -> Verdict:
        """Something is under way; what serves goes on serving."""
        ready = Reason.IN_SERVICE if self.serves else reason
        return working(reason, message, is_ready=self.serves, ready=ready)


def made_for(status: EndpointStatus) -> frozenset[Resource]:
    """The endpoint that has been made for the object, as the ledger has it."""
    if not status.endpoint_arn:
        return frozenset()
    ledger = resources_in(status.resources)
    return frozenset(one for one in ledger if one.type is ResourceType.ENDPOINT and one.name == status.endpoint_name)


def serve(endpoints: Iterable[Resource], seen: Seen, defaults: Defaults) -> bool:
    """Whether all of these serve, as far as is known; what is beyond the namespace's wall nobody looks at."""
    return all(may_serve(seen.of(one)) and not is_beyond(one.place, defaults) for one in endpoints)


def may_serve(sighting: Sighting) -> bool:
    """Whether the endpoint serves, as far as is known."""
    if isinstance(sighting, EndpointView):
        return sighting.status in _SERVING
    return sighting is Unseen.UNKNOWN


def wanted_deployment(endpoint: Endpoint) -> Deployment | None:
    """The deployment that the spec asks for; None while a variant has no model to serve."""
    spec, status = endpoint.spec, endpoint.status
    check_names(spec)
    place = place_of(spec.region, spec.assume_role_arn, endpoint.defaults)
    hardware = [hardware_of(asked, status.refused_accelerators, place) for asked in asked_for(spec)]
    sources = sources_of(endpoint)
    ready = [
        (asked, source, machine)
        for (asked, source), machine in zip(sources, hardware, strict=True)
        if source is not None
    ]
    if len(ready) < len(sources):
        return None
    return deployment_of(endpoint.meta, spec, endpoint.defaults, status, ready)


def sources_of(endpoint: Endpoint) -> list[tuple[Asked, Source | None]]:
    """The variants and their models; None for one whose training has none yet."""
    spec = endpoint.spec
    place = place_of(spec.region, spec.assume_role_arn, endpoint.defaults)
    return [(asked, source_of(asked, endpoint.status, endpoint.trained, place)) for asked in asked_for(spec)]


def with_outcome(at: Situation) -> Situation:
    """The same with the outcome of a smoke test that has ended in its status, if it is still the one to run."""
    testing = at.testing
    if testing is None or testing.outcome is None or testing.test not in tests_of(at):
        return at
    return structs.replace(at, status=structs.replace(at.status, smoke_test=testing.outcome))


def of_this_place(status: EndpointStatus, wanted: Deployment) -> EndpointStatus:
    """The status without the tags that were sent to another region: what is in this one may have others."""
    return status if status.region in ("", wanted.place.region) else structs.replace(status, tags={})


def is_outcome_of(outcome: SmokeTestStatus | None, spec: EndpointSpec, wanted: Deployment) -> bool:
    if outcome is None:
        return False
    return SmokeTestKey.of(wanted.endpoint, outcome.endpoint_config_name, outcome.test_hash) == wanted_test(
        spec, wanted
    )


def wanted_test(spec: EndpointSpec, wanted: Deployment) -> SmokeTestKey | None:
    """The smoke test that is asked for of what is wanted."""
    if spec.smoke_test is None:
        return None
    return SmokeTestKey.of(wanted.endpoint, wanted.config.name, test_hash(spec.smoke_test, spec.class_labels))


def smoke_test_is_done(at: Situation) -> bool:
    return at.spec.smoke_test is None or is_outcome_of(at.status.smoke_test, at.spec, at.wanted)


def tests_of(at: Situation) -> frozenset[SmokeTestKey]:
    """The smoke test that goes on, if it is under way: the one that is asked for, of what the endpoint serves."""
    test, view = wanted_test(at.spec, at.wanted), at.view
    if test is None or smoke_test_is_done(at) or at.sighting is Unseen.ABSENT:
        return frozenset()
    # A List does not say which configuration serves.
    serves_another = view is not None and view.is_detailed and view.config_name != at.wanted.config.name
    return frozenset() if serves_another else frozenset({test})
