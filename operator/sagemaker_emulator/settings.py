"""All that can be chosen about the emulator, as frozen values that a running one can swap.

Durations are in emulated seconds unless the name says real. The defaults are what the real service
usually takes.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Training:
    """How long a training job stays in each state, and what it does.

    `work` is "algorithm" (jobs whose image is the built-in classifier really train) or "none" (no job does anything).
    `training_seconds` is how long a job shows Training; a job that really trains stays there until its result is there.
    `instant_artifact` says whether a job that does no work still puts a tiny model.tar.gz into S3.
    """

    starting_seconds: float = 60.0
    downloading_seconds: float = 20.0
    training_seconds: float = 120.0
    uploading_seconds: float = 10.0
    stopping_seconds: float = 30.0
    deleting_seconds: float = 10.0
    capacity_wait_seconds: float = 1800.0
    work: Literal["algorithm", "none"] = "algorithm"
    instant_artifact: bool = True
    check_inputs: bool = False


@dataclass(frozen=True)
class Endpoint:
    """How long an endpoint stays in each state.

    `failing_seconds` is the time from Creating to Failed (a crash loop takes AWS about 24 minutes).
    `load_model` says whether the artifact is read before the endpoint goes InService.
    """

    creating_seconds: float = 300.0
    failing_seconds: float = 1440.0
    updating_seconds: float = 300.0
    rolling_back_seconds: float = 120.0
    scaling_seconds: float = 120.0
    deleting_seconds: float = 30.0
    alarm_check_seconds: float = 30.0
    load_model: bool = True


@dataclass(frozen=True)
class ElasticInference:
    """Whether `acceleratorType` works, and if not, where AWS says so.

    `available_types` are those that work although `available` is false.
    `refused_at` is "CreateEndpointConfig", "CreateEndpoint" or "Endpoint" (a Failed endpoint, later).
    The first `slow_calls` invocations of each new fleet of an accelerated variant take `first_call_real_seconds`
    longer.
    """

    available: bool = False
    available_types: tuple[str, ...] = ()
    refused_at: Literal["CreateEndpointConfig", "CreateEndpoint", "Endpoint"] = "CreateEndpointConfig"
    slow_calls: int = 1
    first_call_real_seconds: float = 1.5

    def first_refused(self, accelerators: Iterable[str]) -> str:
        """The first of these types that does not work, "" if all do."""
        if self.available:
            return ""
        return next((name for name in accelerators if name and name not in self.available_types), "")


@dataclass(frozen=True)
class Consistency:
    """How late AWS's own stores catch up, for tests of clients that assume they do at once.

    The first `describe_calls` Describe calls for a new resource, and all within `describe_seconds`, say not found.
    """

    describe_seconds: float = 0.0
    describe_calls: int = 0
    list_seconds: float = 0.0
    tags_seconds: float = 0.0
    endpoint_config_seconds: float = 0.0


@dataclass(frozen=True)
class Iam:
    """Whether callers need permissions, as at AWS.

    With `enforce`, every call is decided about by the policies of its access key's user or role. `root_keys` are access
    keys that may do everything, as an account's root, and so do the roles that they take on.
    """

    enforce: bool = False
    root_keys: tuple[str, ...] = ("root",)


@dataclass(frozen=True)
class Settings:
    """The emulator's settings; sections are nested, as in the JSON of the control API.

    `deregister_with_endpoint` says whether callers may deregister scalable targets: then DeleteEndpoint does it for
    them, else it is refused while there are any. `tags_page` is how many tags an answer of ListTags has at most:
    AWS may send fewer than it is asked for, with a NextToken.
    """

    account: str = "123456789012"
    region: str = "us-east-1"
    strict_roles: bool = False
    deregister_with_endpoint: bool = True
    check_model_data: bool = True
    events: bool = False
    filter_after_paging: tuple[str, ...] = ("ListTrainingJobs",)
    tags_page: int = 50
    call_log_size: int = 20_000
    work_threads: int = 2
    training: Training = field(default_factory=Training)
    endpoint: Endpoint = field(default_factory=Endpoint)
    elastic_inference: ElasticInference = field(default_factory=ElasticInference)
    consistency: Consistency = field(default_factory=Consistency)
    iam: Iam = field(default_factory=Iam)

    def __post_init__(self) -> None:
        if not (len(self.account) == 12 and self.account.isdecimal()):
            raise ValueError(f"settings.account must be 12 digits, not {self.account!r}")

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def patched(current: T, changes: object, path: str = "settings") -> T:
    """A copy of a settings dataclass with `changes`, a JSON object of the same shape with only some members.

    Raises:
        ValueError: an unknown name or a wrong type, with the member's path.

    """
    if not isinstance(changes, dict):
        raise ValueError(f"{path} must be an object")
    hints = typing.get_type_hints(type(current))
    values = {}
    for name, value in changes.items():
        if name not in hints:
            raise ValueError(f"{path} has no '{name}'; it has {', '.join(hints)}")
        values[name] = _converted(hints[name], getattr(current, name), value, f"{path}.{name}")
    return dataclasses.replace(current, **values)  # type: ignore[type-var]


def _converted(hint: Any, current: object, value: object, path: str) -> object:
    if dataclasses.is_dataclass(hint):
        return patched(current, value, path)
    origin = typing.get_origin(hint)
    if origin is Literal:
        return _one_of(typing.get_args(hint), value, path)
    if origin is tuple:
        return _strings(value, path)
    return _scalar(hint, value, path)


def _one_of(allowed: tuple[object, ...], value: object, path: str) -> object:
    if value not in allowed:
        raise ValueError(f"{path} must be one of {', '.join(map(str, allowed))}, not {value!r}")
    return value


def _strings(value: object, path: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{path} must be a list of strings")
    return tuple(value)


def _scalar(hint: type, value: object, path: str) -> object:
    wanted: type | types.UnionType = (int | float) if hint is float else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"{path} must be of type {hint.__name__}, not {value!r}")
    if hint in (int, float) and not 0 <= value < 1e12:  # type: ignore[operator]
        raise ValueError(f"{path} must not be negative or huge: {value!r}")
    return float(value) if hint is float else value  # type: ignore[arg-type]
