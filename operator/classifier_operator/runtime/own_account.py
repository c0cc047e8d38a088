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

    region: where to ask, beside the region of the object that needs it; "" asks in the latter alone.
    changed: called when it is another one than before.
    """

    def __init__(self, cloud: Cloud, clock: Clock, region: str, changed: Callable[[], None]) -> None:
        self.current = ""
        self._cloud = cloud
        self._clock = clock
        self._region = region
        self._changed = changed
        # By region, because one that hangs must not delay objects of another: who asks there, and when it began.
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._asked_at: dict[str, float] = {}

    async def known(self, region: str, *, afresh: bool = False) -> str:
        """Return the account, asked for in that region if it is not known; "" where nobody can tell.

        afresh: the credentials are looked at now.
        """
        if self.current:
            if afresh:
                await self.look()
            return self.current
        for place in {region, self._region} - {""}:
            self._ask(place)
        # Whichever region answers first is believed. Whoever is cancelled does not take the answer from the others.
        while not self.current and self._asking.keys() & {region, self._region}:
            await asyncio.wait(self._asking.values(), return_when=asyncio.FIRST_COMPLETED)
        return self.current

    def _ask(self, region: str) -> None:
        now = self._clock.monotonic()
        # Regions come from specs: those that were asked long ago are forgotten.
        self._asked_at = {name: at for name, at in self._asked_at.items() if now - at < PAUSE_SECONDS}
        if region in self._asking or region in self._asked_at:
            return
        self._asked_at[region] = now
        task = asyncio.get_running_loop().create_task(self._look(region))
        self._asking[region] = task
        task.add_done_callback(lambda task: self._asked(region, task))

    async def look(self) -> None:
        """Look whether the credentials are still of the same account; nobody is asked while they are the same."""
        if self._region:
            await self._look(self._region)

    async def _look(self, region: str) -> None:
        account = await self._cloud.account(region)
        if account:
            self._region = self._region or region
        if not account or account == self.current:
            return
        before, self.current = self.current, account
        if before:
            logger.warning("the operator's own credentials are of account %s now, and were of %s", account, before)
            self._changed()

    def _asked(self, region: str, task: asyncio.Task[None]) -> None:
        self._asking.pop(region, None)
        if not task.cancelled() and task.exception() is not None:
            logger.error("the operator's own account: %r", task.exception())
