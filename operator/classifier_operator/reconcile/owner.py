"""Whose a resource at AWS is, as its tags say."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from classifier_operator.api.kinds import OBJECT_TAG, UID_TAG


class Owner(Struct, frozen=True):
    """The object that a resource's tags name; both fields are empty where they name none.

    uid: the object's UID.
    object: its kind, namespace and name, for people.
    """

    uid: str = ""
    object: str = ""

    @property
    def words(self) -> str:
        """Name the owner to people; "" where there is none."""
        return self.object or self.uid


def owner_in(tags: Mapping[str, str]) -> Owner:
    """Read the owner from a resource's tags."""
    return Owner(uid=tags.get(UID_TAG, ""), object=tags.get(OBJECT_TAG, ""))
