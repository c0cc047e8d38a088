"""Of which account the operator's own credentials are, as far as passes know without waiting.

Each call is compared with the credentials that it is signed with (adapters/accounts.py); what is remembered here tells
objects that they have to wait, and that they may go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from classifier_operator.runtime.ports import Clock, Cloud

logger = logging.getLogger(__name__)

# Whether the operator's credentials are still of the same account is looked at so often, without asking anybody.
ACCOUNT_SECONDS = 10.0
# Where nobody could tell, nobody is asked again by a pass for so long.
PAUSE_SECONDS = 15.0


class OwnAccount:
    """The account of the operator's own credentials.

    region: where to ask; "" asks where the first object that needs it is.
    changed: called when it is another one than before.
    """

    def __init__(self, cloud: Cloud, clock: Clock, region: str, changed: Callable[[], None]) -> None:
        self.current = ""
        self._cloud = cloud
        self._clock = clock
        self._region = region
        self._changed = changed
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")

    async def known(self, region: str, *, afresh: bool = False) -> str:
        """Return the account, asked for in that region if it is not known; "" where nobody can tell.

        afresh: the credentials are looked at now.
        """
        if self.current:
            if afresh:
                await self.look()
            return self.current
        self._region = self._region or region
        if self._asking is None and self._clock.monotonic() - self._asked_at >= PAUSE_SECONDS:
            self._asked_at = self._clock.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self.look())
            self._asking.add_done_callback(self._asked)
        if self._asking is not None:
            # Whoever is cancelled does not take the answer from the others.
            await asyncio.wait([self._asking])
        return self.current

    async def look(self) -> None:
        """Look whether the credentials are still of the same account; nobody is asked while they are the same."""
        if not self._region:
            return
        account = await self._cloud.account(self._region)
        if not account or account == self.current:
            return
        before, self.current = self.current, account
        if before:
            logger.warning("the operator's own credentials are of account %s now, and were of %s", account, before)
            self._changed()

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled() and task.exception() is not None:
            logger.error("the operator's own account: %r", task.exception())
