"""The file that says what each namespace may use: read at the start, and again when it has changed.

A ConfigMap that is mounted changes by a link that is turned to another folder, so it is the content that is compared.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from classifier_operator.reconcile.tenants import Allowance, Limit, Tenant, Tenants
from classifier_operator.sagemaker import regions, roles

logger = logging.getLogger(__name__)

_SHOWN = 64


class TenantsError(ValueError):
    """The file is no allow-list: which field, and what is wrong with it."""


class TenantsFile:
    """The allow-list of a file; without a file, everything is allowed."""

    def __init__(self, path: Path | None) -> None:
        """Read it.

        Raises:
            TenantsError: it cannot be read, or is no allow-list.

        """
        self._path = path
        self._text = _read(path) if path else b""
        self._tenants = tenants_of(self._text) if path else Tenants()

    def of(self, namespace: str) -> Allowance:
        """What that namespace may use."""
        return self._tenants.of(namespace)

    def refresh(self) -> bool:
        """Read it again; whether it allows something else than before. What is broken changes nothing, and is said."""
        if self._path is None:
            return False
        try:
            text = _read(self._path)
            if text == self._text:
                return False
            tenants = tenants_of(text)
        except TenantsError as error:
            logger.error("what namespaces may use stays as it was: %s: %s", self._path, error)
            return False
        before, self._text, self._tenants = self._tenants, text, tenants
        if before != tenants:
            logger.info("what namespaces may use has changed: %s", self._path)
        return before != tenants


def tenants_of(text: bytes | str) -> Tenants:
    """The allow-list that a YAML text is.

    Raises:
        TenantsError: it is none; the message begins with the path of what is wrong.

    """
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TenantsError(f"is no YAML: {error}") from error
    if content is None:
        raise TenantsError("is empty; `tenants: []` allows nothing to anybody")
    try:
        tenants = msgspec.convert(content, _File).tenants
    except msgspec.ValidationError as error:
        raise TenantsError(_with_path(str(error))) from error
    for number, tenant in enumerate(tenants):
        _check(f"tenants[{number}]", tenant)
    return Tenants(entries=tenants)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tenants: tuple[Tenant, ...]


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: the second would quietly take the place of the first."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} is there twice", node.start_mark)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TenantsError(f"cannot be read: {error.strerror}") from error


def _with_path(words: str) -> str:
    """Msgspec's words, beginning with the path: "Expected `str`, got `int` - at `$.tenants[0].regions[0]`"."""
    problem, _, path = words.partition(" - at `$")
    return f"{path.removeprefix('.').removesuffix('`')}: {problem}" if path else problem


def _check(path: str, tenant: Tenant) -> None:
    """What has the right shape, and yet is nothing that anybody can have meant."""
    if not tenant.namespaces:
        raise TenantsError(f"{path}.namespaces: must name one at least, `*` is all")
    lists: dict[str, tuple[str, ...]] = {"namespaces": tenant.namespaces}
    lists |= {limit.value: tenant.patterns_of(limit) or () for limit in Limit}
    for name, patterns in lists.items():
        for number, pattern in enumerate(patterns):
            if problem := _PROBLEMS.get(name, _problem)(pattern):
                raise TenantsError(f"{path}.{name}[{number}]: {problem}")


def _problem(pattern: str) -> str:
    return "" if pattern.strip() == pattern != "" else "must not be empty, or begin or end with spaces"


def _never_fits(pattern: str, beginning: str, example: str) -> str:
    """What is wrong with a pattern that no value can fit, because all values begin with something else."""
    plain = _WILDCARD.split(pattern)[0][: len(beginning)]
    return "" if beginning.startswith(plain) else f"{pattern[:_SHOWN]!r} fits nothing: write one such as {example}"


def _problem_of_execution_role(pattern: str) -> str:
    if problem := _problem(pattern) or _never_fits(pattern, "arn:aws", f"{roles.EXAMPLE} or arn:*:role/team-*"):
        return problem
    return "" if _WILDCARD.search(pattern) else roles.problem_of(pattern)


def _problem_of_role(pattern: str) -> str:
    # "" is the operator's own identity.
    return _problem_of_execution_role(pattern) if pattern else ""


def _problem_of_bucket(pattern: str) -> str:
    if "://" in pattern:
        return "is a bucket, or a bucket and a prefix, without s3://"
    if pattern.endswith("/"):
        return "what is below a prefix is written with a star: bucket/prefix/*"
    return _problem(pattern)


def _problem_of_region(pattern: str) -> str:
    if _WILDCARD.search(pattern):
        return _problem(pattern)
    return _problem(pattern) or regions.problem_of(pattern)


def _problem_of_type(pattern: str) -> str:
    return _problem(pattern) or _never_fits(pattern, "ml.", "ml.m5.*")


_WILDCARD = re.compile(r"[*?\[]")
_PROBLEMS: dict[str, Callable[[str], str]] = {
    Limit.REGIONS: _problem_of_region,
    Limit.ROLES: _problem_of_execution_role,
    Limit.ASSUMED_ROLES: _problem_of_role,
    Limit.INSTANCE_TYPES: _problem_of_type,
    Limit.ACCELERATOR_TYPES: _problem_of_type,
    Limit.BUCKETS: _problem_of_bucket,
}
