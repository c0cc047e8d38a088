"""Instance quotas and shortages. Unlimited unless one is set."""

from __future__ import annotations

import threading
from typing import Any, Literal

from sagemaker_emulator import errors

Use = Literal["training job", "spot training job", "endpoint"]
USES: tuple[Use, ...] = ("training job", "spot training job", "endpoint")
Key = tuple[str, Use]


class Capacity:
    """Quotas per account and region (refused at once), and instance types that AWS itself has none of (a wait)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quotas: dict[Key, int] = {}
        self._short: set[Key] = set()

    def set_quota(self, instance_type: str, use: Use, limit: int | None) -> None:
        """Allow `limit` instances; None lifts the quota."""
        with self._lock:
            if limit is None:
                self._quotas.pop((instance_type, use), None)
            else:
                self._quotas[(instance_type, use)] = limit

    def set_shortage(self, instance_type: str, use: Use, *, short: bool) -> None:
        with self._lock:
            (self._short.add if short else self._short.discard)((instance_type, use))

    def is_short(self, instance_type: str, use: Use) -> bool:
        with self._lock:
            return (instance_type, use) in self._short

    def quota(self, instance_type: str, use: Use) -> int | None:
        with self._lock:
            return self._quotas.get((instance_type, use))

    def require(self, instance_type: str, use: Use, *, used: int, delta: int) -> None:
        """Raise ResourceLimitExceeded if `delta` more instances than the `used` ones break the quota."""
        limit = self.quota(instance_type, use)
        if limit is not None and delta > 0 and used + delta > limit:
            raise errors.quota_exceeded(instance_type=instance_type, use=use, limit=limit, used=used, delta=delta)

    def clear(self) -> None:
        with self._lock:
            self._quotas.clear()
            self._short.clear()

    def describe(self) -> dict[str, Any]:
        with self._lock:
            return {
                "quotas": [{"instance_type": t, "use": u, "limit": n} for (t, u), n in self._quotas.items()],
                "shortages": [{"instance_type": t, "use": u} for t, u in sorted(self._short)],
            }
