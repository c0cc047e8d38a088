"""Owns the AWS clients of commands: whose credentials they carry, the user's settings, and errors in AWS's words.

An object may be worked on in another account, by a role that the operator takes on. A user whose own credentials are of
that account needs no role; one whose are not takes on the operator's, where its trust policy allows that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from classifier_operator.sagemaker.names import is_name
from classifier_operator.sagemaker.regions import is_region, problem_of

RegionT = TypeVar("RegionT", str, tuple[str, ...], None)
C = TypeVar("C", bound=Callable[..., Any])

_NONE = "none"
_NO_CREDENTIALS = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
# A person's own session: no namespace's, which have an `@`.
_SESSION = "kubectl-classifier"


def role_option(command: C) -> C:
    """Add the option that says which role the call takes on."""
    return click.option(
        "--assume-role-arn",
        metavar="ARN",
        help="Take on this role for the call; `none` for none. [the role that the operator takes on for the object, "
        "unless your credentials are of its account]",
    )(command)


def checked_regions(_context: click.Context, _option: click.Parameter, given: RegionT) -> RegionT:
    """Take an option's regions as they are; refuse what is no name of one."""
    regions: tuple[str, ...] = (given,) if isinstance(given, str) else given or ()
    for region in regions:
        if problem := problem_of(region):
            raise click.BadParameter(problem)
    return given


def client(service: str, region: str | None, role_arn: str = "", *, is_patient: bool = False) -> Any:
    """A client of a service. AWS_PROFILE, AWS_ENDPOINT_URL and the rest of boto3's environment apply.

    is_patient: for thousands of calls: it slows down where AWS throttles them, instead of giving up.
    """
    import boto3
    from botocore.config import Config

    from classifier_operator.adapters.identities import assumed_credentials

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    if is_patient:
        retries = {"mode": "adaptive", "total_max_attempts": 10}
    settings = Config(retries=retries, read_timeout=70)
    with explained():
        session = boto3.Session()
        if role_arn:
            sts = session.client("sts", region_name=region, config=settings)
            request = {"RoleArn": role_arn, "RoleSessionName": _SESSION}
            session = boto3.Session()
            session._session._credentials = assumed_credentials(
                lambda: sts.assume_role(**request), lambda: datetime.now(UTC)
            )
        return session.client(service, region_name=region, config=settings)


def client_for(service: str, body: Mapping[str, Any], name: str, asked: str | None) -> Any:
    """A client of a service where the object `body` has its resource `name`.

    asked: the role to take on, `none`, or None for what the object says.
    """
    region = body["status"]["region"]
    # They become parts of an address, and whoever may write the object's status has written them.
    if not is_region(region) or not is_name(name):
        raise click.ClickException(f"the object's status names {name!r} in {region!r}, which cannot be at SageMaker")
    if asked is not None:
        return client(service, region, "" if asked == _NONE else asked)
    role = operators_role(body, name)
    return client(service, region, "" if role and _is_at_home(role, region) else role)


def operators_role(body: Mapping[str, Any], name: str) -> str:
    """The role by which the operator works on that resource: as recorded, for a namespace may have a default."""
    for entry in body.get("status", {}).get("resources", ()):
        if entry["name"] == name:
            return str(entry.get("assumeRoleArn", ""))
    return str(body["spec"].get("assumeRoleArn", ""))


def _is_at_home(role_arn: str, region: str) -> bool:
    """Whether the user's own credentials are of the role's account."""
    with explained():
        own = client("sts", region).get_caller_identity()["Account"]
    return bool(own == role_arn.split(":")[4])


@contextmanager
def explained() -> Iterator[None]:
    """Refusals and failures of AWS in the body become a click.ClickException."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError as error:
        raise click.ClickException(f"AWS: {error}; {_NO_CREDENTIALS}") from error
    except (ClientError, BotoCoreError) as error:
        advice = (
            "; --assume-role-arn none takes none on" if getattr(error, "operation_name", "") == "AssumeRole" else ""
        )
        raise click.ClickException(f"AWS: {error}{advice}") from error
