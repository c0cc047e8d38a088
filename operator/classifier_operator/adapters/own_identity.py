"""Who the operator is at AWS, asked once at its start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import AbstractContextManager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from classifier_operator.adapters.aws_errors import refusal_of
from classifier_operator.adapters.identities import Identities
from classifier_operator.adapters.secrets import known_secrets
from classifier_operator.api.ledger import Place
from classifier_operator.api.redaction import redacted
from classifier_operator.runtime.start import OwnIdentity

# STS answers in a fraction of a second, or is not to be reached.
STS_SECONDS = 10.0
_OPERATION = "GetCallerIdentity"


def own_identity(
    identities: Identities,
    use: Callable[[str, str], AbstractContextManager[Any]],
    submit: Callable[..., Future[Any]],
    region: str,
) -> OwnIdentity:
    """Return where the operator's own credentials come from, and who they are; region "": nobody is asked.

    use: returns a client of a service in a region, as a context manager.
    submit: runs a function in a thread.
    """
    try:
        with identities.acting(Place(region)) as actor:
            if actor.credentials is None:
                return OwnIdentity(source="")
            source = str(actor.credentials.method)
    except (BotoCoreError, OSError) as error:
        # A profile that does not exist, or a file that cannot be read.
        return OwnIdentity(source="", words=_words(error))
    if not region:
        return OwnIdentity(source=source)

    def ask() -> str:
        with identities.acting(Place(region)), use("sts", region) as sts:
            return str(sts.get_caller_identity()["Arn"])

    try:
        return OwnIdentity(source=source, arn=submit(ask).result(STS_SECONDS))
    except (NotInTime, BotoCoreError, ClientError, OSError) as error:
        return OwnIdentity(source=source, words=_words(error))


def _words(error: Exception) -> str:
    if isinstance(error, NotInTime):
        return f"STS has not answered in {STS_SECONDS:.0f} s"
    return str(refusal_of(_OPERATION, error, lambda text: redacted(text, known_secrets())))
