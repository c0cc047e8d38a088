"""Act, for the smoke test: fetch the image, invoke the endpoint, judge the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from classifier_operator.api.conditions import rfc3339
from classifier_operator.endpoint.answer import ANSWER_LIMIT
from classifier_operator.endpoint.record import SmokeTestStatus
from classifier_operator.endpoint.smoke_test import Answered, InputsCall, SmokeTestCall, failed, judge
from classifier_operator.runtime.ports import Clock, Cloud, Cluster
from classifier_operator.runtime.smoke_inputs import SmokeInputs
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind, Remedy

# The code of whatever the container answers that is no success.
MODEL_ERROR = "ModelError"
# Seconds before a container that gives no answer is asked again; the last one goes on.
PAUSES = (1.0, 2.0, 5.0, 10.0)


class _OverrunError(Exception):
    """The endpoint has not answered within its time; says which invocation it was."""


class _Budget:
    """The seconds that an endpoint has for all invocations of a test. Only those count that it is waited for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = seconds

    async def spent_by(self, invoke: Callable[[Callable[[], None]], Awaitable[bytes]]) -> bytes:
        """Return the answer. `invoke` gets what it has to call when it has sent its request.

        Raises:
            TimeoutError: there is none in time.

        """
        clock = asyncio.get_running_loop().time
        began = None
        async with asyncio.timeout(None) as limit:

            def sent() -> None:
                nonlocal began
                began = clock()
                limit.reschedule(began + self._left)

            try:
                return await invoke(sent)
            finally:
                if began is not None:
                    self._left -= clock() - began

    def takes(self, seconds: float) -> bool:
        """Spend a pause between two invocations; returns whether there was time for it."""
        if seconds >= self._left:
            return False
        self._left -= seconds
        return True


class SmokeTester:
    """Runs smoke tests.

    seconds: how long an endpoint has for all invocations of a test, warm-ups and all variants included.
    rest: sleeps for so many seconds.
    """

    def __init__(
        self,
        cloud: Cloud,
        cluster: Cluster,
        clock: Clock,
        *,
        seconds: float = 300.0,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cloud = cloud
        self._inputs = SmokeInputs(cloud, cluster)
        self._clock = clock
        self._seconds = seconds
        self._rest = rest

    async def run(self, call: SmokeTestCall) -> SmokeTestStatus:
        """Run one test.

        Raises:
            AwsRefusal: it could not be run now, and trying again later is right.

        """
        image = await self._inputs.image(call)
        labels = await self._inputs.labels(call)
        budget = _Budget(self._seconds)
        try:
            answers = [await self._answer(call, image, variant, budget) for variant in call.variants or ("",)]
        except AwsRefusal as refusal:
            if refusal.remedy not in (Remedy.STOP, Remedy.SELDOM):
                raise
            return failed(call, refusal.words, self._time())
        except _OverrunError as overrun:
            return failed(call, str(overrun), self._time())
        return judge(call, answers, labels, self._time())

    async def check(self, call: InputsCall) -> None:
        """Look whether a test could be run.

        Raises:
            AwsRefusal: it could not, or nobody can tell.

        """
        await self._inputs.check(call)

    async def _answer(self, call: SmokeTestCall, image: bytes, variant: str, budget: _Budget) -> Answered:
        """Invoke it once more than there are warm-ups: the first answers are slow, and may be failures.

        The last answer alone decides. While the container gives none, it is asked again for as long as there is time.
        """
        first = took = 0
        body = b""
        for number in range(call.test.warm_ups + 1):
            which = f"invocation {number + 1} of {call.test.warm_ups + 1}"
            began = self._clock.monotonic()
            try:
                body = await self._answered(call, image, variant, budget, which)
            except AwsRefusal as refusal:
                if refusal.code != MODEL_ERROR or number == call.test.warm_ups:
                    raise
            took = round((self._clock.monotonic() - began) * 1000)
            first = first if number else took
        return Answered(variant=variant, body=body, first_milliseconds=first, milliseconds=took)

    async def _answered(self, call: SmokeTestCall, image: bytes, variant: str, budget: _Budget, which: str) -> bytes:
        """Invoke it until the container gives an answer, whatever it is, or its time is over."""
        prefix = f"variant {variant}: " if variant else ""
        pauses = iter(PAUSES)
        while True:
            try:
                return await budget.spent_by(partial(self._invoke, call, image, variant))
            except TimeoutError as error:
                raise _OverrunError(f"{prefix}it did not answer within {budget.seconds:.0f} s ({which})") from error
            except AwsRefusal as refusal:
                if refusal.kind is not RefusalKind.NOT_READY:
                    raise
                pause = next(pauses, PAUSES[-1])
                if not budget.takes(pause):
                    message = f"{prefix}it did not answer within {budget.seconds:.0f} s ({which}): {refusal.words}"
                    raise _OverrunError(message) from refusal
            await self._rest(pause)

    async def _invoke(self, call: SmokeTestCall, image: bytes, variant: str, sent: Callable[[], None]) -> bytes:
        return await self._cloud.invoke(
            call.resource.place,
            call.resource.name,
            image,
            call.test.content_type,
            # One more than may be, which tells that there is more.
            limit=ANSWER_LIMIT + 1,
            variant=variant,
            sent=sent,
        )

    def _time(self) -> str:
        return rfc3339(self._clock.now())
