r"""What AssumeRole is told of whom a role is assumed for, so that the role's trust policy can tell namespaces apart.

Sources: STS API reference, AssumeRole (RoleSessionName: 2 to 64 of `[\w+=,.@-]`; ExternalId: 2 to 1,224 of
`[\w+=,.@:\/-]`; Tags); Kubernetes: a namespace is a DNS label, 1 to 63 of `[a-z0-9-]`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from classifier_operator.api.kinds import CLUSTER_TAG, NAMESPACE_TAG

SESSION_NAME_LENGTH = 64
# So much of the session's name is the cluster's at most, so that 27 characters at least are left for the namespace.
_CLUSTER_LENGTH = 36
# Of base32: 80 bits, so that nobody finds a namespace whose name is cut to another one's.
_HASH_LENGTH = 16
# Neither a namespace nor a cluster's name has a comma: what is cut cannot look like what is not.
_CUT = ","
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class RoleSessions(Struct, frozen=True, kw_only=True):
    """How roles are assumed.

    cluster: returns the name of the cluster; "" while nobody knows it.
    external_id: the ExternalId, in which `{namespace}` and `{cluster}` stand for these; "" sends none.
    with_tags: whether the session gets the namespace and the cluster as session tags.
    """

    cluster: Callable[[], str] = lambda: ""
    external_id: str = ""
    with_tags: bool = False

    def request(self, namespace: str) -> dict[str, Any]:
        """Return the members of AssumeRole's request that say on whose behalf the role is assumed.

        Raises:
            ValueError: no namespace is given.

        """
        if not namespace:
            raise ValueError("a role is assumed on behalf of a namespace, and none is given")
        cluster = self.cluster()
        request: dict[str, Any] = {"RoleSessionName": session_name(namespace, cluster)}
        if self.external_id:
            request["ExternalId"] = _filled(self.external_id, namespace, cluster)
        if self.with_tags:
            tags = {NAMESPACE_TAG: namespace, CLUSTER_TAG: cluster}
            request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items() if value]
        return request


NAMES_ONLY = RoleSessions()


def session_name(namespace: str, cluster: str) -> str:
    """Return `<namespace>@<cluster>`, at most 64 characters, different for each namespace.

    A namespace has neither `@` nor `,`: whatever another one is called, its session's name does not begin with
    `<namespace>@`. A part that is too long is cut, and ends in a comma and a hash of the whole part.
    """
    end = f"@{_shortened(cluster, _CLUSTER_LENGTH)}"
    return f"{_shortened(namespace, SESSION_NAME_LENGTH - len(end))}{end}"


def checked_external_id(template: str) -> str:
    """Return the template as it is; "" stays "".

    Raises:
        ValueError: what becomes of it is not what STS takes.

    """
    shortest, longest = _filled(template, "a", ""), _filled(template, "a" * 63, "a" * 64)
    if template and not (_EXTERNAL_ID.fullmatch(shortest) and _EXTERNAL_ID.fullmatch(longest)):
        raise ValueError(
            f"{template!r}: write 2 to 1224 letters, digits and _+=,.@:/- beside {{namespace}} and {{cluster}}"
        )
    return template


def _filled(template: str, namespace: str, cluster: str) -> str:
    return template.replace("{namespace}", namespace).replace("{cluster}", cluster)


def _shortened(part: str, length: int) -> str:
    if len(part) <= length:
        return part
    digest = base64.b32encode(hashlib.sha256(part.encode()).digest()).decode().lower()[:_HASH_LENGTH]
    return f"{part[: length - _HASH_LENGTH - len(_CUT)]}{_CUT}{digest}"
