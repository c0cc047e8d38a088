"""Writes manifests/argocd/argocd-cm.yaml: `python -m tests.argocd.make_argocd_cm`."""

from __future__ import annotations

from tests.argocd.customizations import CONFIG_MAP, config_map

if __name__ == "__main__":
    CONFIG_MAP.write_text(config_map())
