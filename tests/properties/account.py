"""The AWS account that the machines live in, whichever stands behind it: the fakes, or the emulator over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from classifier_operator.api.kinds import UID_TAG
from classifier_operator.api.ledger import Place
from tests.unit.world import MovingCloud

# Place, type and name, as in the ledger.
Key = tuple[Place, str, str]
Described = Mapping[str, Any]

THEIR_MODEL, THEIR_CONFIG = "their-model", "their-config"
THEIR_CONTAINER = {"Image": "other:1", "ModelDataUrl": "s3://bucket/theirs.tar.gz"}
THEIR_VARIANT = {
    "VariantName": "x",
    "ModelName": THEIR_MODEL,
    "InstanceType": "ml.c5.large",
    "InitialInstanceCount": 1,
}


class Account(MovingCloud, Protocol):
    """What is there, how things end, and what other hands do.

    bad_artifacts: models that take every image for class 0; all others answer class 1.
    """

    bad_artifacts: set[str]

    def resources(self) -> Mapping[Key, Described]:
        """Everything that exists, as Describe shows it."""
        ...

    def targets(self) -> Mapping[str, Mapping[str, float]]:
        """Scalable targets by ResourceId: low, high, and the aim of their policy."""
        ...

    def tags(self, key: Key) -> Mapping[str, str]:
        """A resource's tags."""
        ...

    def effects(self) -> Counter[str]:
        """The operator's calls that took effect, by operation, whether or not their answer arrived."""
        ...

    def refuse(
        self, operation: str, code: str, message: str = "", *, times: int = 1, status: int = 400, after: bool = False
    ) -> None:
        """The next calls are refused; `after`: they take effect, and only the answer is lost."""
        ...

    def become(self, account: str) -> None:
        """The operator's own credentials are of that account from now on, and all that is shown here is in it."""
        ...

    def asked_in(self, account: str) -> list[str]:
        """What the operator has asked for in that account, but for whose its credentials are."""
        ...

    def calm(self) -> None:
        """From now on nothing goes wrong; accelerators stay as they are."""
        ...

    def next_job(self, status: str, secondary: str, reason: str) -> None:
        """How the next training job ends."""
        ...

    def next_endpoint_fails(self, reason: str) -> None:
        """The next creation of an endpoint ends so."""
        ...

    def next_update_is_rolled_back(self, reason: str) -> None:
        """The next update of an endpoint ends so."""
        ...

    def refuse_accelerators(self, at: str) -> None:
        """At "CreateEndpointConfig", "CreateEndpoint", or "Endpoint" (it fails later); "" takes them."""
        ...

    def scaled_by_aws(self, endpoint: Key, variant: str, count: int) -> None:
        """Application Auto Scaling chooses a count, if it can now."""
        ...

    def make_served(self, place: Place, name: str, tags: Mapping[str, str]) -> None:
        """Somebody's endpoint, a day old and in service, with the model and the configuration named above."""
        ...

    def remove(self, endpoint: Key) -> None:
        """Somebody takes an endpoint away."""
        ...

    def move(self, endpoint: Key, config: str) -> None:
        """Somebody moves an endpoint to a configuration of their own, if AWS takes it now."""
        ...

    def rescale(self, endpoint: Key, wish: Mapping[str, Any]) -> None:
        """Somebody changes a variant's count or weight, if AWS takes it now."""
        ...


def of_object(account: Account, uid: str) -> dict[Key, Described]:
    """What bears that object's tag."""
    return {key: one for key, one in account.resources().items() if account.tags(key).get(UID_TAG) == uid}
