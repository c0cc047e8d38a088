"""Of which AWS account the operator's own credentials are: looked up once for each set of them.

STS says so to everybody (GetCallerIdentity needs no permission). Where STS cannot be reached, as in a network with
endpoints for SageMaker alone, SageMaker says so when it cannot find something: its message has the ARN, in the caller's
account, of what was asked for. A set of credentials is told by its access key's id; credentials that renew themselves
are another set each time, and may be of another account.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from classifier_operator.adapters.clients import acting_as
from classifier_operator.api.ledger import Place
from classifier_operator.reconcile.account import account_in, mismatch_words
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind

logger = logging.getLogger(__name__)

# STS answers in a fraction of a second, or is not to be reached.
STS_SECONDS = 3.0
# In a region where it could not be reached it is not waited for again for so long.
STS_PAUSE_SECONDS = 600.0
# In a region where nobody has told the account, nobody is asked again for so long.
PAUSE_SECONDS = 10.0
# Sets of credentials that are remembered, and regions.
MOST_SETS = MOST_REGIONS = 64
# No configuration has this name: SageMaker says in which account it has not found it.
NOBODYS_NAME = "classifier-operator-whose-account-is-this"
_ARN = re.compile(r"arn:aws[a-z-]*:(?:sagemaker|sts|iam):[a-z0-9-]*:[0-9]{12}:")


class Pinned:
    """Stand for a set of credentials as it is now, though its owner may renew it meanwhile."""

    def __init__(self, frozen: Any) -> None:
        self._frozen = frozen

    def get_frozen_credentials(self) -> Any:
        """Return the set, as botocore asks for it."""
        return self._frozen


@dataclass
class _Region:
    """What is known of the services of a region: one that hangs keeps nobody from asking in another.

    asking: held by the thread that asks there.
    """

    asking: threading.Lock = field(default_factory=threading.Lock)
    sts_away_until: float = float("-inf")
    asked_nobody_until: float = float("-inf")


class Accounts:
    """The account of each set of credentials that the operator itself has had.

    use: returns a client of a service in a region, as a context manager.
    submit: runs a function in a thread.
    monotonic: seconds that never go back.
    """

    def __init__(
        self,
        use: Callable[[str, str], AbstractContextManager[Any]],
        submit: Callable[..., Future[Any]],
        monotonic: Callable[[], float],
    ) -> None:
        self._use = use
        self._submit = submit
        self._monotonic = monotonic
        self._changing = threading.Lock()
        self._regions: dict[str, _Region] = {}
        self._known: dict[str, str] = {}

    @contextmanager
    def acting(self, place: Place, operation: str, credentials: Any) -> Iterator[str]:
        """Sign what is sent in the block with credentials of the account that the place is in, or send nothing.

        Yields the access key's id, by which the account can be learnt; "" for a role, whose ARN tells it.

        Raises:
            AwsRefusal: they are of another account, or nobody can tell.

        """
        if place.assume_role_arn or credentials is None:
            yield ""
            return
        # They may be renewed at any moment: what is compared is what signs.
        frozen = credentials.get_frozen_credentials()
        with acting_as(Pinned(frozen)):
            if place.own_account:
                self._demand(place, operation, frozen)
            yield frozen.access_key

    def of(self, region: str, credentials: Any) -> str:
        """Return the account of these credentials; "" where nobody can tell."""
        if credentials is None:
            return ""
        frozen = credentials.get_frozen_credentials()
        with acting_as(Pinned(frozen)):
            return self._account(region, frozen)

    def learn(self, key: str, arn: str) -> None:
        """AWS has named a resource of the account that an access key is of."""
        if key and (account := account_in(arn)):
            self._note(key, account)

    def _demand(self, place: Place, operation: str, frozen: Any) -> None:
        account = self._account(place.region, frozen)
        if account == place.own_account:
            return
        if not account:
            message = "not sent: nobody can tell of which account the operator's credentials are"
            raise AwsRefusal(operation, RefusalKind.UNAVAILABLE, "AccountUnknown", message)
        words = mismatch_words(place.own_account, account)
        raise AwsRefusal(operation, RefusalKind.ACCOUNT_MISMATCH, "AccountMismatch", words)

    def _account(self, region: str, frozen: Any) -> str:
        """Return the account of the set that acts in this thread."""
        if account := self._known.get(frozen.access_key, ""):
            return account
        there = self._region(region)
        with there.asking:
            if account := self._known.get(frozen.access_key, ""):
                return account
            if self._monotonic() < there.asked_nobody_until:
                return ""
            account = self._asked_sts(region, there, frozen) or self._asked_sagemaker(region)
            if account:
                logger.info("the operator's own credentials are of account %s", account)
                self._note(frozen.access_key, account)
            else:
                there.asked_nobody_until = self._monotonic() + PAUSE_SECONDS
            return account

    def _region(self, name: str) -> _Region:
        with self._changing:
            # A region's name comes from a spec: the oldest are forgotten.
            region = self._regions.pop(name, None) or _Region()
            self._regions[name] = region
            while len(self._regions) > MOST_REGIONS:
                del self._regions[next(iter(self._regions))]
            return region

    def _note(self, key: str, account: str) -> None:
        if self._known.get(key) == account:
            return
        with self._changing:
            self._known[key] = account
            while len(self._known) > MOST_SETS:
                del self._known[next(iter(self._known))]

    def _asked_sts(self, region: str, there: _Region, frozen: Any) -> str:
        if self._monotonic() < there.sts_away_until:
            return ""

        def ask() -> str:
            with acting_as(Pinned(frozen)), self._use("sts", region) as sts:
                return str(sts.get_caller_identity()["Account"])

        try:
            return str(self._submit(ask).result(STS_SECONDS))
        except (NotInTime, BotoCoreError, ClientError, OSError) as error:
            logger.info("sts: GetCallerIdentity: %r", error)
            there.sts_away_until = self._monotonic() + STS_PAUSE_SECONDS
            return ""

    def _asked_sagemaker(self, region: str) -> str:
        try:
            with self._use("sagemaker", region) as sagemaker:
                answer = sagemaker.describe_endpoint_config(EndpointConfigName=NOBODYS_NAME)
        except ClientError as error:
            found = _ARN.search(str(error.response.get("Error", {}).get("Message", "")))
            return account_in(f"{found[0]}x") if found else ""
        except (BotoCoreError, OSError) as error:
            logger.info("sagemaker: DescribeEndpointConfig: %r", error)
            return ""
        return account_in(answer.get("EndpointConfigArn", ""))
