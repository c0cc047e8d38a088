"""kubectl's options of which cluster is asked, and as whom: after a plugin's name kubectl itself reads none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import Struct

from classifier_operator.adapters.kubeconfig import kubeconfig_files
from classifier_operator.api.kinds import GROUP, Kind

C = TypeVar("C", bound=Callable[..., Any])

_KEPT = f"{__name__}.chosen"
_SHORT = {Kind.TRAINING: "ctrain", Kind.ENDPOINT: "cep"}


class Chosen(Struct):
    """What has been chosen instead of what the kubeconfig says; "": nothing."""

    context: str = ""
    cluster: str = ""
    user: str = ""
    impersonated: str = ""


def identity_options(command: C) -> C:
    """Add --context, --cluster, --user and --as; `chosen` tells them, so no command has to hand them on."""
    for name, field, text in (
        ("--as", "impersonated", "Name to impersonate. [nobody]"),
        ("--user", "user", "Use this user of the kubeconfig. [the context's]"),
        ("--cluster", "cluster", "Use this cluster of the kubeconfig. [the context's]"),
        ("--context", "context", "Use this context of the kubeconfig. [the current one]"),
    ):
        command = click.option(name, field, default="", help=text, expose_value=False, callback=_keep(field))(command)
    return command


def chosen() -> Chosen:
    """Return what the command that runs was told."""
    context = click.get_current_context(silent=True)
    found: Chosen = context.meta.get(_KEPT, Chosen()) if context is not None else Chosen()
    return found


def client_of_kubeconfig(kubeconfig: Path | None, settings: Any) -> tuple[Any, str]:
    """Return a client of the cluster that was chosen, and the context's namespace ("" where it has none).

    Raises:
        ClickException: the kubeconfig has not got what was chosen.
        Exception: it is no kubeconfig.

    """
    from kubernetes import client
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

    wanted = chosen()
    merger = KubeConfigMerger(os.pathsep.join(map(str, kubeconfig_files(kubeconfig))))
    for section, name in (("contexts", wanted.context), ("clusters", wanted.cluster), ("users", wanted.user)):
        _require(merger.config, section, name)
    # Renewed tokens are written back, but not what was chosen for this once.
    persist = {} if wanted.cluster or wanted.user else {"config_persister": merger.save_changes}
    if wanted.cluster or wanted.user:
        name = wanted.context or merger.config["current-context"]
        context = merger.config["contexts"].get_with_name(name).value["context"]
        context.update({key: value for key in ("cluster", "user") if (value := getattr(wanted, key))})
    loader = KubeConfigLoader(merger.config, wanted.context or None, config_base_path=None, **persist)
    loader.load_and_set(settings)
    return impersonating(client.ApiClient(settings)), str(loader.current_context["context"].get("namespace") or "")


def impersonating(api: Any) -> Any:
    """Return the client, acting as whom --as names."""
    if name := chosen().impersonated:
        api.set_default_header("Impersonate-User", name)
    return api


class ObjectName(click.ParamType[str]):
    """NAME, or the kind and the name as kubectl prints and takes them: cep/NAME."""

    name = "NAME"

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, or an error that says how to write it."""
        kind, slash, name = value.rpartition("/")
        if slash and (kind not in _spellings(self._kind) or not name):
            short = _SHORT[self._kind]
            self.fail(f"{value!r} is no {self._kind.value}: write {short}/NAME, or the name alone", param, ctx)
        return name


def _spellings(kind: Kind) -> set[str]:
    words = {kind.plural, kind.value.lower(), kind.value, _SHORT[kind]}
    return words | {f"{word}.{GROUP}" for word in words}


def _keep(field: str) -> Callable[[click.Context, click.Parameter, str], None]:
    def keep(context: click.Context, _: click.Parameter, value: str) -> None:
        setattr(context.meta.setdefault(_KEPT, Chosen()), field, value)

    return keep


def _require(config: Any, section: str, name: str) -> None:
    if not name:
        return
    names = [str(one["name"]) for one in config.value.get(section) or [] if "name" in one.value]
    if name not in names:
        one = section.removesuffix("s")
        known = ", ".join(names) or "none"
        raise click.ClickException(f"--{one} {name}: the kubeconfig has no such {one}: it has {known}")
