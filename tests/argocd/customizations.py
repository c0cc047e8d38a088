"""The customizations in upstream's layout, and the argocd-cm that is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from tests.contract.manifests import REPOSITORY

GROUP: Final = "classifiers.sagemaker.dev"
ARGOCD: Final = REPOSITORY / "manifests" / "argocd"
CUSTOMIZATIONS: Final = ARGOCD / "resource_customizations" / GROUP
CONFIG_MAP: Final = ARGOCD / "argocd-cm.yaml"
KINDS: Final = ("ClassifierEndpoint", "ClassifierTraining")

_HEADER: Final = """\
# What Argo CD has to know of the two kinds: when they are healthy, what can be done with them, and which of their
# changes are no news. Made from resource_customizations/ by `python -m tests.argocd.make_argocd_cm`.
# Add the keys to the ConfigMap of your Argo CD, which keeps its own:
#   kubectl patch configmap argocd-cm -n argocd --patch-file manifests/argocd/argocd-cm.yaml
"""


def config_map() -> str:
    """The text of argocd-cm.yaml."""
    data: dict[str, str] = {}
    for kind in KINDS:
        data[f"resource.customizations.health.{GROUP}_{kind}"] = _text(CUSTOMIZATIONS / kind / "health.lua")
        data[f"resource.customizations.actions.{GROUP}_{kind}"] = _dump(_actions(CUSTOMIZATIONS / kind / "actions"))
        # Argo CD 3 ignores them by itself; a change of health is news all the same.
        data[f"resource.customizations.ignoreResourceUpdates.{GROUP}_{kind}"] = _dump({"jsonPointers": ["/status"]})
    document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "argocd-cm",
            "namespace": "argocd",
            "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
        },
        "data": data,
    }
    return _HEADER + _dump(document)


def _actions(folder: Path) -> dict[str, Any]:
    definitions = [
        {"name": script.parent.name, "action.lua": _text(script)} for script in sorted(folder.glob("*/action.lua"))
    ]
    return {"discovery.lua": _text(folder / "discovery.lua"), "definitions": definitions}


def _text(script: Path) -> str:
    return script.read_text()


class _Dumper(yaml.SafeDumper):
    """Scripts are to be read."""


def _as_block(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _as_block)


def _dump(document: Any) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1000)
