"""Whose a resource at AWS is, as its tags say."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from classifier_operator.api.kinds import CLUSTER_TAG, OBJECT_TAG, UID_TAG


class Owner(Struct, frozen=True):
    """The object that a resource's tags name; all fields are empty where they name none.

    uid: the object's UID.
    object: its kind, namespace and name, for people.
    cluster: the name of the cluster that it is an object of; "" where nobody has said so.
    """

    uid: str = ""
    object: str = ""
    cluster: str = ""

    @property
    def name(self) -> str:
        """The owner for people; "" where there is none."""
        return self.object or self.uid


def owner_in(tags: Mapping[str, str]) -> Owner:
    """Read the owner from a resource's tags."""
    return Owner(uid=tags.get(UID_TAG, ""), object=tags.get(OBJECT_TAG, ""), cluster=tags.get(CLUSTER_TAG, ""))
